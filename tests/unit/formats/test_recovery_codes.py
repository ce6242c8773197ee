"""Recovery codes: printed, typed, mistyped."""

from __future__ import annotations

import contextlib
import random

import pytest
from concord_formats.code_text import ALPHABET, CodeError
from concord_formats.recovery_codes import RANDOM_BYTES, grouped, make_recovery_code, read_recovery_code
from hypothesis import given
from hypothesis import strategies as st

LENGTH = 28
codes = st.binary(min_size=RANDOM_BYTES, max_size=32).map(make_recovery_code)


def test_a_code_is_printed_in_seven_groups_of_four() -> None:
    groups = grouped(make_recovery_code(bytes(RANDOM_BYTES))).split("-")
    assert groups == ["0000"] * 7
    assert grouped(make_recovery_code(b"\xff" * RANDOM_BYTES)).startswith("ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZ")


@given(codes)
def test_a_code_is_read_as_it_is_printed(code: str) -> None:
    assert read_recovery_code(grouped(code)) == code


@given(codes)
def test_small_letters_spaces_and_look_alikes_are_forgiven(code: str) -> None:
    typed = f" {grouped(code).lower().replace('-', '  ').replace('0', 'o').replace('1', 'i')}\n"
    assert read_recovery_code(typed) == code


@given(codes, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_every_single_slip_is_told(code: str, place: int, other: str) -> None:
    if code[place] != other:
        with pytest.raises(CodeError, match="is wrong"):
            read_recovery_code(code[:place] + other + code[place + 1 :])


@given(codes, st.integers(0, LENGTH - 2))
def test_two_neighbours_exchanged_are_told(code: str, place: int) -> None:
    exchanged = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if exchanged != code:
        with pytest.raises(CodeError):
            read_recovery_code(exchanged)


@given(codes, st.integers(0, LENGTH - 1), st.sampled_from("U*é/"))
def test_a_character_of_no_code_is_told_by_its_group(code: str, place: int, wrong: str) -> None:
    with pytest.raises(CodeError) as caught:
        read_recovery_code(grouped(code[:place] + wrong + code[place + 1 :]))
    assert caught.value.group == place // 4 + 1


@given(codes, st.integers(0, LENGTH - 1))
def test_a_code_with_a_group_too_few_is_told_by_its_length(code: str, kept: int) -> None:
    with pytest.raises(CodeError, match=f"28.*{kept}$"):
        read_recovery_code(code[:kept])


def test_a_character_too_many_is_told() -> None:
    with pytest.raises(CodeError, match="29"):
        read_recovery_code(make_recovery_code(bytes(17)) + "0")


@given(codes)
def test_what_is_told_holds_nothing_of_the_code(code: str) -> None:
    for wrong in (code[:-1], code + "7", "U" + code[1:], code[:-1] + ("A" if code[-1] != "A" else "B")):
        with pytest.raises(CodeError) as caught:
            read_recovery_code(wrong)
        assert not any(code[start : start + 4] in str(caught.value) for start in range(0, LENGTH, 4))


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_a_code_error(text: str) -> None:
    with contextlib.suppress(CodeError):
        assert len(read_recovery_code(text)) == LENGTH


def test_less_than_a_hundred_and_thirty_random_bits_make_no_code() -> None:
    with pytest.raises(ValueError, match="130"):
        make_recovery_code(bytes(RANDOM_BYTES - 1))


def test_every_place_of_a_code_takes_every_character() -> None:
    chance = random.Random(5)
    seen = [
        set(column) for column in zip(*(make_recovery_code(chance.randbytes(17)) for _ in range(2000)), strict=True)
    ]
    assert all(column == set(ALPHABET) for column in seen)
