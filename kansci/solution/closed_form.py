"""From an accurate numerical solution to a formula, and the formula to the proof.

Candidates come from the cheapest source first: what the conditions say, the structure of the solution (sums,
products and waves are taken apart until single curves are left, see `kansci.solution.separation`), the search
for formulas. Their numbers are replaced by exact ones, those of the problem before others; the first
candidate that is proved to solve the problem is the answer.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from kansci.data import Dataset
from kansci.discovery import DiscoverSettings, discover
from kansci.pde.condition_forms import prescribed
from kansci.pde.hard_conditions import ansatz
from kansci.pde.numeric import evaluate
from kansci.pde.problem import Field
from kansci.pde.solver import NumericalSolution
from kansci.search.threads import one_thread
from kansci.solution.equation_constants import with_numbers_from_equation
from kansci.solution.exact_constants import exact_forms
from kansci.solution.field_view import view_of
from kansci.solution.prove import Proof, prove
from kansci.solution.separation import separated
from kansci.solution.zero import exact_numbers
from kansci.symbolic.complexity import complexity
from kansci.symbolic.simplify import attempt

__all__ = ["ClosedForm", "find_closed_form"]

ACCURATE = 1e-4
"""Relative residual above which a numerical solution is too rough to be taken apart."""
TRUSTED = 1e-6
"""Relative residual up to which a formula that is not proved is worth telling."""
LONGEST = 40
"""Nodes of a formula that is not proved; longer ones are approximations rather than laws."""
POINTS = 400
MOST_COMBINATIONS = 12
PROOF_SECONDS = 12.0
SIMPLIFY_SECONDS = 2.0


@dataclass(frozen=True)
class ClosedForm:
    """Formulas by field with what is proved of them."""

    formulas: Mapping[str, sympy.Expr]
    proof: Proof


def find_closed_form(
    solution: NumericalSolution,
    seconds: float,
    seed: int = 0,
    on_stage: Callable[[str], None] = lambda _: None,
) -> ClosedForm | None:
    """Look for a closed form of a numerical solution.

    Args:
        solution: of a problem without unknown constants or coefficients.
        seconds: about how long to look.
        seed: of the search for formulas.
        on_stage: told what is being tried.

    Returns:
        The first closed form that is proved; else the one that agrees with the solution to its accuracy;
        None if there is neither, or the solution is too rough to tell.
    """
    problem = solution.problem
    inverse = problem.unknowns or problem.observations or any(f.sought for f in problem.fields)
    if inverse or not np.isfinite(solution.residual):
        return None
    with one_thread(), np.errstate(all="ignore"):  # transformed functions have poles
        return _Search(solution, time.monotonic() + seconds, seed, on_stage).run()


class _Search:
    """One search: the samples all candidates are held against, the clock, the best so far."""

    def __init__(
        self, solution: NumericalSolution, deadline: float, seed: int, on_stage: Callable[[str], None]
    ):
        self._solution, self._problem = solution, solution.problem
        self._deadline, self._seed, self._on_stage = deadline, seed, on_stage
        self._points = self._problem.domain.sample(POINTS, np.random.default_rng(seed))
        self._values = {f.name: solution.evaluate(f.name, self._points) for f in self._problem.fields}
        self._views = {f.name: view_of(solution, f) for f in self._problem.fields}
        self._best: ClosedForm | None = None
        self._tried: set[tuple[sympy.Expr, ...]] = set()

    def run(self) -> ClosedForm | None:
        """Try the sources in turn, those that take the values at their word only if these are accurate."""
        fields = self._problem.fields
        found: dict[str, list[sympy.Expr]] = {f.name: [] for f in fields}
        sources = [("what the conditions say", self._by_conditions)]
        if self._solution.residual < ACCURATE:
            sources += [("taking the solution apart", self._by_structure), ("a search", self._by_search)]
        for stage, source in sources:
            for number, field in enumerate(fields):
                share = self._time_left() / (len(fields) - number)
                if share <= 0:
                    return self._best
                self._on_stage(f"{field.name}: {stage}")
                for expr in source(field, time.monotonic() + share):
                    found[field.name] += [e for e in self._fitting(field, expr) if e not in found[field.name]]
            if all(found.values()) and self._proved(found):
                break
        return self._best

    def _time_left(self) -> float:
        return self._deadline - time.monotonic()

    def _by_conditions(self, field: Field, deadline: float) -> Iterator[sympy.Expr]:
        """What meets the conditions in the networks, and what single conditions say everywhere."""
        scaling, problem = self._solution.scaling, self._problem
        yield scaling.formula(field.name, ansatz(scaling.problem).particular[field.name])
        own = set(field.arguments)
        for condition in problem.conditions:
            given = prescribed(condition, problem.fields, problem.coordinates)
            if given is not None and given.field == field.name and not given.axes:
                value = exact_numbers(given.value)
                if {symbol.name for symbol in value.free_symbols} <= own:
                    yield value

    def _by_structure(self, field: Field, deadline: float) -> Iterator[sympy.Expr]:
        yield from separated(self._views[field.name], deadline)

    def _by_search(self, field: Field, deadline: float) -> Iterator[sympy.Expr]:
        view, seconds = self._views[field.name], deadline - time.monotonic()
        if seconds < 1:
            return
        rng = np.random.default_rng(self._seed)
        points = view.sample(POINTS, rng)
        data = Dataset.from_arrays(
            points, view(points), inputs=[s.name for s in view.symbols], target="value"
        )
        found = discover(data, DiscoverSettings(seconds=seconds, seed=self._seed))
        if found.interrupted:
            raise KeyboardInterrupt
        formulas = [found.formula, *(c.formula for c in (*found.front[::-1], *found.rivals))]
        for formula in formulas:
            names = {sympy.Symbol(s): sympy.Symbol(c, real=True) for s, c in formula.symbols.items()}
            yield formula.expr.xreplace(names)

    def _fitting(self, field: Field, expr: sympy.Expr) -> list[sympy.Expr]:
        """The expression with exact numbers, in the ways that agree with the solution."""
        values, size = self._values[field.name], self._size(field)
        forms = exact_forms(expr, self._problem, self._points, values, self._solution.residual)
        solved = (with_numbers_from_equation(form, self._problem, field) for form in forms)
        forms = [*(form for form in solved if form is not None), *forms]
        allowed = max(100 * self._solution.residual, 1e-9) * size
        return [form for form in forms if self._gap(form, values) <= allowed]

    def _size(self, field: Field) -> float:
        return float(np.sqrt(np.mean(self._values[field.name] ** 2))) or 1.0

    def _gap(self, expr: sympy.Expr, values: np.ndarray) -> float:
        there = evaluate(expr, self._problem.coordinates, self._points)
        gap = float(np.sqrt(np.mean((there - values) ** 2)))
        return gap if np.isfinite(gap) else np.inf

    def _proved(self, found: Mapping[str, list[sympy.Expr]]) -> bool:
        """Put the combinations of the fields' candidates to the proof; keep the best."""
        self._on_stage("proof")
        names, lists = list(found), [sorted(forms, key=complexity) for forms in found.values()]
        for combination in itertools.islice(itertools.product(*lists), MOST_COMBINATIONS):
            if combination in self._tried or self._time_left() <= 0:
                continue
            self._tried.add(combination)
            formulas = dict(zip(names, combination, strict=True))
            proof = prove(self._problem, formulas, PROOF_SECONDS)
            shorter = {name: _shorter(expr) for name, expr in formulas.items()} if _holds(proof) else formulas
            if shorter != formulas:
                again = prove(self._problem, shorter, PROOF_SECONDS)
                formulas, proof = (shorter, again) if again.proved >= proof.proved else (formulas, proof)
            better = self._best is None or proof.sup_norm < self._best.proof.sup_norm
            short = max(map(complexity, formulas.values())) <= LONGEST
            if proof.proved or (better and short and self._solution.residual < TRUSTED):
                self._best = ClosedForm(formulas, proof)
            if proof.proved:
                return True
        return False


def _holds(proof: Proof) -> bool:
    """Whether nothing speaks against the formulas but that sympy does not see it."""
    return all(check.numerically_zero for check in (*proof.equations, *proof.conditions))


def _shorter(expr: sympy.Expr) -> sympy.Expr:
    ways: tuple[Callable[[sympy.Expr], sympy.Expr], ...] = (
        sympy.simplify,
        lambda e: sympy.simplify(e.rewrite(sympy.cosh)),
        sympy.factor,
    )
    forms = [expr, *(attempt(way, expr, SIMPLIFY_SECONDS) for way in ways)]
    return min(forms, key=complexity)
