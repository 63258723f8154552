"""The other programs, each in a process of its own: rows on standard input, formulas on standard output.

Run by the interpreter of the environment they are installed in; nothing of kansci is imported here.
Settings are those of their documentation, the same for all problems. A formula is printed, a line each,
when it is the best so far: the last one that was ready in time is the program's answer.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray


def pyoperon(X: Array, y: Array, seconds: float, seed: int) -> Iterator[str]:
    """Operon with local search and the usual functions, until the time is over."""
    from pyoperon.sklearn import SymbolicRegressor

    model = SymbolicRegressor(
        allowed_symbols="add,sub,mul,div,constant,variable,sin,cos,exp,log,sqrt,square,tanh,asin,acos",
        optimizer_iterations=10,
        max_length=50,
        generations=10**6,
        max_evaluations=10**9,
        max_time=int(seconds),
        n_threads=1,
        random_state=seed,
    )
    text = model.fit(X, y).get_model_string(model.model_, 17)
    for k in range(X.shape[1], 0, -1):  # it counts columns from 1
        text = text.replace(f"X{k}", f"x{k - 1}")
    yield text


def gplearn(X: Array, y: Array, seconds: float, seed: int) -> Iterator[str]:
    """Gplearn, one generation after another until the time is over."""
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    def exponential(x: Array) -> Array:
        return np.exp(np.clip(x, -50, 50))

    exp = make_function(function=exponential, name="exp", arity=1)
    model = SymbolicRegressor(
        population_size=1000,
        generations=1,
        stopping_criteria=1e-20,
        const_range=(-5.0, 5.0),
        function_set=("add", "sub", "mul", "div", "sqrt", "log", "sin", "cos", exp),
        metric="mse",
        warm_start=True,
        low_memory=True,
        random_state=seed,
    )
    start, error = time.monotonic(), np.inf
    while time.monotonic() - start < seconds and error > 1e-20:
        program = model.fit(X, y)._program
        model.generations += 1
        if program.raw_fitness_ < error:
            error = program.raw_fitness_
            yield _infix(program.program)


def _infix(program: list[Any]) -> str:
    """The formula of a program in Polish notation; the protection of its functions is left out."""
    rest = iter(program)

    def read() -> str:
        node = next(rest)
        if not hasattr(node, "arity"):
            return f"x{node}" if isinstance(node, int) else f"({float(node)!r})"
        arguments = [read() for _ in range(node.arity)]
        signs = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
        if node.name in signs:
            return f"({arguments[0]} {signs[node.name]} {arguments[1]})"
        inside = f"abs({arguments[0]})" if node.name in {"sqrt", "log"} else arguments[0]
        return f"{node.name}({inside})"

    return read()


def pykan(X: Array, y: Array, seconds: float, seed: int) -> Iterator[str]:
    """The steps of pykan's first example on ever wider networks; the best by rows held out."""
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    cut = len(X) * 4 // 5
    rows = {
        "train_input": torch.tensor(X[:cut]),
        "train_label": torch.tensor(y[:cut, None]),
        "test_input": torch.tensor(X[cut:]),
        "test_label": torch.tensor(y[cut:, None]),
    }
    inputs, start, error = X.shape[1], time.monotonic(), float("inf")
    for hidden in ([], [1], [inputs], [2 * inputs + 1]):
        if time.monotonic() - start > seconds:
            return
        with contextlib.suppress(Exception):  # it fails where a snapped function is not finite
            text, reached = _pykan_formula(rows, [inputs, *hidden, 1], seed)
            if reached < error:
                error = reached
                yield text


def _pykan_formula(rows: dict[str, Any], width: list[int], seed: int) -> tuple[str, float]:
    """Train, prune, train, snap the edges, train; the formula and its error on rows held out."""
    import kan
    import sympy

    levels, inputs = len(width), width[0]
    model: Any = kan.KAN(width=width, grid=5, k=3, seed=seed)
    model.fit(rows, opt="LBFGS", steps=50, lamb=0.001)
    if levels > 2:
        model = model.prune()
        model.fit(rows, opt="LBFGS", steps=50)
    library = "x x^2 x^3 x^4 1/x 1/x^2 sqrt 1/sqrt(x) exp log sin tanh 0".split()
    model.auto_symbolic(lib=library, verbose=0)
    errors = model.fit(rows, opt="LBFGS", steps=50, update_grid=False)["test_loss"]  # no splines are left
    names = [sympy.Symbol(f"x{k}") for k in range(inputs)]
    formula = model.symbolic_formula(var=names)[0][0]
    return sympy.sstr(formula, full_prec=True), float(errors[-1])


PEERS: dict[str, Callable[[Array, Array, float, int], Iterator[str]]] = {
    "pyoperon": pyoperon,
    "gplearn": gplearn,
    "pykan": pykan,
}


def main() -> None:
    """Read the rows, run the program named in the arguments, print its formulas."""
    task, answers = json.load(sys.stdin), sys.stdout
    X, y = np.array(task["X"]), np.array(task["y"])
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.chdir(folder)  # pykan leaves files
        with contextlib.redirect_stdout(nothing), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for text in PEERS[sys.argv[1]](X, y, task["seconds"], task["seed"]):
                print(text, file=answers, flush=True)
        os.chdir("/")


if __name__ == "__main__":
    main()
