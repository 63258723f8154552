"""Figures for a paper: each function takes data and returns a matplotlib Figure, without pyplot."""

from kansci.plots.animation import animate
from kansci.plots.equation import equation_figure
from kansci.plots.fit import fit_figure
from kansci.plots.network import kan_figure
from kansci.plots.pareto import pareto_figure
from kansci.plots.signals import plot_representation
from kansci.plots.signals_page import comparison_page
from kansci.plots.solution import plot_solution
from kansci.plots.style import save_figure
from kansci.plots.tree import plot_tree, tree_figure

__all__ = [
    "animate",
    "comparison_page",
    "equation_figure",
    "fit_figure",
    "kan_figure",
    "pareto_figure",
    "plot_representation",
    "plot_solution",
    "plot_tree",
    "save_figure",
    "tree_figure",
]
