"""Formulas whose poles, branch points, jumps and real domains are known in closed form."""

import json

import numpy as np
import pytest
import sympy

from kansci.data import Dataset
from kansci.errors import SettingsError
from kansci.evidence.domain import data_box, domain_report
from kansci.symbolic.formula import Formula


def report(text, **box):
    return domain_report(Formula(text, list(box)), box)


@pytest.mark.parametrize(
    ("text", "box", "kind", "zeros"),
    [
        ("3/(x**2 - 4)", {"x": (-3, 5)}, "pole", [-2, 2]),
        ("tan(x)", {"x": (1, 9)}, "pole", [np.pi / 2, 1.5 * np.pi, 2.5 * np.pi]),
        ("1/(exp(x) - 2)", {"x": (0, 1)}, "pole", [np.log(2)]),
        ("gamma(x)", {"x": (-2.5, 3)}, "pole", [-2, -1, 0]),
        ("floor(2*x)", {"x": (0.1, 1.2)}, "jump", [0.5, 1]),
        ("Abs(x - 1) + x", {"x": (0.3, 3)}, "kink", [1]),
        ("sin(x)/x", {"x": (-1, 2)}, "removable", [0]),
    ],
)
def test_all_zeros_in_one_variable(text, box, kind, zeros):
    (finding,) = report(text, **box).inside
    assert (finding.kind, finding.complete, finding.undecided) == (kind, True, False)
    np.testing.assert_allclose([point["x"] for point in finding.points], zeros, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "box", "kind"),
    [
        ("3/(x - y)", {"x": (0, 3), "y": (1, 4)}, "pole"),
        ("1/(x**2 + y**2)", {"x": (-1, 1), "y": (-2, 3)}, "pole"),  # a zero without a change of sign
        ("1/sqrt(1 - u**2/c**2)", {"u": (0, 3), "c": (3, 9)}, "pole"),  # at a corner
        ("log(x + y)", {"x": (-1, 0), "y": (-1, 3)}, "not real"),
        ("asin(x*y)", {"x": (0, 1), "y": (0, 2)}, "not real"),
        ("x**y", {"x": (-0.1, 2), "y": (-3, 3)}, "not real"),
        ("exp(x*y)", {"x": (0, 100), "y": (0, 10)}, "overflow"),
        ("atan2(x, y)", {"x": (-1, 1), "y": (-1, 1)}, "jump"),
        ("Max(x, y)", {"x": (0, 2), "y": (1, 3)}, "kink"),
    ],
)
def test_a_witness_is_in_the_box_and_refutes(text, box, kind):
    result = report(text, **box)
    finding = result.inside[0]
    (point,) = finding.points
    assert (finding.kind, finding.undecided) == (kind, False)
    assert all(low <= point.get(name, low) <= high for name, (low, high) in box.items())
    if kind not in {"jump", "kink"}:
        assert not result.proved
        others = {name: low + 0.37 * (high - low) for name, (low, high) in box.items()}
        value = Formula(text, list(box)).expr.subs({**others, **point}).evalf(30)
        assert value.is_finite is False or value.is_real is False or abs(value) > 1e7


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("3/(x - y)", {"x": (5, 6), "y": (1, 4)}),
        ("1/(x**2 - 2*x*y + y**2 + 0.01)", {"x": (0, 1), "y": (0, 3)}),
        ("m/sqrt(1 - u**2/c**2)", {"m": (1, 2), "u": (0, 2), "c": (3, 9)}),
        ("sqrt((a - b)**2 + (c - d)**2)", dict.fromkeys("abcd", (1, 5))),
        ("q*(e + v*sin(a))/(r - s*cos(a)) + log(q)", {**dict.fromkeys("qeva", (1, 5)), "r": (3, 4), "s": (1, 2)}),  # noqa: E501
        ("floor(x) + Abs(x)", {"x": (-3, 3)}),
        ("x", {"x": (2, 2)}),
    ],
)  # fmt: skip
def test_proofs(text, box):
    result = report(text, **box)
    assert result.proved, result.sentences
    generator = np.random.default_rng(0)
    X = np.stack([generator.uniform(*ends, 2000) for ends in box.values()], axis=1)
    assert np.isfinite(Formula(text, list(box)).predict(X)).all()


def test_all_zeros_are_claimed_only_if_proved():
    touching = report("1/(x**3 - 4*x**2 + 5*x - 2)", x=(0, 3.1)).inside[0]  # (x - 1)^2 (x - 2)
    assert (touching.points, touching.complete) == (({"x": 2.0},), False)
    assert "e.g. at x = 2" in str(touching)
    many = report("1/sin(300*x)", x=(0.001, 1)).inside[0]
    assert (len(many.points), many.complete) == (50, False)
    np.testing.assert_allclose([p["x"] for p in many.points], np.arange(1, 51) * np.pi / 300, rtol=1e-9)


def test_around_the_box():
    near, far = report("1/(x - 2.05)", x=(1, 2)), report("log(x)", x=(1, 5))
    assert near.proved
    assert near.findings[0].reach == 0.1
    assert far.findings[0].reach == 0.5
    assert report("log(x)", x=(3, 5)).findings == ()


def test_what_cannot_be_decided_is_said():
    # positive, but on a whole line too little so for intervals to see
    result = report("1/(x**2 - 2*x*y + y**2 + 1e-9)", x=(0, 1), y=(0, 1))
    assert not result.proved
    assert all("undecided" in sentence for sentence in result.sentences)
    unknown = domain_report(Formula(sympy.zeta(sympy.Symbol("x")), ["x"]), {"x": (2.0, 3.0)})
    assert "not understood" in unknown.sentences[1]


def test_sentences_columns_and_json():
    rows = np.random.default_rng(0).uniform(1, 4, (30, 2))
    dataset = Dataset.from_arrays(rows, rows.sum(axis=1), ["a [m]", "b"])
    formula = Formula("1/(a - b)", dataset.symbols)
    result = domain_report(formula, dataset)
    assert result.box == {"a": data_box(dataset)["a [m]"], "b": data_box(dataset)["b"]}
    assert result.sentences[1].startswith("1/(a - b) has a pole inside the data box, e.g. at a = ")
    assert json.loads(json.dumps(result.to_json()))["findings"][0]["kind"] == "pole"


def test_refusals():
    with pytest.raises(SettingsError, match="free parameters: k"):
        domain_report(Formula("k*x", ["x"]), {"x": (0.0, 1.0)})
    with pytest.raises(SettingsError, match="no range for column 'x'"):
        domain_report(Formula("2*x", ["x"]), {})
