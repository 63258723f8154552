"""A model as plain tensors and a description in JSON's types, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kansci.inr.model import CoordinateModel
from kansci.inr.network_model import NetworkModel
from kansci.inr.networks import make_network
from kansci.inr.spline_axis import SplineAxis
from kansci.inr.tensor_spline import TensorSpline

__all__ = ["Tensors", "model_form", "model_from"]

Tensors = dict[str, torch.Tensor]


def model_form(model: CoordinateModel) -> tuple[dict[str, Any], Tensors]:
    """Describe a model.

    Args:
        model: a spline or a network.

    Returns:
        The description and the tensors, for `model_from`.
    """
    if isinstance(model, TensorSpline):
        tensors = {"coefficients": torch.from_numpy(np.ascontiguousarray(model.coefficients))}
        for number, axis in enumerate(model.axes):
            tensors[f"knots{number}"] = torch.from_numpy(np.ascontiguousarray(axis.knots))
        form: dict[str, Any] = {
            "kind": model.kind,
            "degrees": [axis.degree for axis in model.axes],
            "mirrored": [axis.mirrored for axis in model.axes],
            "n_free": model.n_free,
        }
        return form, tensors
    assert isinstance(model, NetworkModel)
    form = {
        "kind": model.kind,
        "offset": model.offset,
        "scale": model.scale,
        "logistic": model.logistic,
        "network": model.network.config,
    }
    return form, {n: t.detach().contiguous().clone() for n, t in model.network.state_dict().items()}


def model_from(form: Mapping[str, Any], tensors: Tensors) -> CoordinateModel:
    """Build the model that `model_form` described.

    Args:
        form: the description.
        tensors: its numbers.

    Returns:
        The model.

    Raises:
        ValueError: they do not belong together.
    """
    if form["kind"] == "spline":
        rows = zip(form["degrees"], form["mirrored"], strict=True)
        axes = tuple(
            SplineAxis(tensors[f"knots{n}"].numpy(), int(degree), bool(mirrored))
            for n, (degree, mirrored) in enumerate(rows)
        )
        coefficients = tensors["coefficients"].numpy()
        if coefficients.shape[:-1] != tuple(axis.size for axis in axes):
            raise ValueError("the coefficients do not belong to the knots")
        return TensorSpline(axes, coefficients, form["n_free"])
    network = make_network(**form["network"])
    network.load_state_dict(tensors)
    return NetworkModel(network, form["offset"], form["scale"], logistic=form["logistic"])
