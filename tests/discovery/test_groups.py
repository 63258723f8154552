"""One law for groups of rows: against the laws that made the tables, and a textbook fit."""

import numpy as np
import pandas as pd
import pytest
import sympy

from kansci.data import GroupedDataset
from kansci.discovery import DiscoverSettings, discover_groups
from kansci.discovery.group_alignment import align
from kansci.discovery.group_fit import fit_apart, share_constants
from kansci.discovery.group_rows import group_rows
from kansci.discovery.run import table_symbols
from kansci.symbolic.parametric import Parametric

FOREVER = float("inf")


def table(law, span, constants, noise=0.0, rows=25, seed=0):
    """Rows of ``law(x, *c)`` with the constants of each group."""
    rng, parts = np.random.default_rng(seed), []
    for label, own in constants.items():
        x = rng.uniform(*span, rows)
        y = law(x, *own) * (1 + noise * rng.normal(size=rows))
        parts.append(pd.DataFrame({"x": x, "y": y, "material": label}))
    return pd.concat(parts, ignore_index=True)


def arrhenius(x, A, E):
    return A * np.exp(-E / x)


ENERGIES = {"steel": (5e3, 2500.0), "brass": (5e3, 2000.0), "zinc": (5e3, 3100.0)}


def test_a_prefactor_is_shared_and_the_energies_are_not():
    found = discover_groups(
        table(arrhenius, (300, 600), ENERGIES), "y", "material", DiscoverSettings(seconds=20)
    )
    assert found.exact
    assert found.verdict.law_found
    a, x = sympy.symbols("a x")
    assert found.formula.parameters == ("a",)
    assert sympy.simplify(found.formula.expr - 5000 * sympy.exp(a / x)) == 0
    for law in found.groups:
        assert law.constants["a"] == pytest.approx(-ENERGIES[law.label][1], rel=1e-9)
    record = found.to_json()
    assert record["groups"][0]["constants"][0]["name"] == "a"
    assert record["symbols"] == {"x": "x"}
    fresh = table(arrhenius, (300, 600), ENERGIES, seed=1)
    np.testing.assert_allclose(found.predict(fresh, fresh["material"]), fresh["y"], rtol=1e-9)


def test_the_same_seed_gives_the_same_result():
    frame = table(lambda x, V: V * x / (0.3 + x), (0.05, 2), {"p": (200,), "q": (150,)}, rows=12)
    first, second = (discover_groups(frame, "y", "material", DiscoverSettings(seconds=30)) for _ in range(2))
    assert first.exact
    assert first.formula.text == second.formula.text
    assert [law.constants for law in first.groups] == [law.constants for law in second.groups]


def test_with_noise_intervals_cover_the_constants():
    frame = table(arrhenius, (300, 600), ENERGIES, noise=0.01, rows=90)
    settings = DiscoverSettings(seconds=10, unary_operators=["exp"], maxsize=8)
    found = discover_groups(frame, "y", "material", settings)
    (shared,) = found.formula.constants
    assert abs(shared.value - 5e3) < 4 * shared.stderr
    assert len(found.formula.parameters) == 1
    for law in found.groups:
        assert abs(law.constants["a"] + ENERGIES[law.label][1]) < 4 * law.stderr["a"]


def fitted(frame, text, start, target="y", group="material"):
    data = GroupedDataset.from_frame(frame, target, group)
    rows, symbols = group_rows(data, 0), table_symbols(data.dataset)
    expr = sympy.parse_expr(text, local_dict={symbol.name: symbol for symbol in symbols})
    names = sorted(expr.free_symbols - set(symbols), key=str)
    form = Parametric(expr, symbols, tuple(names), np.array(start, float))
    return share_constants(form, fit_apart(form, rows, 0), rows, FOREVER), rows


def test_puromycin_shares_the_michaelis_constant():
    """Bates & Watts (1988), A1.3: Vmax 208.6 and 166.6, K 0.0580 (R's ``?Puromycin`` has the same fit)."""
    import kansci_datasets

    states = ("treated", "untreated")
    frame = pd.concat([pd.read_csv(kansci_datasets.path(f"puromycin_{s}")).assign(state=s) for s in states])
    fit, rows = fitted(frame.reset_index(drop=True), "V*conc/(K + conc)", [0.1, 100], "rate", "state")
    assert fit.model.shared.tolist() == [True, False]
    np.testing.assert_allclose(fit.model.values, [0.05797, 208.63, 166.60], rtol=1e-4)
    np.testing.assert_allclose(fit.model.stderr(*rows.train), [0.00591, 5.804, 5.807], rtol=2e-3)


def test_a_shared_ratio_is_found_where_both_constants_differ():
    """1/(a + b/x) with a = 1/V, b = K/V: it is b/a = K that the groups share."""
    frame = table(lambda x, V: V * x / (0.3 + x), (0.05, 2), {"p": (200,), "q": (150,), "r": (90,)}, 0.005)
    fit, _ = fitted(frame, "1/(a + b/x)", [0.01, 0.01])
    assert len(fit.model.values) == 4
    assert fit.model.values[fit.model.slots[0, fit.model.shared]] == pytest.approx([0.3], rel=0.03)


def test_equal_groups_share_everything():
    frame = table(lambda x, b: 2.5 * x + b, (1, 5), {"p": (1.3,), "q": (1.3,), "r": (1.3,)}, 0.02)
    assert fitted(frame, "a*x + b", [1, 1])[0].model.shared.all()


@pytest.mark.parametrize(
    ("kind", "law"), [("offset", lambda x, b: x**2 + b), ("scale", lambda x, b: b * x**2)]
)
def test_small_groups_are_aligned(kind, law):
    constants = {f"g{k}": (1.0 + 3 * k,) for k in range(10)}
    rows = group_rows(GroupedDataset.from_frame(table(law, (1, 3), constants, rows=5), "y", "material"), 0)
    best = align(rows)[0]
    assert best.kind == kind
    ratio = (best.y - best.y.mean()) / (rows.train[0][0] ** 2 - np.mean(rows.train[0][0] ** 2))
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


def test_every_group_has_a_row_however_many_rows_others_have():
    frame = pd.DataFrame({"x": np.arange(5001.0), "y": np.arange(5001.0) ** 2, "kind": "a"})
    frame.loc[5000, "kind"] = "b"
    data = GroupedDataset.from_frame(frame, "y", "kind")
    for seed in range(4):
        rows = group_rows(data, seed)
        assert rows.groups == 2
        assert set(rows.train[1]) == {0, 1}


def test_groups_too_small_to_hold_rows_out_are_judged_on_all_and_no_constant_is_called_like_the_target():
    g = np.repeat(np.arange(1, 13), 3)
    x = np.random.default_rng(0).uniform(1, 5, 36)
    found = discover_groups(
        pd.DataFrame({"g": g, "x": x, "a": g * x**2}), "a", "g", DiscoverSettings(seconds=8)
    )
    assert found.exact
    assert found.held_out_rows == 0
    assert found.nrmse < 1e-12
    assert found.formula.parameters == ("b",)


def test_the_target_may_be_zero_in_a_whole_group():
    x = np.tile(np.linspace(1, 5, 20), 3)
    own = np.repeat([2.0, 3, 0], 20)
    frame = pd.DataFrame({"x": x, "y": own * x**2, "kind": np.repeat(list("abc"), 20)})
    found = discover_groups(frame, "y", "kind", DiscoverSettings(seconds=8))
    assert found.exact
    assert [law.constants["a"] for law in found.groups] == pytest.approx([2, 3, 0])
