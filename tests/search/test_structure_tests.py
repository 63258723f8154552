"""Symmetry, separability and trees of functions whose structure is known."""

import numpy as np
import pytest
import sympy
import torch

from kansci.errors import DataError, SettingsError
from kansci.models import KAN
from kansci.search import hypothesis as tests
from kansci.search.derivatives import batch_hessian, batch_jacobian
from kansci.search.tree import find_tree, get_molecule, get_tree_node


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rows(count, low=-1.5, high=1.5, n_rows=200):
    return torch.tensor(np.random.default_rng(0).uniform(low, high, (n_rows, count)))


def col(function):
    """A function of columns, as pykan's examples write it: (N, I) to (N, 1)."""
    return lambda x: function(*(x[:, [k]] for k in range(x.shape[1])))


def test_derivatives_are_those_of_sympy():
    symbols = a, b, c = sympy.symbols("a b c")
    expr = sympy.sin(a * b) + sympy.exp(-c) * b**3
    model = col(lambda a, b, c: torch.sin(a * b) + torch.exp(-c) * b**3)
    x = rows(3)
    gradient = sympy.lambdify(symbols, [sympy.diff(expr, s) for s in symbols])
    hessian = sympy.lambdify(symbols, sympy.hessian(expr, symbols))
    for found, expected in [(batch_jacobian(model, x), gradient), (batch_hessian(model, x), hessian)]:
        np.testing.assert_allclose(found.detach(), [expected(*r) for r in x.tolist()], rtol=1e-12, atol=1e-12)


def test_gradient_directions_turn_as_finite_differences_say():
    model = col(lambda a, b, c: torch.sin(a * b) + torch.exp(c * b) * a)
    x, step = rows(3), 1e-6
    std = x.std(dim=0)

    def direction(at):
        part = (batch_jacobian(model, at) * std).detach()[:, [0, 1]]
        return part / part.norm(dim=1, keepdim=True)

    shift = torch.tensor([0.0, 0.0, step], dtype=torch.float64)
    expected = (direction(x + shift) - direction(x - shift)) / (2 * step) * std[2]
    found = tests.batch_grad_normgrad(model, x, [0, 1])
    torch.testing.assert_close(found[..., 0], expected, rtol=1e-5, atol=1e-7)
    assert torch.equal(tests.get_dependence(model, x, [0, 1]), found.abs().median(dim=0).values)


def test_symmetry():
    model = col(lambda a, b, c: a**2 * (b + c))
    assert tests.test_symmetry(model, rows(3), [1, 2])
    assert not tests.test_symmetry(model, rows(3), [0, 2])
    assert tests.test_symmetry(model, rows(3), [0, 1, 2])


def test_thresholds_do_not_depend_on_units():
    scale = torch.tensor([1e6, 1e-9, 3.0], dtype=torch.float64)
    model = col(lambda a, b, c: a**2 * (b + c) + 0.01 * a * b)
    other = lambda x: 1e-20 * model(x / scale)  # noqa: E731
    x = rows(3)
    for group in ([0, 1], [1, 2]):
        torch.testing.assert_close(
            tests.get_dependence(other, x * scale, group), tests.get_dependence(model, x, group)
        )
    for mode in ("add", "mul"):
        expected = tests.separability_score(model, x, [[0], [1, 2]], mode)
        assert tests.separability_score(other, x * scale, [[0], [1, 2]], mode) == pytest.approx(expected)


def test_separability():
    product = col(lambda a, b, c: a**2 * (b + c))
    assert tests.test_separability(product, rows(3), [[0], [1, 2]], mode="mul")
    assert not tests.test_separability(product, rows(3), [[0], [1, 2]], mode="add")
    assert not tests.test_separability(product, rows(3), [[0]], mode="add")  # against all others
    shifted = col(lambda a, b, c: a**2 * (b + c) - 3)
    assert not tests.test_separability(shifted, rows(3), [[0], [1, 2]], "mul")
    assert tests.test_separability(shifted, rows(3), [[0], [1, 2]], "mul", bias=3.0)


def test_general_separability():
    model = col(lambda a, b, c: a**2 * (b**2 + c**2) ** 2)
    assert not tests.test_general_separability(model, rows(3), [[1], [0, 2]])
    assert tests.test_general_separability(model, rows(3), [[0], [1, 2]])
    hidden = col(lambda a, b, c: torch.exp(torch.sin(a + b * c)))
    assert tests.test_general_separability(hidden, rows(3), [[0], [1, 2]])
    assert not tests.test_general_separability(hidden, rows(3), [[0, 1], [2]])


