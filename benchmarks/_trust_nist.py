"""NIST's certified nonlinear regressions, the form given, from the start far away.

The 14 digits of Lanczos1 leave residuals of 1e-13: in double precision its rows are rounded by so much of
these that even exact arithmetic gives 3.4 digits of its certified standard errors, and not the 4 asked for.
"""

from argparse import Namespace

from _trust import Part
from first_laws import nist

DIGITS, ERROR_DIGITS = 6, 4


def certified(options: Namespace) -> Part:
    """Correct digits of the parameters and of their standard errors."""
    rows = [
        {
            "problem": row["case"].partition(",")[0],
            "digits": row["parameters"],
            "of errors": row["stderr"],
            "met": row["met"],
        }
        for row in nist()
        if row["case"].endswith("start 1")
    ]
    right = sum(row["digits"] >= DIGITS for row in rows)
    errors = sum(row["of errors"] >= ERROR_DIGITS for row in rows)
    sentence = (
        f"from NIST's far start {right} of {len(rows)} parameter sets to {DIGITS} digits or more, "
        f"{errors} of {len(rows)} sets of standard errors to {ERROR_DIGITS}"
    )
    return Part("NIST StRD, correct digits", rows, sentence, all(row["met"] for row in rows))
