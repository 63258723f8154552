"""The networks of a solution as plain data and tensors, and back.

A description holds kinds and sizes only; weights and knots are tensors beside it. Known functions are
formulas, read back by the grammar of `kansci.expressions.parser`, or "stated" where the problem's statement
gives them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
import torch

from kansci.basis import BSpline, make_basis
from kansci.errors import RunError
from kansci.expressions.parser import parse
from kansci.pde.axes import Powers, splines
from kansci.pde.field_model import Continued, FieldModel, Known
from kansci.pde.networks.expansion import BasisFunctions, Expansion, Pointwise
from kansci.pde.networks.local import tensor_product
from kansci.pde.networks.network import Network
from kansci.pde.networks.separable import Separable, SumOfOnes, TensorProduct
from kansci.pde.networks.stacked import Layer, Stacked

__all__ = ["Reader", "Writer"]

STATED = "stated"
MOST_FUNCTIONS = 100_000
"""Functions of a basis; a description that claims more is damaged."""
Tensors = dict[str, torch.Tensor]


class Writer:
    """Describes the networks of one field; gathers their tensors."""

    def __init__(self, stated: Sequence[sympy.Expr]):
        """Take over the formulas that the statement gives: particular part and factor."""
        self.tensors: Tensors = {}
        self._stated = list(stated)

    def model(self, model: FieldModel) -> dict[str, Any]:
        """Describe a field's model."""
        return {
            "network": self._network(model.network),
            "axes": list(model.axes),
            "bounds": model.bounds.tolist(),
            "particular": self._particular(model.particular),
            "factor": self._known(model.factor, 1),
        }

    def _particular(self, particular: Any) -> Any:
        if not isinstance(particular, Continued):
            return self._known(particular, 0)
        past = self.model(particular.past)
        weights = self._keep(particular.weights)
        return {"particular": self._particular(particular.particular), "past": past, "weights": weights}

    def _known(self, known: Any, place: int) -> Any:
        if known is None or not isinstance(known, Known):
            return None
        if known.expr == self._stated[place]:
            return STATED
        precise = {f: sympy.Float(float(f), 17) for f in known.expr.atoms(sympy.Float)}
        return {
            "formula": sympy.sstr(known.expr.xreplace(precise), full_prec=True),
            "symbols": [s.name for s in known.symbols],
        }

    def _network(self, network: Network) -> dict[str, Any]:
        if isinstance(network, Stacked):
            return {"kind": "stacked", "layers": [self._layer(layer) for layer in network.layers]}
        assert isinstance(network, Separable | TensorProduct | SumOfOnes)
        axes = [self._expansion(expansion) for expansion in network.expansions]
        if isinstance(network, Separable):
            return {"kind": "separable", "rank": network.rank, "axes": axes}
        return {"kind": "tensor" if isinstance(network, TensorProduct) else "sum", "axes": axes}

    def _layer(self, layer: Layer) -> dict[str, Any]:
        return {
            "expansions": [self._expansion(expansion) for expansion in layer.expansions],
            "functions": layer.n_functions,
            "outputs": layer.n_outputs,
            "bias": layer.initial_bias is not None,
        }

    def _expansion(self, expansion: Expansion) -> dict[str, Any]:
        if isinstance(expansion, Powers):
            return {"kind": "powers", "count": expansion.size}
        if isinstance(expansion, Pointwise):
            return {"kind": "pointwise", "name": expansion.name, "frequency": expansion.frequency}
        assert isinstance(expansion, BasisFunctions)
        basis = expansion.basis
        if isinstance(basis, BSpline):
            kind = "splines" if expansion.size == basis.size else "periodic splines"
            return {"kind": kind, "degree": basis.degree, "knots": self._keep(basis.knots)}
        state = {name: self._keep(tensor) for name, tensor in basis.state_dict().items()}
        return {
            "kind": "basis",
            "config": basis.to_config(),
            "domain": basis.domain.tolist(),
            "state": state,
        }

    def _keep(self, tensor: torch.Tensor) -> str:
        name = str(len(self.tensors))
        self.tensors[name] = tensor.detach().clone().contiguous()
        return name


class Reader:
    """Builds networks from descriptions."""

    def __init__(self, tensors: Mapping[str, torch.Tensor], stated: Sequence[Known | None]):
        """Take over the tensors of a field, and its particular part and factor by the statement."""
        self._tensors, self._stated = tensors, list(stated)

    def model(self, record: Mapping[str, Any]) -> FieldModel:
        """Build a field's model."""
        return FieldModel(
            self._network(record["network"]),
            tuple(int(k) for k in record["axes"]),
            np.array(record["bounds"], dtype=np.float64).reshape(-1, 2),
            self._particular(record["particular"]),
            self._known(record["factor"], 1),
        )

    def _particular(self, record: Any) -> Known | Continued | None:
        if not isinstance(record, dict) or "past" not in record:
            return self._known(record, 0)
        particular = self._particular(record["particular"])
        return Continued(particular, self.model(record["past"]), self._tensors[record["weights"]])

    def _known(self, record: Any, place: int) -> Known | None:
        if record is None:
            return None
        if record == STATED:
            return self._stated[place]
        symbols = [sympy.Symbol(name, real=True) for name in record["symbols"]]
        return Known(parse(record["formula"], {s.name: s for s in symbols}), symbols)

    def _network(self, record: Mapping[str, Any]) -> Network:
        if record["kind"] == "stacked":
            return Stacked([self._layer(layer) for layer in record["layers"]])
        axes = [self._expansion(axis) for axis in record["axes"]]
        if record["kind"] == "separable":
            return Separable(axes, int(record["rank"]))
        if record["kind"] not in {"tensor", "sum"}:
            raise RunError(f"unknown network '{record['kind']}'")
        return tensor_product(axes) if record["kind"] == "tensor" else SumOfOnes(axes)

    def _layer(self, record: Mapping[str, Any]) -> Layer:
        functions, outputs = int(record["functions"]), int(record["outputs"])
        return Layer(
            [self._expansion(expansion) for expansion in record["expansions"]],
            functions,
            outputs,
            _zeros(outputs, functions),
            _zeros(outputs) if record["bias"] else None,
        )

    def _expansion(self, record: Mapping[str, Any]) -> Expansion:
        kind = record["kind"]
        if kind == "powers":
            return Powers(_count(record["count"]))
        if kind == "pointwise":
            return Pointwise(record["name"], float(record["frequency"]))
        if kind in {"splines", "periodic splines"}:
            basis = BSpline.from_knots(self._tensors[record["knots"]], _count(record["degree"]))
            if kind == "splines":
                return BasisFunctions(basis)
            return splines(basis.grid[0].numpy(), basis.degree, periodic=True).expansion
        if kind != "basis":
            raise RunError(f"unknown functions '{kind}'")
        config = dict(record["config"])
        _count(config.get("grid", 0))
        domain = torch.tensor(record["domain"], dtype=torch.float64)
        built = make_basis(config, 1, 3, domain)
        built.load_state_dict({name: self._tensors[key] for name, key in record["state"].items()})
        return BasisFunctions(built)


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= MOST_FUNCTIONS:
        raise RunError(f"{value!r} is no number of functions")
    return value


def _zeros(*shape: int) -> Any:
    return lambda generator: torch.zeros(shape, dtype=torch.float64)