def test_detected_groups():
    found = tests.detect_separability(col(lambda a, b, c: a**2 + torch.exp(b + c)), rows(3))
    assert (found["n_groups"], found["groups"], found["labels"]) == (2, [[0], [1, 2]], [0, 1, 1])
    product = col(lambda a, b, c, d: a**2 * torch.exp(b * c) / (1 + d**2))
    assert tests.detect_separability(product, rows(4), "mul")["groups"] == [[0], [1, 2], [3]]
    assert tests.detect_separability(product, rows(4), "mul", n_clusters=2)["n_groups"] == 2
    assert tests.detect_separability(product, rows(4), "add")["n_groups"] == 1


def test_symmetry_variables():
    symbols = sympy.symbols("a b c")
    _, b, c = symbols
    model = col(lambda a, b, c: a * torch.exp(b + c))
    assert tests.test_symmetry_var(model, rows(3), symbols, b + c).min() > 1 - 1e-12
    assert tests.test_symmetry_var(model, rows(3), symbols, b * c).median() < 0.95
    with pytest.raises(SettingsError, match="symmetry_var"):
        tests.test_symmetry_var(model, rows(3), symbols, sympy.Symbol("z"))


def test_a_tree_of_three_levels():
    pair = lambda a, b: (a**2 + b**2) ** 2  # noqa: E731
    model = col(
        lambda a, b, c, d, e, f, g, h: (pair(a, b) + pair(c, d)) ** 2 + (pair(e, f) + pair(g, h)) ** 2
    )
    levels = get_molecule(model, rows(8))
    assert levels == [
        [[0], [1], [2], [3], [4], [5], [6], [7]],
        [[0, 1], [2, 3], [4, 5], [6, 7]],
        [[0, 1, 2, 3], [4, 5, 6, 7]],
        [[0, 1, 2, 3, 4, 5, 6, 7]],
    ]
    arities, properties = get_tree_node(model, rows(8), levels, skip_test=False)
    assert arities == [[2, 2, 2, 2], [2, 2], [2]]
    assert properties == [["GS"] * 4, ["GS"] * 2, ["Add"]]


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (lambda a, b, c, d: a + b + c + d, "a, b, c, d  : +|├─ a|├─ b|├─ c|└─ d"),
        (
            lambda a, b, c, d: torch.exp(-d) * torch.sqrt((a - b) ** 2 + c**2),
            "a, b, c, d  : *|├─ a, b, c  : F(+)|│  ├─ a, b  : F(+)|│  │  ├─ a|│  │  └─ b|│  └─ c|└─ d",
        ),
        (
            lambda a, b, c, d: (a**2 * c + c**3 * a + torch.exp(b * a)) * d,
            "a, b, c, d  : *|├─ a, b, c  : ?|│  ├─ a|│  ├─ b|│  └─ c|└─ d",
        ),
        (
            lambda a, b, c, d: torch.sin(a * c) + b * d,
            "a, c, b, d  : +|├─ a, c  : F(+)|│  ├─ a|│  └─ c|└─ b, d  : F(+)|   ├─ b|   └─ d",
        ),
    ],
)
def test_trees_of_laws(law, expected):
    tree = find_tree(col(law), rows(4, 0.5, 2.0), ["a", "b", "c", "d"], sep_th=1e-2)
    assert str(tree).split("\n") == expected.split("|")


def test_a_trained_network_shows_its_structure():
    x = rows(3, -1, 1, n_rows=500)
    model = KAN([3, 4, 1], grid=4, seed=0)
    model.fit((x, torch.exp(x[:, [0]] * 0.7) + x[:, [1]] * x[:, [2]]), steps=60)
    found = tests.detect_separability(model, x)
    assert found["groups"] == [[0], [1, 2]]


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (SettingsError, lambda f, x: tests.test_symmetry(f, x, [0, 5])),
        (SettingsError, lambda f, x: tests.test_symmetry(f, x, [0, 0])),
        (SettingsError, lambda f, x: tests.test_separability(f, x, [[0]], "plus")),
        (SettingsError, lambda f, x: find_tree(f, x, ["a"])),
        (DataError, lambda _, x: tests.test_symmetry(lambda x: x, x, [0])),
        (DataError, lambda f, x: tests.test_symmetry(f, x[0], [0])),
    ],
)
def test_impossible_requests_are_refused(error, call):
    with pytest.raises(error):
        call(lambda x: x[:, [0]] * x[:, [1]], rows(3))
