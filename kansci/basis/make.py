"""From a family's name, or the description of one, to the basis."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from kansci.basis.base import Basis
from kansci.basis.bspline import BSpline
from kansci.basis.chebyshev import Chebyshev
from kansci.basis.fourier import Fourier
from kansci.basis.rational import Rational
from kansci.basis.rbf import GaussianRBF
from kansci.basis.sine import Sine
from kansci.errors import SettingsError

BASES: dict[str, type[Basis]] = {
    family.name: family for family in (BSpline, Chebyshev, Fourier, GaussianRBF, Rational, Sine)
}
# Names for a family with some options set.
_SHORTHANDS: dict[str, dict[str, Any]] = {"hat": {"basis": "bspline", "k": 1}}

BasisSpec = str | Mapping[str, Any]


def layer_specs(basis: BasisSpec | Sequence[BasisSpec], n_layers: int) -> list[BasisSpec]:
    """Give one description for each layer.

    Args:
        basis: one for all layers, or a sequence with one for each.
        n_layers: number of layers L.

    Returns:
        L descriptions.

    Raises:
        SettingsError: the sequence is of another length.
    """
    if isinstance(basis, (str, Mapping)):
        return [basis] * n_layers
    if len(basis) != n_layers:
        raise SettingsError(f"{len(basis)} bases for {n_layers} layers: give one, or one for each layer")
    return list(basis)


def basis_names() -> list[str]:
    """List every name that `make_basis` knows."""
    return sorted([*BASES, *_SHORTHANDS])


def make_basis(spec: BasisSpec, grid: int, k: int, domain: torch.Tensor) -> Basis:
    """Build a basis.

    Args:
        spec: a name ("bspline", "hat", "chebyshev", "fourier", "rbf", "rational", "sine"), or a mapping with
            the name as "basis" beside further options, as `to_config` gives it: {"basis": "fourier",
            "learned": True}.
        grid: resolution G, unless `spec` says it.
        k: degree of splines, unless `spec` says it.
        domain: low and high end for each input, shape (..., I, 2).

    Returns:
        The basis.

    Raises:
        SettingsError: there is no such family, or its options are impossible.
    """
    config = {"basis": spec} if isinstance(spec, str) else dict(spec)
    name = config.get("basis")
    shorthand = _SHORTHANDS.get(name, {}) if isinstance(name, str) else {}
    config = {"grid": grid, "k": k, **config, **shorthand}
    name = config.get("basis")
    if not isinstance(name, str) or name not in BASES:
        raise SettingsError(f"basis={name!r}: choose one of {', '.join(basis_names())}")
    return BASES[name].from_config(config, domain)
