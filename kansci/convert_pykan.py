"""Networks from checkpoints of pykan 0.2.8: what its `saveckpt(path)` wrote.

path_config.yml says the structure, path_state holds the tensors; path_cache_data, rows that pykan keeps for
its plots, is not needed. The first is read by YAML's safe loader, the second without unpickling.

The network computes what pykan's does, with two differences: outside a grid its edges go on as straight
lines, where pykan's splines fall to zero; and it computes in float64. pykan's base function sees the input
itself, ours the input mapped to [-1, 1]: unless the grid is [-1, 1], the base function becomes a formula
beside the spline.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import sympy
import torch

from kansci.basis import BSpline
from kansci.errors import DataError, SettingsError
from kansci.expressions.primitives import X
from kansci.models import KAN, KANLayer, Nodes, SymbolicFunction
from kansci.models.nodes import read_width
from kansci.models.symbolic_edge import SymbolicEdge
from kansci.symbolic.library import find_function
from kansci.torch_state import read_state

__all__ = ["load_pykan"]

LONGEST_CONFIG = 2**20
_PARTS = ("grid", "coef", "mask", "scale_base", "scale_sp")
_BASES = {"silu": SymbolicFunction("silu", X / (1 + sympy.exp(-X))), "identity": SymbolicFunction("x", X)}

State = Mapping[str, torch.Tensor]
Row = tuple[float, float, float, float]


def load_pykan(path: str | Path, lib: Mapping[str, Any] | None = None) -> KAN:
    """Read a checkpoint of pykan.

    Args:
        path: what was given to `saveckpt`, for example "model/0.3".
        lib: formulas of functions that were added to pykan's library, by name: {"J2": "besselj(2, x)"}.

    Returns:
        The network.

    Raises:
        DataError: a file is missing or not of that form, or an edge has a function without a formula.
    """
    config, state = _read_config(f"{path}_config.yml"), read_state(f"{path}_state")
    try:
        levels = [Nodes(*level) for level in read_width(config["width"], config["mult_arity"])]
        pairs = enumerate(pairwise(levels))
        return KAN.from_layers(
            [_layer(config, state, number, below.n_nodes, above, lib) for number, (below, above) in pairs]
        )
    except (KeyError, TypeError, IndexError, RuntimeError, SettingsError) as error:
        raise DataError(f"{path}: not a checkpoint of pykan 0.2 ({error})") from error


def _read_config(path: str) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise DataError("reading pykan's checkpoints needs PyYAML: pip install pyyaml") from error
    try:
        with Path(path).open("rb") as file:
            text = file.read(LONGEST_CONFIG + 1)
        config = yaml.safe_load(text) if len(text) <= LONGEST_CONFIG else None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not plain YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(config, dict):
        raise DataError(f"{path}: not a configuration of pykan")
    return config


def _layer(
    config: Mapping[str, Any],
    state: State,
    number: int,
    n_in: int,
    nodes: Nodes,
    lib: Mapping[str, Any] | None,
) -> KANLayer:
    part = {name: state[f"act_fun.{number}.{name}"].double() for name in _PARTS}
    n_out = nodes.n_subnodes
    if part["grid"].shape[:1] != (n_in,) or any(part[name].shape[:2] != (n_in, n_out) for name in _PARTS[1:]):
        raise DataError(f"layer {number}: the tensors do not fit {n_in} nodes and {n_out} subnodes")
    knots, coef = part["grid"], part["coef"]
    if not bool((knots.diff(dim=-1) > 0).all()):
        raise DataError(
            f"layer {number}: its grid has knots that coincide; train with update_grid=False first"
        )
    degree = knots.shape[-1] - coef.shape[-1] - 1
    steps = knots.diff(dim=-1)
    uniform = bool(((steps - steps.mean(dim=-1, keepdim=True)).abs() <= 1e-12 * knots.abs().amax()).all())
    basis = BSpline.from_knots(knots, degree, uniform=uniform)
    # pykan's masks may be any number; of a masked edge the learned function is kept aside, as ours is.
    factor = part["mask"].where(part["mask"] != 0, torch.ones_like(part["mask"]))
    weight = (coef * (part["scale_sp"] * factor).unsqueeze(-1)).transpose(0, 1)
    base = (part["scale_base"] * factor).mT
    base_fun = str(config["base_fun_name"])
    if base_fun not in {*_BASES, "zero"}:
        raise DataError(f"base function {base_fun!r}: only silu, identity and zero can be read")
    unit = bool((basis.domain - torch.tensor([-1.0, 1.0])).abs().max() < 1e-14)
    if base_fun != "zero" and unit:
        weight = torch.cat([base.unsqueeze(-1), weight], dim=-1)
    if base_fun == "zero" or unit:
        base = torch.zeros_like(base)  # nothing is left to become a formula
    symbolic, affine = _formulas(config, state, number, base * (part["mask"].mT != 0), lib)
    return KANLayer(
        basis,
        base_fun if unit else "zero",
        weight,
        (part["mask"].mT != 0).double(),
        _nodes(config, state, number, nodes),
        symbolic,
        torch.tensor(affine, dtype=torch.float64).reshape(-1, 4),
    )


def _nodes(config: Mapping[str, Any], state: State, number: int, nodes: Nodes) -> Nodes:
    tensors = {name: state[f"{name}_{number}"].double() for name in Nodes.tensor_names}
    trainable = bool(config["affine_trainable"])
    plain = all(bool((t == float(name.endswith("scale"))).all()) for name, t in tensors.items())
    affine = None if plain and not trainable else tensors
    return Nodes(nodes.n_sum, nodes.arities, affine, trainable=trainable)


def _formulas(
    config: Mapping[str, Any], state: State, number: int, base: torch.Tensor, lib: Mapping[str, Any] | None
) -> tuple[list[SymbolicEdge], list[Row]]:
    """Symbolic edges: pykan's own, and base functions (scales (J, I)) that have to become formulas."""
    names = config[f"symbolic.funs_name.{number}"]
    mask, affine = (state[f"symbolic_fun.{number}.{name}"].double() for name in ("mask", "affine"))
    if not config["symbolic_enabled"]:
        mask = torch.zeros_like(mask)
    edges: list[SymbolicEdge] = []
    rows: list[Row] = []
    for j, i in (mask.bool() | base.bool()).nonzero().tolist():
        found: list[tuple[SymbolicFunction, Row]] = []
        m, (a, b, c, d) = float(mask[j, i]), affine[j, i].tolist()
        if m != 0 and (c != 0 or d != 0) and (names[j][i] != "0" or d != 0):
            found.append((_function(names[j][i], (number, i, j), lib), (a, b, m * c, m * d)))
        if base[j, i] != 0:
            found.append((_BASES[str(config["base_fun_name"])], (1.0, 0.0, float(base[j, i]), 0.0)))
        if found:
            function, row = found[0] if len(found) == 1 else _together(found)
            edges.append((i, j, function))
            rows.append(row)
    return edges, rows


def _function(name: str, edge: tuple[int, int, int], lib: Mapping[str, Any] | None) -> SymbolicFunction:
    try:
        primitive = find_function((lib or {}).get(name, name))
    except ValueError as error:
        raise DataError(f"edge {edge} has the function {name!r}: say in lib what its formula is") from error
    return SymbolicFunction(name, primitive.expr)


def _together(found: list[tuple[SymbolicFunction, Row]]) -> tuple[SymbolicFunction, Row]:
    """One formula for the sum of two."""
    terms = []
    for function, row in found:
        a, b, c, d = (sympy.Float(value, 17) for value in row)
        terms.append(c * function.expr.xreplace({X: a * X + b}) + d)
    name = " + ".join(function.name for function, _ in found)
    return SymbolicFunction(name, sympy.Add(*terms)), (1.0, 0.0, 1.0, 0.0)
