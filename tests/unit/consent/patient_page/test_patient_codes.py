"""The form of a patient's code, and what happens to those who guess."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.rules.patient_codes import (
    ALPHABET,
    CHECK_CHARACTERS,
    SECRET_CHARACTERS,
    CodeError,
    grouped,
    make_code,
    read_code,
)

codes = st.binary(min_size=16, max_size=16).map(make_code)


@given(codes)
def test_a_code_is_read_as_it_is_printed(code: str) -> None:
    assert read_code(grouped(code)) == code


@given(codes)
def test_small_letters_spaces_and_look_alikes_are_forgiven(code: str) -> None:
    typed = f"  {grouped(code).lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')} "
    assert read_code(typed) == code


@given(codes, st.integers(0, SECRET_CHARACTERS + CHECK_CHARACTERS - 1), st.sampled_from(ALPHABET))
def test_every_single_slip_is_told_before_anything_is_looked_up(code: str, place: int, other: str) -> None:
    if code[place] == other:
        return
    with pytest.raises(CodeError):
        read_code(code[:place] + other + code[place + 1 :])


@given(codes, st.integers(0, SECRET_CHARACTERS + CHECK_CHARACTERS - 2))
def test_two_neighbours_exchanged_are_told(code: str, place: int) -> None:
    exchanged = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if exchanged != code:
        with pytest.raises(CodeError):
            read_code(exchanged)


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_a_code_error(text: str) -> None:
    with contextlib.suppress(CodeError):
        assert len(read_code(text)) == SECRET_CHARACTERS + CHECK_CHARACTERS


def test_of_a_million_forged_codes_hardly_one_in_a_thousand_reaches_the_database() -> None:
    """A sample of the million: what has wrong check characters is told by arithmetic alone."""
    chance, passed = random.Random(7), 0
    for _ in range(100_000):
        try:
            read_code("".join(chance.choices(ALPHABET, k=SECRET_CHARACTERS + CHECK_CHARACTERS)))
            passed += 1
        except CodeError:
            continue
    assert passed < 200


def test_less_than_a_hundred_random_bits_make_no_code() -> None:
    with pytest.raises(ValueError, match="100"):
        make_code(bytes(12))


def test_codes_differ_by_chance_alone() -> None:
    assert len({make_code(random.Random(n).randbytes(16)) for n in range(2000)}) == 2000
