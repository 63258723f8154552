"""Formulas on edges: fitted, suggested, chosen in context, and written down for the whole network."""

import numpy as np
import pytest
import sympy
import torch
from scipy.optimize import curve_fit

from kansci.errors import FormulaError, SettingsError
from kansci.make_dataset import create_dataset
from kansci.models import KAN
from kansci.symbolic.auto_symbolic import snap_edges
from kansci.symbolic.edge_fit import fit_edge
from kansci.symbolic.library import SYMBOLIC_LIB, add_symbolic, chosen_functions, find_function
from kansci.symbolic.network_formula import formula_gap, symbolic_formula

X = sympy.Symbol("x", real=True)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def table():
    law = lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)  # noqa: E731
    return create_dataset(law, train_num=400, test_num=200)


@pytest.fixture(scope="module")
def trained(table):
    model = KAN([2, 1, 1], grid=12, seed=0)
    model.fit(table, steps=60)
    return model


@pytest.fixture
def mixed():
    """Products of two and of three factors, affine nodes, and a formula on every edge that there is."""
    model = KAN([2, [1, 2], 2], mult_arity=[[], [3, 2], []], grid=3, affine_trainable=True, seed=1)
    generator = torch.Generator().manual_seed(3)
    names = ["sin", "x^2", "exp", "tanh", "gaussian", "x", "cos", "arctan", "1/x^2"]
    for number, edge in enumerate(model.edges()):
        if number % 5 == 4:
            model = model.remove_edge(*edge)
            continue
        model = model.fix_symbolic(*edge, names[number % len(names)], fit_params_bool=False)
    for layer in model.layers:
        values = torch.randn(layer.affine.shape, generator=generator, dtype=torch.float64)
        layer.affine.data = 0.4 * values + torch.tensor([0.3, 3.0, 1.0, 0.0], dtype=torch.float64)
        for name in layer.nodes.tensor_names:
            tensor = getattr(layer.nodes, name).data
            tensor += 0.3 * torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    return model


def test_the_library_speaks_pykans_names():
    pykans = (
        "x x^2 x^3 x^4 x^5 1/x 1/x^2 1/x^3 1/x^4 1/x^5 sqrt x^0.5 x^1.5 1/sqrt(x) 1/x^0.5 exp log abs "
        "sin cos tan tanh sgn arcsin arccos arctan arctanh 0 gaussian"
    ).split()
    assert set(pykans) <= set(SYMBOLIC_LIB)
    z = sympy.Rational(3, 10)
    values = {name: float(SYMBOLIC_LIB[name].expr.subs(X, z)) for name in pykans}
    expected = {
        "x^1.5": 0.3**1.5,
        "1/x^0.5": 0.3**-0.5,
        "arccos": np.arccos(0.3),
        "sgn": 1.0,
        "cos": np.cos(0.3),
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)


def test_add_symbolic_gives_a_new_library():
    lib = add_symbolic("ricker", "(1 - x^2)*exp(-x^2/2)")
    assert "ricker" not in SYMBOLIC_LIB
    assert find_function("ricker", lib).expr == (1 - X**2) * sympy.exp(-(X**2) / 2)
    assert add_symbolic("mine", sympy.sinh(sympy.Symbol("t")))["mine"].expr == sympy.sinh(X)
    with pytest.raises(SettingsError, match="formula"):
        add_symbolic("f", torch.special.bessel_j0)
    with pytest.raises(FormulaError):
        add_symbolic("f", "__import__('os').system('true')")
    with pytest.raises(SettingsError, match="empty"):
        chosen_functions([])


