"""Equations that are known, found from their solutions; the parts against independent sources."""

import numpy as np
import pandas as pd
import pytest
import sympy
from scipy.integrate import solve_ivp
from scipy.interpolate import BSpline

from kansci.errors import DataError, SettingsError
from kansci.pde_discovery import Measurements, Settings, discover_equation, read_fields
from kansci.pde_discovery.collocation import Collocation
from kansci.pde_discovery.spline_space import Axis, SplineSpace
from kansci.pde_discovery.terms import Factor, Jet, Names, Term


def terms(result):
    return [{str(t.term): t.coefficient for t in e.terms} for e in result.equations]


def heat(x, t):
    """Of u_t = u_xx / 10."""
    modes = ((1, 1.0), (2, -0.6), (3, 0.5))
    return sum(a * np.exp(-0.1 * (m * np.pi) ** 2 * t) * np.sin(m * np.pi * x) for m, a in modes)


def table(noise, seed=0, scattered=False):
    rng = np.random.default_rng(seed)
    if scattered:
        x, t = rng.uniform(0, 1, (2, 1200))
    else:
        x, t = (a.ravel() for a in np.meshgrid(np.linspace(0, 1, 33), np.linspace(0, 1, 41), indexing="ij"))
    u = heat(x, t)
    return pd.DataFrame({"x": x, "t": t, "u": u + noise * u.std() * rng.normal(size=u.size)})


def test_splines_are_those_of_scipy_and_their_matrix_is_banded():
    axis = Axis(-1.0, 2.0, 7, 4)
    x = np.linspace(-1, 2, 50)
    knots = -1 + axis.step * np.arange(-4, 12)
    for order in (0, 1, 3):
        dense = np.zeros((50, axis.count))
        np.put_along_axis(dense, axis.cell(x)[:, None] + np.arange(5), axis.design(x, order), axis=1)
        np.testing.assert_allclose(dense, BSpline(knots, np.eye(axis.count), 4)(x, nu=order), atol=1e-10)
    space = SplineSpace((Axis(0, 1, 4, 3), Axis(0, 1, 6, 2)))
    points = np.random.default_rng(0).uniform(size=(90, 2))
    dense = np.zeros((90, space.size))
    np.put_along_axis(dense, space.columns(points), space.rows(points, (0, 0)), axis=1)
    band = space.normal(points)
    right = np.random.default_rng(1).normal(size=space.size)
    gram = dense.T @ dense + 1e-3 * np.eye(space.size)
    band.diagonals[0] += 1e-3
    np.testing.assert_allclose(band.solver(0.0)(right), np.linalg.solve(gram, right), rtol=1e-8)


