"""PySINDy on the data of one problem: run by the Python that has it, prints one JSON object.

Usage: python _pysindy_peer.py DATA.npz, which holds the coordinates (time last), the fields, and the arrays
of text ``coordinates`` and ``fields``. Several thresholds are tried; all models are printed.
"""

import json
import sys
import time
import warnings

import numpy as np
import pysindy as ps

THRESHOLDS = (0.01, 0.03, 0.1, 0.3)


def main() -> None:
    """Fit and print the models, one for each threshold."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1], allow_pickle=False) as data:
        coordinates = [data[str(name)] for name in data["coordinates"]]
        values = np.stack([data[str(name)] for name in data["fields"]], axis=-1)
    begin, models = time.perf_counter(), []
    for threshold in THRESHOLDS:
        optimizer = ps.STLSQ(threshold=threshold, normalize_columns=len(coordinates) > 1)
        if len(coordinates) == 1:
            library = ps.WeakPDELibrary(
                ps.PolynomialLibrary(degree=3, include_bias=True), spatiotemporal_grid=coordinates[0], K=200
            )
        else:
            grid = np.stack(np.meshgrid(*coordinates, indexing="ij"), axis=-1)
            library = ps.WeakPDELibrary(
                ps.PolynomialLibrary(degree=3, include_bias=False),
                derivative_order=4 if len(coordinates) == 2 else 2,
                spatiotemporal_grid=grid,
                include_bias=True,
                K=200,
            )
        model = ps.SINDy(optimizer=optimizer, feature_library=library)
        model.fit(values, t=coordinates[-1][1] - coordinates[-1][0])
        names = model.get_feature_names()
        models.append(
            [{n: float(c) for n, c in zip(names, row, strict=True) if c} for row in model.coefficients()]
        )
    sys.stdout.write(json.dumps({"models": models, "seconds": time.perf_counter() - begin}))


if __name__ == "__main__":
    main()
