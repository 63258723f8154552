"""The field of a point source in free space: relative error of `kansci solve helmholtz_source`, in L2.

The set-up of SIREN (Sitzmann et al., 2020, section 4.3), wavenumber 20 on [-1, 1]^2, for which no error was
published. The reference is i/4 H0(k r) with Hankel's function of the first kind (SciPy); points within six
widths of the Gaussian source are left out, for there the field is not that of a point.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import hankel1

from kansci.pde import library
from kansci.pde.solver import NumericalSolution, SolveSettings, solve_problem

ASKED = 1e-3
SECONDS = 60.0
WIDTHS = 6
SIDE = 256


def error(solution: NumericalSolution) -> float:
    """Relative L2 error on a grid of [-1, 1]^2 outside the source."""
    k, s = (float(solution.problem.parameters[name]) for name in ("k", "s"))
    axis = np.linspace(-1, 1, SIDE)
    points = np.stack([g.ravel() for g in np.meshgrid(axis, axis)], axis=1)
    r = np.hypot(*points.T)
    points, r = points[r > WIDTHS * s], r[r > WIDTHS * s]
    field = solution.evaluate("u_re", points) + 1j * solution.evaluate("u_im", points)
    exact = 0.25j * hankel1(0, k * r)
    return float(np.linalg.norm(field - exact) / np.linalg.norm(exact))


def rows(seconds: float = SECONDS) -> Iterator[dict[str, Any]]:
    """One row: the error, and the wall time it took."""
    found = solve_problem(library.load("helmholtz_source"), SolveSettings(seconds=seconds))
    measured = error(found)
    yield {
        "case": "Helmholtz field of a point source, relative L2 error",
        "asked": f"< {ASKED:g}",
        "measured": measured,
        "met": measured < ASKED,
        "seconds": found.seconds,
        "parameters": sum(piece.n_parameters for _, _, piece in found.pieces),
    }