def test_the_fit_of_fields_and_coefficients_is_a_minimum_with_the_right_covariance():
    """Against finite differences of its own objective, for a nonlinear term and a product with a function."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, 3, 60)
    y = 2 / (1 + 3 * np.exp(-t)) + 0.01 * rng.normal(size=60)
    space = SplineSpace((Axis(0.0, 3.0, 8, 4),))
    left, u = Jet(0, (1,)), Jet(0, (0,))
    problem = Collocation(space, t[:, None], y[:, None], np.array([0.01]), [left], np.ones(1))
    support = ((Term((Factor(u),)), Term((Factor(u, "power", 2),)), Term((Factor(u, "sin"),))),)
    fit = problem.fit(support, np.ones((space.size, 1)), np.zeros(3), [0.3, 0.03], 30, 1e-12)

    def objective(vector):
        b, c = vector[:-3].reshape(-1, 1), vector[-3:]
        return sum(problem._objective(support, b, c, 0.03))

    best = np.concatenate([fit.b.ravel(), fit.c])
    slopes = [(objective(best + 1e-5 * e) - objective(best - 1e-5 * e)) / 2e-5 for e in np.eye(best.size)]
    curvature = np.sqrt(np.diag(np.linalg.inv(fit.covariance)))
    assert np.abs(np.array(slopes[-3:]) / curvature).max() < 1e-2
    assert fit.misfit / 60 < 1.3


def test_derivatives_of_terms_are_those_of_sympy():
    u, ux = Jet(0, (0, 0)), Jet(0, (1, 0))
    term = Term((Factor(u, "power", 3), Factor(ux), Factor(u, "exp", -0.5)))
    names = Names(("x", "t"), ("u",))
    values = {u: np.array([0.7]), ux: np.array([-1.3])}
    put = {names.symbol(u): 0.7, names.symbol(ux): -1.3}
    expr = term.expression(names)
    assert float(expr.subs(put)) == pytest.approx(term.value(values)[0])
    for jet, slope in term.slopes(values).items():
        assert float(sympy.diff(expr, names.symbol(jet)).subs(put)) == pytest.approx(slope[0])


@pytest.mark.parametrize(
    ("noise", "scattered", "within"), [(0.0, False, 1e-3), (0.05, False, 0.02), (0.02, True, 0.02)]
)
def test_heat_equation_from_a_grid_and_from_scattered_points(noise, scattered, within):
    data = Measurements.from_frame(table(noise, scattered=scattered), ["u"], ["x", "t"])
    result = discover_equation(data)
    (found,) = terms(result)
    assert set(found) == {"u_xx"}
    assert found["u_xx"] == pytest.approx(0.1, rel=within)
    (term,) = result.equations[0].terms
    assert noise == 0 or abs(term.coefficient - 0.1) < 4 * term.stderr
    # Values at the edges, which the solution is given, are known less well from scattered points.
    assert result.heldout_rel_l2 < (3 if scattered else 1.2) * result.heldout_noise + 2e-3
    assert result.noise["u"] == pytest.approx(noise, abs=0.1 * noise + 1e-4)


def test_a_system_a_pendulum_and_a_forced_oscillator():
    rng = np.random.default_rng(3)

    def solved(f, start, end, names, noise=0.02):
        t = np.linspace(0, end, 400)
        y = solve_ivp(f, (0, end), start, t_eval=t, rtol=1e-9, atol=1e-9).y[: len(names)]
        y = y + noise * y.std(axis=1, keepdims=True) * rng.normal(size=y.shape)
        return terms(
            discover_equation(
                Measurements.from_frame(pd.DataFrame({"t": t, **dict(zip(names, y, strict=True))}))
            )
        )

    prey = solved(
        lambda t, s: [1.1 * s[0] - 0.4 * s[0] * s[1], 0.1 * s[0] * s[1] - 0.4 * s[1]], [10, 5], 30, ["a", "b"]
    )
    assert [set(e) for e in prey] == [{"a", "a*b"}, {"b", "a*b"}]
    assert prey[0]["a"] == pytest.approx(1.1, rel=0.02)
    (pendulum,) = solved(lambda t, s: [s[1], -0.2 * s[1] - 2 * np.sin(s[0])], [2.5, 0], 15, ["theta"])
    assert set(pendulum) == {"theta_t", "sin(theta)"}
    assert pendulum["sin(theta)"] == pytest.approx(-2, rel=0.02)
    (forced,) = solved(lambda t, s: [s[1], -0.3 * s[1] - 4 * s[0] + np.cos(3 * t)], [1, 0], 15, ["q"])
    assert set(forced) == {"q", "q_t", "cos(3*t)"}
    assert forced["cos(3*t)"] == pytest.approx(1, rel=0.02)


def test_the_same_seed_gives_the_same_result_and_json_and_latex_hold_it():
    data = Measurements.from_frame(table(0.02), ["u"], ["x", "t"])
    first, second = (discover_equation(data, Settings(seed=1)).to_json() for _ in range(2))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert first["equation"].startswith("u_t = 0.1")
    assert first["equation"].endswith("*u_xx")
    assert r"\pm" in first["latex"]
    assert r"u_{xx}" in first["latex"]
    assert first["terms"][0]["term"] == "u_xx"


def test_an_interruption_gives_the_best_equation_so_far():
    def interrupt(event):
        if event.stage.startswith("solving"):
            raise KeyboardInterrupt

    data = Measurements.from_frame(table(0.02), ["u"], ["x", "t"])
    result = discover_equation(data, progress=interrupt)
    assert result.interrupted
    assert [set(e) for e in terms(result)] == [{"u_xx"}]


def test_fields_on_a_grid_are_read_from_an_archive(tmp_path):
    x, t = np.linspace(0, 1, 9), np.linspace(0, 2, 11)
    np.savez(tmp_path / "field.npz", x=x, t=t, u=np.outer(x, t))
    frame = read_fields(tmp_path / "field.npz")
    np.testing.assert_array_equal(frame["u"], frame["x"] * frame["t"])
    np.savez(tmp_path / "bad.npz", x=x[:5], t=t, u=np.outer(x, t))
    with pytest.raises(DataError, match="axes"):
        read_fields(tmp_path / "bad.npz")


def wrong(change):
    frame = table(0.0)
    return change(frame)


@pytest.mark.parametrize(
    ("frame", "options", "error", "says"),
    [
        (lambda f: f.rename(columns={"t": "when"}), {}, SettingsError, "--time"),
        (lambda f: f.assign(u=1.0), {}, DataError, "constant"),
        (lambda f: f.assign(t=0.0), {"coordinates": ["x", "t"]}, DataError, "1 different values"),
        (lambda f: f.assign(u=f.u.where(f.index != 3)), {}, DataError, "missing or not finite in 1 rows"),
        (lambda f: f.assign(u=f.u * 1e60), {}, DataError, "another unit"),
        (lambda f: f.assign(x=f.x * 1e-60), {}, DataError, "'x' goes up to 1e-60"),
        (lambda f: f.assign(u="a"), {}, SettingsError, "'u' holds text"),
        (lambda f: f.iloc[:20], {"coordinates": ["x", "t"]}, DataError, "too few"),
        (lambda f: f, {"target": ["w"]}, SettingsError, "no column 'w'"),
        (lambda f: f.assign(u="a"), {"target": ["u"], "coordinates": ["x", "t"]}, DataError, "text"),
    ],
)
def test_unusable_data_are_refused_in_one_line(frame, options, error, says):
    with pytest.raises(error, match=says) as caught:
        Measurements.from_frame(wrong(frame), **options)
    assert "\n" not in str(caught.value)


def test_rows_that_repeat_others_do_not_make_an_ode_a_field_over_space():
    t = np.linspace(0, 6, 80).repeat(2)
    measured = Measurements.from_frame(pd.DataFrame({"t": t, "x": np.cos(t), "v": -np.sin(t)}))
    assert (measured.coordinates, measured.fields) == (("t",), ("x", "v"))
    assert measured.notes == ("80 rows that repeat others are left out",)


def test_complex_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "h.npz", x=np.arange(9.0), t=np.arange(8.0), h=1j * np.ones((9, 8)))
    with pytest.raises(DataError, match="'h' is complex"):
        read_fields(tmp_path / "h.npz")
