"""Formulas read off signals: the ones they were made from, and none from noise."""

import numpy as np
import pytest
import sympy

from kansci.errors import SettingsError
from kansci.representation import find_formula, represent
from kansci.representation.alias import unaliased
from kansci.representation.oscillation import oscillations
from kansci.representation.store import open_representation, save_representation
from kansci.signals import field_signal
from kansci.storage import open_run

T = np.linspace(0, 10, 300)
t, x, y = sympy.symbols("t x y")


def one(signal, seconds=30):
    (law,) = find_formula(represent(signal), seconds).formulas
    return law


@pytest.mark.parametrize(
    ("values", "exact"),
    [
        (
            1.5 * np.exp(-0.3 * T) * np.cos(2.5 * T + 0.4),
            1.5 * sympy.exp(-0.3 * t) * sympy.cos(2.5 * t + 0.4),
        ),
        (np.sin(1.5 * T + 0.6 * T**2), sympy.sin(1.5 * t + 0.6 * t**2)),
    ],
    ids=["damped oscillation", "chirp"],
)
def test_time_series_are_recognised(values, exact):
    law = one(field_signal(T, values, ["t"]))
    assert law.exact
    again = np.linspace(0.05, 14, 77)
    np.testing.assert_allclose(law.formula.predict(again), sympy.lambdify(t, exact)(again), atol=1e-10)


def test_a_field_is_recognised_kept_and_opened(tmp_path):
    grid = np.stack([g.ravel() for g in np.meshgrid(np.linspace(0, 6, 25), np.linspace(0, 2, 20))], axis=1)
    values = np.sin(grid[:, 0]) * np.exp(-grid[:, 1])
    result = find_formula(represent(field_signal(grid, values, ["x", "y"])), 30)
    assert sympy.simplify(result.formulas[0].formula.expr - sympy.exp(-y) * sympy.sin(x)) == 0
    save_representation(result, tmp_path / "run")
    again = open_representation(tmp_path / "run")
    assert again.formulas[0].formula.text == result.formulas[0].formula.text
    np.testing.assert_allclose(open_run(tmp_path / "run").formula().predict(grid), values, atol=1e-14)
    save_representation(represent(field_signal(grid, values)), tmp_path / "run")
    assert not open_run(tmp_path / "run").has("formula.json")


def test_waves_that_a_grid_cannot_tell_apart_become_the_slowest():
    positions = 0.3 + 0.25 * np.arange(40)
    fast = 2 * sympy.exp(-y) * sympy.sin((2 * sympy.pi / 0.25 - 1) * x + y) + sympy.cos(3 * x)
    slow = unaliased(fast, {x: positions, y: np.geomspace(1, 2, 9)})
    waves = [wave.args[0].diff(x) for wave in slow.atoms(sympy.sin, sympy.cos)]
    assert sorted(abs(float(rate)) for rate in waves) == pytest.approx([1, 3])
    for other in (0.0, 1.7):
        np.testing.assert_allclose(
            *(sympy.lambdify([x, y], expr)(positions, other) for expr in (fast, slow)), atol=1e-12
        )


def test_noise_is_no_formula_but_may_cover_one():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=len(T))
    assert one(field_signal(T, noise, ["t"]), 3).formula is None
    values = np.exp(-0.3 * T) * np.cos(2.5 * T)
    law = one(field_signal(T, values + 0.02 * noise, ["t"]), 5)
    assert not law.exact
    np.testing.assert_allclose(law.formula.predict(T), values, atol=0.015)


def test_a_signal_without_formula_is_not_approximated_by_one():
    steps = np.repeat(np.random.default_rng(5).normal(size=30), 10)
    smooth = np.convolve(steps, np.hanning(9) / 4, mode="same")
    law = one(field_signal(T, smooth, ["t"]), 3)
    assert law.formula is None
    assert law.record["verdict"]


def test_a_chirp_is_found_in_long_noisy_and_uneven_records():
    rng = np.random.default_rng(0)
    long = np.arange(12_000) / 8000
    sound = 0.5 * np.sin(2 * np.pi * (200 * long + 300 * long**2)) + 0.2 * rng.normal(size=len(long))
    assert rate(oscillations(long, sound, t)[1]) == pytest.approx(2 * np.pi * 300, rel=1e-3)
    uneven = np.sort(rng.uniform(0, 10, 400))
    assert rate(oscillations(uneven, np.cos(1.5 * uneven - 0.6 * uneven**2), t)[1]) == pytest.approx(0.6)


def rate(expr):
    (wave,) = expr.atoms(sympy.cos)
    return abs(float(sympy.Poly(wave.args[0], t).coeff_monomial(t**2)))


def test_no_time_is_refused():
    with pytest.raises(SettingsError, match="positive"):
        find_formula(represent(field_signal(T, T, ["t"])), 0)
