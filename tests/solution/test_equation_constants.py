import sympy

from kansci.pde.statement import problem
from kansci.solution.equation_constants import with_numbers_from_equation

X, T = sympy.symbols("x t", real=True)
DECAY = problem(
    "u_t = D*u_xx - k*u",
    {"x": (0, 2), "t": (0, 3)},
    {"t = 0": "u = sin(pi*x/2)", "boundary": "u = 0"},
    parameters={"D": 0.5, "k": 0.3},
)


def test_a_rate_is_what_the_equation_says():
    rate = 0.3 + 0.5 * float(sympy.pi) ** 2 / 4
    rough = sympy.exp(-sympy.Float(rate * (1 + 1e-9)) * T) * sympy.sin(sympy.pi * X / 2)
    exact = with_numbers_from_equation(rough, DECAY, DECAY.fields[0])
    law = sympy.exp(-(sympy.Rational(3, 10) + sympy.pi**2 / 8) * T) * sympy.sin(sympy.pi * X / 2)
    assert sympy.simplify(exact - law) == 0


def test_a_number_far_from_it_is_not_replaced():
    other = sympy.exp(-sympy.Float(1.6) * T) * sympy.sin(sympy.pi * X / 2)
    assert with_numbers_from_equation(other, DECAY, DECAY.fields[0]) is None


def test_an_amplitude_that_the_equation_leaves_free_stays():
    law = sympy.Float(1.23) * sympy.exp(-(sympy.Rational(3, 10) + sympy.pi**2 / 8) * T)
    assert with_numbers_from_equation(law * sympy.sin(sympy.pi * X / 2), DECAY, DECAY.fields[0]) is None
