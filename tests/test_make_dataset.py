"""Rows as pykan's users sample them."""

import numpy as np
import pytest
import torch

from kansci.errors import DataError, SettingsError
from kansci.make_dataset import create_dataset, create_dataset_from_data

# pykan 0.2.8 with default dtype float64: seed 3, ranges [[-1, 1], [0, 3]], train_num 7, test_num 5.
PYKAN_FIRST_ROWS = [
    [-0.931783608698959, 1.341053317418593],
    [-0.4265195465573861, 1.025873213632211],
    [0.5458298886571686, 2.9101273908175296],
]
PYKAN_LABELS = [-0.4209346494099988, -0.42172897471296894, 2.2565513891259745]


def law(x):
    return torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)


def test_rows_are_pykans():
    sizes = {"train_num": 7, "test_num": 5, "seed": 3}
    table = create_dataset(law, ranges=[[-1, 1], [0, 3]], normalize_label=True, **sizes)
    np.testing.assert_array_equal(table["train_input"][:3], PYKAN_FIRST_ROWS)
    np.testing.assert_allclose(table["train_label"][:3, 0], PYKAN_LABELS, rtol=1e-12)
    assert table["test_input"].shape == (5, 2)


def test_the_global_generators_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    create_dataset(law, seed=1)
    create_dataset_from_data(np.zeros((10, 2)), np.zeros(10), seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_columns_and_rows_are_the_same_function():
    by_row = create_dataset(lambda x: x[0] * x[1], f_mode="row", train_num=9)
    by_column = create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=9)
    assert all(torch.equal(by_row[name], by_column[name]) for name in by_column)


def test_normalised_by_the_training_rows():
    plain, table = create_dataset(law), create_dataset(law, normalize_input=True)
    mean, std = plain["train_input"].mean(0), plain["train_input"].std(0)
    torch.testing.assert_close(table["test_input"], (plain["test_input"] - mean) / std)


def test_given_rows_are_split_without_loss():
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    table = create_dataset_from_data(x, y, train_ratio=0.7)
    together = torch.cat([table["train_label"], table["test_label"]])
    assert len(table["train_label"]) == 7
    assert together.flatten().sort().values.tolist() == y.tolist()
    torch.testing.assert_close(table["test_input"][:, :1], 2 * table["test_label"])


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (SettingsError, {"f_mode": "both"}),
        (SettingsError, {"ranges": [1, 2, 3]}),
        (DataError, {"f": lambda _: torch.zeros(3)}),
    ],
)
def test_wrong_options_are_refused(error, options):
    with pytest.raises(error):
        create_dataset(**{"f": law, **options})