@pytest.mark.parametrize("ranges", [(None, None), ((0.5, 4.0), (-1.0, 1.0))])
def test_constants_and_r2_are_those_of_least_squares(ranges):
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 300)
    y = 5 * np.sin(3 * x + 0.4) + 0.7 + 0.3 * rng.standard_normal(300)
    (fit,) = fit_edge([SYMBOLIC_LIB["sin"]], x, y, ranges)
    model = lambda x, a, b, c, d: c * np.sin(a * x + b) + d  # noqa: E731
    expected, _ = curve_fit(model, x, y, p0=(3, 0.4, 5, 0.7))
    np.testing.assert_allclose(fit.params, expected, rtol=1e-4)
    rest = ((y - model(x, *expected)) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert fit.r2 == pytest.approx(1 - rest, abs=1e-9)


def test_ranges_are_kept():
    x = np.linspace(0.1, 2, 80)
    (fit,) = fit_edge([SYMBOLIC_LIB["exp"]], x, np.exp(3 * x), ((0.2, 1.0), (0.0, 0.0)))
    assert fit.params[0] == pytest.approx(1.0)  # the end of the range, far from the best 3
    assert fit.params[1] == 0
    assert fit.r2 < 0.99


def test_a_constant_explains_nothing_but_a_constant():
    x = np.linspace(-1, 1, 50)
    (fit,) = fit_edge([SYMBOLIC_LIB["0"]], x, x)
    assert fit.r2 == 0
    (constant,) = fit_edge([SYMBOLIC_LIB["0"]], x, np.full(50, 3.0))
    assert constant.params[3] == 3.0
    assert constant.r2 == 1.0


def test_fix_symbolic_replaces_one_edge(trained, table):
    x = table["train_input"]
    fixed = trained.fix_symbolic(0, 0, 0, "sin", x=x)
    assert (fixed.mode(0, 0, 0), trained.mode(0, 0, 0)) == ("s", "n")
    assert abs(fixed.layers[0].affine[0, 0].item()) == pytest.approx(np.pi, rel=1e-3)
    sample = torch.linspace(-0.99, 0.99, 50, dtype=torch.float64)
    torch.testing.assert_close(fixed.edge(0, 0, 0, sample), trained.edge(0, 0, 0, sample), rtol=0, atol=5e-3)
    for other in [(0, 1, 0), (1, 0, 0)]:
        assert torch.equal(fixed.edge(*other, sample), trained.edge(*other, sample))
    by_formula = trained.fix_symbolic(0, 0, 0, "sin(x)^3 + x", False)
    values = by_formula.edge(0, 0, 0, sample).detach().numpy()
    np.testing.assert_allclose(values, (torch.sin(sample) ** 3 + sample).numpy(), rtol=1e-14)


def test_unfix_brings_the_learned_function_back(trained, table):
    x = table["test_input"]
    fixed = trained.fix_symbolic(0, 0, 0, "sin").fix_symbolic(0, 1, 0, "x^2")
    assert torch.equal(fixed.unfix_symbolic(0, 0, 0).unfix_symbolic(0, 1, 0)(x), trained(x))
    assert torch.equal(fixed.unfix_symbolic_all()(x), trained(x))
    assert torch.equal(trained.unfix_symbolic(0, 0, 0)(x), trained(x))


def test_unfix_fits_a_spline_where_there_was_none():
    from kansci.symbolic.kanpiler import kanpiler

    model = kanpiler(["a"], "sin(2*a)", grid=20)
    learned = model.unfix_symbolic(0, 0, 0)
    x = torch.linspace(-1, 1, 77, dtype=torch.float64).unsqueeze(1)
    assert learned.mode(0, 0, 0) == "n"
    torch.testing.assert_close(learned(x), torch.sin(2 * x), rtol=0, atol=1e-5)


def test_suggestions_are_sorted_rows(trained):
    rows = trained.suggest_symbolic(0, 0, 0, topk=4)
    assert rows[0].name == "sin"
    assert rows[0].r2 > 0.9999
    assert len(rows) == 4
    assert [row.score for row in rows] == sorted(row.score for row in rows)
    best = trained.suggest_symbolic(0, 1, 0, lib=["x^2", "exp", "0", "cosh(x)"], weight_simple=0.0)
    assert {row.name for row in best} == {"x^2", "exp", "0", "cosh(x)"}
    assert best[0].r2 == max(row.r2 for row in best)
    simplest = trained.suggest_symbolic(0, 1, 0, lib=["x^2", "exp", "0"], weight_simple=1.0)
    assert simplest[0].name == "0"


def test_auto_symbolic_finds_the_law(trained, table):
    model = trained.auto_symbolic(dataset=table)
    assert {model.mode(*edge) for edge in model.edges()} == {"s"}
    (formula,), symbols = model.symbolic_formula()
    points = np.random.default_rng(5).uniform(-1, 1, (20, 2))
    law = [float(sympy.N(formula.subs(dict(zip(symbols, row, strict=True))))) for row in points]
    np.testing.assert_allclose(law, np.exp(np.sin(np.pi * points[:, 0]) + points[:, 1] ** 2), rtol=1e-9)
    assert formula_gap(model, table["test_input"]) < 1e-12


def test_auto_symbolic_leaves_and_names_what_it_cannot_write(trained, table):
    with pytest.warns(UserWarning, match=r"1 edges .*\(0, 0, 0\).*R2 = "):
        model = trained.auto_symbolic(lib=["x", "x^2", "exp"], dataset=table)
    assert [edge for edge in model.edges() if "n" in model.mode(*edge)] == [(0, 0, 0)]
    error = (model(table["test_input"]) - table["test_label"]).square().mean().sqrt()
    assert error < 0.05
    with pytest.raises(SettingsError, match=r"\(0, 0, 0\)"):
        model.symbolic_formula()


def test_nothing_changes_in_place(trained, table):
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    trained.eval()
    snap_edges(trained, table, lib=["1/x^4"])  # fits no edge
    snap_edges(trained, table, lib=["sin", "x^2", "exp"])
    assert not trained.training
    trained.train()
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained.state_dict().items())


