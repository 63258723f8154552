"""Tables of measurements: reading, naming, validation."""

from kansci.data.dataset import Dataset, Scaling
from kansci.data.groups import GroupedDataset
from kansci.data.names import symbol_names
from kansci.data.read import read_dataset, read_table

__all__ = ["Dataset", "GroupedDataset", "Scaling", "read_dataset", "read_table", "symbol_names"]
