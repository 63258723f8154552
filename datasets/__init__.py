"""Built-in tables of measurements and benchmark problems.

names(), load(name), info(name), path(name)              tables, with their sources
suites(), problem_names(suite), problem(name), sample()  laws to recover, as rows of data
"""

from .catalog import Certified, Entry, info, load, names, path
from .problems import Problem, Variable, problem, problem_names, sample, suites

__all__ = [
    "Certified",
    "Entry",
    "Problem",
    "Variable",
    "info",
    "load",
    "names",
    "path",
    "problem",
    "problem_names",
    "sample",
    "suites",
]
