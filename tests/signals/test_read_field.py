"""Fields from tables and archives."""

import numpy as np
import pandas as pd
import pytest

from kansci.errors import DataError, SettingsError
from kansci.representation.read_field import is_field, read_field
from kansci.signals import write_signal

RANDOM = np.random.default_rng(0)


def test_scattered_columns_with_units_and_missing_numbers(tmp_path):
    file = tmp_path / "wind.csv"
    frame = pd.DataFrame(RANDOM.normal(size=(40, 4)), columns=["lon", "lat [deg]", "u (m/s)", "v"])
    frame.loc[3, "v"] = np.nan
    frame.to_csv(file, index=False)
    field = read_field(file)
    assert (field.coordinates, field.channels) == (("lon", "lat [deg]"), ("u (m/s)", "v"))
    np.testing.assert_allclose(field.points, frame.drop(3)[["lon", "lat [deg]"]])
    assert "1 of 40 rows" in field.notes[1]
    chosen = read_field(file, ["u", "v"], ["lat"])
    assert (chosen.coordinates, chosen.channels) == (("u (m/s)", "v"), ("lat [deg]",))
    write_signal(field, tmp_path / "again.csv")
    np.testing.assert_array_equal(read_field(tmp_path / "again.csv").values, field.values)
    assert is_field(file)
    assert not is_field(tmp_path / "none.csv")


def test_fields_on_a_grid_from_tables_and_archives(tmp_path):
    x, t = np.linspace(0, 1, 7), np.linspace(0, 2, 5) ** 2
    u = np.sin(x[:, None] + t)
    np.savez(tmp_path / "a.npz", x=x, t=t, u=u)
    field = read_field(tmp_path / "a.npz")
    np.testing.assert_array_equal(field.axes[1], t)
    np.testing.assert_allclose(field.values[..., 0], u)
    write_signal(field, tmp_path / "b.npz")
    write_signal(field, tmp_path / "b.csv")
    for name in ("b.npz", "b.csv"):
        again = read_field(tmp_path / name)
        assert again.coordinates == ("x", "t")
        np.testing.assert_allclose(again.values, field.values, rtol=1e-15)
        assert is_field(tmp_path / name)
    curve = tmp_path / "c.csv"
    pd.DataFrame({"wavelength": x, "absorbance": x**2}).to_csv(curve, index=False)
    assert read_field(curve).coordinates == ("wavelength",)


def test_what_is_no_field_is_refused(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x,u,name\n1,2,a\n2,3,b\n3,5,c\n")
    with pytest.raises(DataError, match="'name' holds text"):
        read_field(file, ["x"], ["name"])
    with pytest.raises(SettingsError, match="no column 'y'"):
        read_field(file, ["y"])
    with pytest.raises(SettingsError, match="--coordinates"):
        read_field(file, ["x"], ["x"])
    file.write_text("x,u\n1,2\n2,2\n3,2\n")
    with pytest.raises(DataError, match="constant"):
        read_field(file)


def test_of_a_table_with_nothing_but_coordinates_the_last_is_the_value(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("t,y\n0,1\n1,2\n2,4\n")
    assert (read_field(file).coordinates, read_field(file).channels) == (("t",), ("y",))
    file.write_text("x,y,z\n0,1,3\n1,2,5\n2,4,1\n")
    assert (read_field(file).coordinates, read_field(file).channels) == (("x", "y"), ("z",))
    assert read_field(file, values=["x"]).coordinates == ("y", "z")
    file.write_text("time,u\n2020-01-01,1\n2020-01-02,2\n")
    with pytest.raises(SettingsError, match="not numbers: time"):
        read_field(file)
