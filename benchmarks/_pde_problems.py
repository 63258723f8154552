"""What is asked of the solver of differential equations: problem, measure, bound, seconds."""

from dataclasses import dataclass

__all__ = ["ASKED", "DEEPXDE", "NETWORK_PROBLEMS", "Asked"]


@dataclass(frozen=True)
class Asked:
    """One row of the table.

    Attributes:
        problem: name in the library.
        measure: "rmse", "mse" or "rel_l2".
        bound: the error is to be smaller.
        seconds: within so many.
        model: as `SolveSettings` names it.
        field: which is measured.
        proved: whether a proved closed form is asked for too.
        random: whether the answer depends on the seed.
    """

    problem: str
    measure: str
    bound: float
    seconds: float
    model: str = "auto"
    field: str = "u"
    proved: bool = False
    random: bool = False


ASKED = (
    Asked("poisson", "rmse", 6e-8, 60, proved=True),
    Asked("poisson_kan", "mse", 1e-12, 60, proved=True),
    Asked("heat", "rmse", 3e-8, 120),
    Asked("poisson_5d", "rmse", 6e-8, 120, random=True),
    Asked("helmholtz", "rel_l2", 1e-6, 60),
    Asked("burgers", "rel_l2", 1e-4, 120),
    Asked("burgers", "rel_l2", 1e-6, 600),
    Asked("burgers", "rel_l2", 1e-3, 600, model="kan", random=True),
    Asked("allen_cahn", "rel_l2", 1e-3, 300),
    Asked("wave", "rel_l2", 1e-4, 300),
    Asked("heat_2d_ms", "rel_l2", 1e-3, 300),
    Asked("poisson_nd5", "rel_l2", 1e-6, 300, random=True),
    Asked("heat_nd5", "rel_l2", 1e-6, 300, random=True),
    Asked("poisson_inverse", "rel_l2", 1e-2, 300, field="a", random=True),
)

NETWORK_PROBLEMS = ("poisson", "helmholtz", "burgers")
"""Trained networks of all kinds are compared on these, at the seconds first asked."""

DEEPXDE = ("poisson", "burgers", "allen_cahn")
