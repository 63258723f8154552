"""One problem by DeepXDE, as its own examples set it up; run by the Python of an environment that has it.

    DDE_BACKEND=pytorch PYTHON _pde_deepxde.py FILE PROBLEM SECONDS SEED

A tanh perceptron in float64, Adam for half of the time and L-BFGS for the rest. FILE (.npz) holds points
(N, 2) as "x"; the values there are added as "u". Prints one JSON object.

Set-ups of DeepXDE's examples in pinn_forward: Poisson like Helmholtz_Dirichlet_2d_HPO (conditions met
exactly), Burgers (conditions in the loss), Allen_Cahn (conditions met exactly).
"""

import json
import sys
import time
from typing import Any

import deepxde as dde
import numpy as np
import torch

MANY = 10**7
PER_CHECK = 50
"""Iterations of L-BFGS between two looks at the clock."""


def poisson() -> tuple[Any, Any, list[int], float]:
    """-u_xx - u_yy = 2 pi^2 sin(pi x) sin(pi y), u = 0 on the boundary, met exactly."""

    def residual(x: Any, u: Any) -> Any:
        laplacian = dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)
        return laplacian + 2 * np.pi**2 * torch.sin(np.pi * x[:, :1]) * torch.sin(np.pi * x[:, 1:])

    geometry = dde.geometry.Rectangle([0, 0], [1, 1])
    data = dde.data.PDE(geometry, residual, [], num_domain=1600, num_boundary=0)

    def hard(x: Any, u: Any) -> Any:
        return u * (x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:]))

    return data, hard, [2, 50, 50, 50, 50, 1], 1e-3


def burgers() -> tuple[Any, Any, list[int], float]:
    """u_t + u u_x = 0.01/pi u_xx; initial and boundary values enter the loss, as in Burgers.py."""

    def residual(x: Any, u: Any) -> Any:
        u_x, u_t = dde.grad.jacobian(u, x, i=0, j=0), dde.grad.jacobian(u, x, i=0, j=1)
        return u_t + u * u_x - 0.01 / np.pi * dde.grad.hessian(u, x, i=0, j=0)

    space = dde.geometry.Interval(-1, 1)
    whole = dde.geometry.GeometryXTime(space, dde.geometry.TimeDomain(0, 1))
    boundary = dde.icbc.DirichletBC(whole, lambda x: 0, lambda _, on: on)
    start = dde.icbc.IC(whole, lambda x: -np.sin(np.pi * x[:, :1]), lambda _, on: on)
    data = dde.data.TimePDE(
        whole, residual, [boundary, start], num_domain=2540, num_boundary=80, num_initial=160
    )
    return data, None, [2, 20, 20, 20, 1], 1e-3


def allen_cahn() -> tuple[Any, Any, list[int], float]:
    """u_t = 1e-4 u_xx + 5 (u - u^3); u = -1 at both ends and the start met exactly, as in Allen_Cahn.py."""

    def residual(x: Any, u: Any) -> Any:
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        return u_t - 1e-4 * dde.grad.hessian(u, x, i=0, j=0) - 5 * (u - u**3)

    space = dde.geometry.Interval(-1, 1)
    whole = dde.geometry.GeometryXTime(space, dde.geometry.TimeDomain(0, 1))
    data = dde.data.TimePDE(whole, residual, [], num_domain=8000, num_boundary=400, num_initial=800)

    def hard(x: Any, u: Any) -> Any:
        place, at = x[:, :1], x[:, 1:]
        return place**2 * torch.cos(np.pi * place) + at * (1 - place**2) * u

    return data, hard, [2, 20, 20, 20, 1], 1e-3


PROBLEMS = {"poisson": poisson, "burgers": burgers, "allen_cahn": allen_cahn}


class Deadline(dde.callbacks.Callback):
    """Stops the training at a time."""

    def __init__(self, end: float):
        super().__init__()
        self.end = end

    def on_epoch_end(self) -> None:
        """Look at the clock."""
        if time.monotonic() > self.end:
            self.model.stop_training = True


def main() -> None:
    """Train, write the values, print how long it took."""
    file, problem, seconds, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)
    with np.load(file) as stored:
        points = stored["x"]
    data, hard, layers, rate = PROBLEMS[problem]()
    network = dde.nn.FNN(layers, "tanh", "Glorot normal")
    if hard is not None:
        network.apply_output_transform(hard)
    model = dde.Model(data, network)
    begin = time.monotonic()
    model.compile("adam", lr=rate, verbose=0)
    model.train(MANY, callbacks=[Deadline(begin + seconds / 2)], display_every=MANY, verbose=0)
    dde.optimizers.set_LBFGS_options(maxiter=MANY)
    dde.optimizers.config.LBFGS_options.update(iter_per_step=PER_CHECK, fun_per_step=2 * PER_CHECK)
    model.compile("L-BFGS", verbose=0)
    model.stop_training = False
    model.train(callbacks=[Deadline(begin + seconds)], display_every=MANY, verbose=0)
    used = time.monotonic() - begin
    np.savez(file, x=points, u=model.predict(points)[:, 0])
    count = sum(weights.numel() for weights in network.parameters())
    print(json.dumps({"seconds": used, "parameters": count, "version": dde.__version__}))


if __name__ == "__main__":
    main()
