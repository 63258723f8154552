"""Figures for a paper: each function takes data and returns a matplotlib Figure, without pyplot."""

from kansci.plots.fit import fit_figure
from kansci.plots.network import kan_figure
from kansci.plots.pareto import pareto_figure
from kansci.plots.style import save_figure
from kansci.plots.tree import plot_tree, tree_figure

__all__ = ["fit_figure", "kan_figure", "pareto_figure", "plot_tree", "save_figure", "tree_figure"]
