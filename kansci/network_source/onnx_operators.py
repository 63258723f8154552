"""Operators of an ONNX graph, written down one after another."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from kansci._version import __version__
from kansci.errors import SettingsError

__all__ = ["Graph"]


class Graph:
    """A growing list of operators and constants.

    Attributes:
        nodes: ONNX's NodeProto, in the order of evaluation.
        constants: ONNX's TensorProto, by the names that operators use.
    """

    INPUT, OUTPUT = "X", "predicted"
    DOUBLE, INT64 = 11, 7  # onnx.TensorProto
    OPSET, IR_VERSION = 17, 8  # these belong together, and runtimes of several years read them

    def __init__(self) -> None:
        """Begin with nothing.

        Raises:
            SettingsError: The package onnx is missing.
        """
        try:
            import onnx  # noqa: F401
        except ImportError as error:
            raise SettingsError(
                "export to ONNX needs the package onnx: install it with `pip install 'kansci[onnx]'`"
            ) from error
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def array(self, values: Any) -> str:
        """Give the name of a constant: of whole numbers as int64, of others as float64."""
        import onnx

        tensor = np.asarray(values)
        tensor = np.ascontiguousarray(tensor, tensor.dtype if tensor.dtype == np.int64 else np.float64)
        tensor = tensor.reshape(np.shape(values))
        key = (tensor.dtype.name, tensor.shape, tensor.tobytes())
        if key not in self._known:
            self._known[key] = f"c{len(self._known)}"
            self.constants.append(onnx.numpy_helper.from_array(tensor, self._known[key]))
        return self._known[key]

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator.

        Args:
            kind: Its name in the standard.
            *inputs: Names of its inputs.
            **attributes: Its attributes.

        Returns:
            The name of its output.
        """
        import onnx

        name = f"v{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def unsqueezed(self, x: str) -> str:
        """Give x with a further dimension at its end."""
        return self.op("Unsqueeze", x, self.array([-1]))

    def stacked(self, parts: list[str]) -> str:
        """Stack tensors along a further dimension at their end."""
        return self.op("Concat", *(self.unsqueezed(part) for part in parts), axis=-1)

    def column(self, x: str, number: int) -> str:
        """Give one column (N, 1) of x (N, I)."""
        return self.op("Gather", x, self.array([number]), axis=1)

    def to_bytes(self, result: str, symbols: Mapping[str, str], target: str, n_out: int = 1) -> bytes:
        """Give the file: a tensor "X" (N, I) in, a tensor "predicted" (N, J) out, both float64.

        Args:
            result: Name of what comes out.
            symbols: Name -> column, for each input; the columns are kept in the file's metadata.
            target: What is predicted, kept there too.
            n_out: J.

        Returns:
            The bytes, checked.
        """
        import onnx

        last = onnx.helper.make_node("Identity", [result], [self.OUTPUT])
        ends = [
            onnx.helper.make_tensor_value_info(name, self.DOUBLE, ["N", size])
            for name, size in ((self.INPUT, len(symbols)), (self.OUTPUT, n_out))
        ]
        graph = onnx.helper.make_graph([*self.nodes, last], "kansci", ends[:1], ends[1:], self.constants)
        model = onnx.helper.make_model(
            graph,
            producer_name="kansci",
            producer_version=__version__,
            opset_imports=[onnx.helper.make_opsetid("", self.OPSET)],
            ir_version=self.IR_VERSION,
        )
        columns = {"inputs": json.dumps(list(symbols.values())), "target": target}
        onnx.helper.set_model_props(model, columns)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
