"""The square of the earth that a place lies in, and the place of a ZIP code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.directory.rules.places import NOWHERE, cell, where

LAT, LON = st.floats(-90, 90), st.floats(-180, 180)


@given(LAT, LON)
def test_every_place_lies_in_a_square_and_none_in_the_one_of_nowhere(lat: float, lon: float) -> None:
    assert NOWHERE < cell(lat, lon) <= 360 * 720


@given(st.integers(-180, 179), st.integers(-360, 359), st.floats(0, 0.499), st.floats(0, 0.499))
def test_what_lies_in_one_square_of_half_a_degree_has_one_number(row: int, column: int, up: float, on: float) -> None:
    south, west = row / 2, column / 2
    assert cell(south + up, west + on) == cell(south, west)


def test_squares_are_numbered_eastward_and_then_northward() -> None:
    assert cell(-90, -180) == 1
    assert cell(-90, -179.5) == 2
    assert cell(-89.5, -180) == 721
    assert cell(42.1029, -72.5887) == cell(42.0, -73.0) != cell(42.5, -73.0)


def test_the_antimeridian_is_one_line_and_the_pole_belongs_to_the_last_row() -> None:
    assert cell(51.9, 180) == cell(51.9, -180)
    assert cell(90, 0) == cell(89.9, 0)


@pytest.mark.parametrize("code", ["01103", " 01103 ", "01103-1234", "011031234"])
def test_a_zip_code_is_at_its_middle_however_it_is_written(code: str) -> None:
    assert where(code) == (42.1029, -72.5887)


@pytest.mark.parametrize("code", ["", "00000", "0110", "ABCDE", "M5V 2T6", "０１１０３", "-1103"])
def test_a_code_that_is_none_is_nowhere(code: str) -> None:
    assert where(code) is None


def test_a_military_post_office_is_nowhere_rather_than_in_the_gulf_of_guinea() -> None:
    assert where("09001") is None
