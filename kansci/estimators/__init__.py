"""Networks and formulas as scikit-learn estimators."""

from kansci.estimators.classifier import KANClassifier
from kansci.estimators.regressor import KANRegressor
from kansci.estimators.symbolic import SymbolicRegressor

__all__ = ["KANClassifier", "KANRegressor", "SymbolicRegressor"]
