"""What can go wrong through the user's input, one class per kind of input.

    KansciError
    ├── DataError       a table, a row or a column
    ├── FormulaError    the text or the form of a formula
    ├── SettingsError   an option or an argument
    └── RunError        a RUN folder

Each message is one line that says what is wrong, where, and what to do. The command line
prints it and exits with 2; anything else that is raised is a bug and shows its traceback.
"""

__all__ = ["DataError", "FormulaError", "KansciError", "RunError", "SettingsError"]


class KansciError(ValueError):
    """The user's input is at fault."""


class DataError(KansciError):
    """A table, a row or a column is unusable."""


class FormulaError(KansciError):
    """A formula cannot be read, or its form cannot be fitted."""


class SettingsError(KansciError):
    """An option has a value that is not allowed."""


class RunError(KansciError):
    """A RUN folder is missing, incomplete or damaged."""