def test_without_data_the_network_itself_is_the_target(trained):
    found = snap_edges(trained, lib=["x", "x^2", "sin", "exp"])
    assert {edge: row.name for edge, row in found.chosen.items()} == {
        (0, 0, 0): "sin",
        (0, 1, 0): "x^2",
        (1, 0, 0): "exp",
    }
    assert found.left == {}
    assert found.report() == ""
    assert found.nrmse < 1e-2


def test_the_formula_is_the_network(mixed):
    x = np.random.default_rng(1).uniform(-1, 1, (100, 2))
    assert mixed.mult_arity[1] == (3, 2)
    formulas, symbols = mixed.symbolic_formula()
    assert [str(s) for s in symbols] == ["x_1", "x_2"]
    assert len(formulas) == 2
    assert formula_gap(mixed, x) < 1e-13


def test_normalisers_and_names(mixed):
    u, v = sympy.symbols("u v")
    plain, _ = mixed.symbolic_formula(var=["u", "v"])
    scaled, _ = mixed.symbolic_formula(
        var=[u, v], normalizer=([1.0, 2.0], [3.0, 4.0]), output_normalizer=([5.0, 6.0], [7.0, 8.0])
    )
    at = {u: sympy.Rational(3, 2), v: sympy.Rational(1, 2)}
    inside = {u: (at[u] - 1) / 3, v: (at[v] - 2) / 4}
    expected = [float(plain[0].subs(inside)) * 7 + 5, float(plain[1].subs(inside)) * 8 + 6]
    np.testing.assert_allclose([float(f.subs(at)) for f in scaled], expected, rtol=1e-12)
    rounded, _ = symbolic_formula(mixed, digits=3)
    assert all(
        len(str(abs(n)).lstrip("0.").replace(".", "").split("e")[0]) <= 3
        for n in rounded[0].atoms(sympy.Float)
    )
    with pytest.raises(SettingsError, match="var"):
        mixed.symbolic_formula(var=["u"])
    with pytest.raises(SettingsError, match="normalizer"):
        mixed.symbolic_formula(normalizer=([1.0], [1.0]))


@pytest.mark.parametrize("call", [
    lambda m: m.fix_symbolic(0, 5, 0, "sin"),
    lambda m: m.fix_symbolic(0, 0, 0, "no such name"),
    lambda m: m.fix_symbolic(0, 0, 0, "x*y"),
    lambda m: m.fix_symbolic(0, 0, 0, 3.5),
    lambda m: m.fix_symbolic(0, 0, 0, "log", a_range=(1.0, 1.0), b_range=(-9.0, -8.0)),
    lambda m: m.unfix_symbolic(0, 0, 3),
    lambda m: m.suggest_symbolic(1, 1, 0),
])  # fmt: skip
def test_impossible_requests_are_refused(trained, call):
    with pytest.raises((SettingsError, FormulaError)):
        call(trained)
