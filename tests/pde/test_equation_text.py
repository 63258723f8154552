"""Equations as people write them become the same sympy expressions, and nothing else comes out."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Derivative, Rational

from kansci.errors import FormulaError, KansciError
from kansci.pde.equation_text import Vocabulary, find_fields, normal, read, read_constant
from kansci.pde.problem import Field

X, Y, T = (sympy.Symbol(name, real=True) for name in "xyt")
U = sympy.Function("u")(X, T)
WORDS = Vocabulary(("x", "t"), "t", (Field("u", ("x", "t")),), values={"nu": Rational(1, 100)})
PLANE = Vocabulary(
    ("x", "y", "t"), "t", (Field("u", ("x", "y", "t")), Field("a", ("x", "y"), sought=True)), values={}
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u_t + u*u_x = nu*u_xx", U.diff(T) + U * U.diff(X) - U.diff(X, 2) / 100),
        ("u_tt = 4*u_xx", U.diff(T, 2) - 4 * U.diff(X, 2)),
        ("u_{xxt} = 0.1", U.diff(X, X, T) - Rational(1, 10)),
        ("diff(u, x, 2) == diff(u(x, t), t)", U.diff(X, 2) - U.diff(T)),
        ("d^2u/dx^2 = ∂u/∂t", U.diff(X, 2) - U.diff(T)),
        ("d2u/dxdt − 2·u = u²", U.diff(X, T) - 2 * U - U**2),
        ("laplacian(u) = Δu + u_t(x, t)", -U.diff(T)),
        ("abs(grad(u)) = 1", sympy.sqrt(U.diff(X) ** 2) - 1),
        ("div(vec(u^2)) = sech(x)", 2 * U * U.diff(X) - 1 / sympy.cosh(X)),
    ],
)
def test_notations(text, expected):
    (residual,), faces = read(text, WORDS)
    assert sympy.expand(residual - expected) == 0
    assert not faces


def test_divergence_form_is_the_product_rule():
    u, a = sympy.Function("u")(X, Y, T), sympy.Function("a")(X, Y)
    expected = -(a * u.diff(X)).diff(X) - (a * u.diff(Y)).diff(Y) - X
    for text in ("-div(a*grad(u)) = x", "-diff(a*diff(u,x),x) - diff(a*diff(u,y),y) = x"):
        assert sympy.expand(read(text, PLANE)[0][0] - expected) == 0


def test_coordinates_of_several_letters():
    words = Vocabulary(("x1", "x12"), None, (Field("u_a", ("x1", "x12")),))
    a, b = (sympy.Symbol(name, real=True) for name in ("x1", "x12"))
    u = sympy.Function("u_a")(a, b)
    assert read("u_a_x1x12 + u_a_{x12x12} = 0", words)[0][0] == u.diff(a, b) + u.diff(b, 2)


def test_ordinary_equations_by_primes():
    words = Vocabulary(("s",), None, (Field("q", ("s",)),))
    s = sympy.Symbol("s", real=True)
    q = sympy.Function("q")(s)
    assert read("q'' + q'(s) = sin(q)", words)[0][0] == q.diff(s, 2) + q.diff(s) - sympy.sin(q)


def test_boundary_notations():
    (residual,), faces = read("u_n + u(0, t) = normal_x", WORDS, boundary=True)
    assert residual == normal("x") * U.diff(X) + U - normal("x")
    assert faces == {("x", 0)}


def test_a_complex_field_is_split_into_two():
    words = Vocabulary(("x", "t"), "t", (Field("h", ("x", "t")),), frozenset("h"))
    parts, _ = read("i*h_t + h_xx/2 + abs(h)**2*h = 0", words)
    re, im = sympy.Function("h_re")(X, T), sympy.Function("h_im")(X, T)
    size = re**2 + im**2
    assert sympy.expand(parts[0] - (-im.diff(T) + re.diff(X, 2) / 2 + size * re)) == 0
    assert sympy.expand(parts[1] - (re.diff(T) + im.diff(X, 2) / 2 + size * im)) == 0
    parts, _ = read("exp(i*(x - t))*conj(2 + i*x)", words, equation=False)
    whole = sympy.exp(sympy.I * (X - T)) * (2 - sympy.I * X)
    assert sympy.simplify((parts[0] + sympy.I * parts[1] - whole).rewrite(sympy.cos)) == 0
    assert [f.name for f in words.real_fields] == ["h_re", "h_im"]


def test_fields_are_found_by_their_derivatives():
    words = Vocabulary(("x1", "t"), "t", (), values={"f": X})
    texts = ("u_x1x1 + v_{t} + diff(w, x1) + f(x1) = d2q/dx12", "z'' + sin(x1)*p(x1, t) + Δr = a")
    assert find_fields(texts, words) == ("u", "v", "w", "q", "z", "p", "r")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("u_t = k*u_xx", "unknown name 'k' .* column 7"),
        ("u_t + $ = 0", "column 7"),
        ("u_t - u_xx", "not an equation"),
        ("u_t = u_xx = 0", "column 12"),
        ("u_y = 0", "unknown name 'u_y'"),
        ("u(0, t) = 0", "conditions only"),
        ("u(x) = 0", r"function of \(x, t\)"),
        ("grad(u) = 0", "is a vector"),
        ("diff(u, x, 99) = 0", "diff takes"),
        ("u_{xxxxxxxxxxxx} = 0", "unknown name"),
        ("div(u) = 0", "a vector is expected"),
        ("u = 1/0", "division by zero"),
        ("u = __import__", "unknown name"),
        ("(" * 500, "nested deeper|not an equation"),
    ],
)
def test_errors_say_where(text, says):
    with pytest.raises(FormulaError, match=says):
        read(text, WORDS)


def test_constants_are_exact():
    assert read_constant("0.01/pi", "nu") == 1 / (100 * sympy.pi)
    assert read_constant(1e-4, "D") == Rational(1, 10000)
    for bad in ("x", "1/0", "", float("nan"), float("inf"), None, [1]):
        with pytest.raises(KansciError):
            read_constant(bad, "nu")


def test_a_short_text_cannot_fill_the_memory():
    words = Vocabulary(("x", "t"), "t", (Field("h", ("x", "t")),), frozenset("h"))
    with pytest.raises(FormulaError, match="too long to be split"):
        read("h^1000000000 = h_t", words)


PIECES = st.sampled_from(
    "u _ x t xx { } ( ) , = + - * / ^ ** ' d d2 diff grad div abs laplacian Δ ∇² ² i conj 2 0 .5 n a".split()
)
COMPLEX = Vocabulary(("x", "t"), "t", (Field("u", ("x", "t")),), frozenset("u"), {"a": X})


@given(
    st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=14).map("".join)), st.booleans(), st.booleans()
)
def test_any_text_gives_a_residual_or_an_error_of_ours(text, is_complex, boundary):
    try:
        parts, _ = read(text, COMPLEX if is_complex else WORDS, boundary=boundary)
    except FormulaError:
        return
    allowed = {X, T} | ({normal("x")} if boundary else set())
    for part in parts:
        assert part.free_symbols <= allowed
        assert all(d.expr.func.__name__[0] == "u" for d in part.atoms(Derivative))
