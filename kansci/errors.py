"""What can go wrong through the user's input, one class per kind of input.

    KansciError
    ├── DataError       a table, a row or a column
    ├── FormulaError    the text or the form of a formula
    ├── SettingsError   an option or an argument
    ├── KernelError     kernels that cannot run here
    └── RunError        a RUN folder

Each message is one line that says what is wrong, where, and what to do. The command line
prints it and exits with 2; anything else that is raised is a bug and shows its traceback.
"""

__all__ = [
    "DataError",
    "ExtrapolationWarning",
    "FormulaError",
    "KansciError",
    "KernelError",
    "RunError",
    "SettingsError",
]


class ExtrapolationWarning(UserWarning):
    """Rows lie outside the grids of a network, where its edges go on as straight lines."""


class KansciError(ValueError):
    """The user's input is at fault."""


class DataError(KansciError):
    """A table, a row or a column is unusable."""


class FormulaError(KansciError):
    """A formula cannot be read, or its form cannot be fitted."""


class SettingsError(KansciError):
    """An option has a value that is not allowed."""


class KernelError(KansciError):
    """Kernels were asked for that cannot run on this machine or these tensors."""


class RunError(KansciError):
    """A RUN folder is missing, incomplete or damaged."""
