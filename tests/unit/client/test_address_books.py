"""Two devices' address books become one, on both the same, and nobody is lost on the way."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from concord.address_books import (
    ALIAS,
    MAX_AT,
    MAX_REMOVALS,
    REMOVED,
    Change,
    contested,
    entries,
    merge,
    moved,
    read,
    with_patient,
    without_patient,
    written,
)
from concord.errors import AddressBookError
from hypothesis import given
from hypothesis import strategies as st

ONE, TWO, THREE = ("pt_" + letter * 26 for letter in "abc")
LONG = "x" * 64

# Few of each, so that they meet: the same alias, the same token, the same moment.
TOKENS = st.sampled_from([ONE, TWO, THREE, "pt_" + "d" * 26, "pt_" + "e" * 26])
HELD = st.builds(
    Change,
    st.integers(0, 3),
    st.just(True),
    st.sampled_from(["jaime", "jaime-2", "jaime-3", LONG]),
    st.sampled_from(["Jaime Armendáriz", "Jaime B."]),
)
GONE = st.builds(Change, st.integers(0, 3), st.just(False))
BOOKS = st.dictionaries(TOKENS, HELD | GONE, max_size=5).map(written)


def _tokens(book: dict[str, Any]) -> set[str]:
    return {entry["token"] for entry in entries(book).values()}


@given(BOOKS, BOOKS, BOOKS)
def test_whichever_comes_first_and_however_often_the_end_is_the_same(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    assert merge(one, one) == one
    assert merge(one, two) == merge(two, one)
    ends = [merge(merge(a, b), c) for a, b, c in permutations((one, two, three))]
    ends.append(merge(one, merge(two, three)))
    assert all(end == ends[0] for end in ends)
    assert merge(ends[0], two) == ends[0]


@given(BOOKS, BOOKS)
def test_nobody_is_lost_who_was_not_removed(one: dict[str, Any], two: dict[str, Any]) -> None:
    both = merge(one, two)
    removed = set(one.get(REMOVED, {})) | set(two.get(REMOVED, {}))
    assert (_tokens(one) | _tokens(two)) - removed <= _tokens(both) <= _tokens(one) | _tokens(two)
    assert all(ALIAS.fullmatch(alias) for alias in entries(both))
    assert len(_tokens(both)) == len(entries(both)), "each under an alias of its own"


@given(BOOKS, st.integers(0, 5))
def test_a_change_made_here_counts_whatever_the_clock_says(book: dict[str, Any], now: int) -> None:
    for alias in list(entries(book)):
        token = book[alias]["token"]
        without = without_patient(book, alias, now)
        assert merge(book, without) == without
        assert token not in _tokens(without)
        back = with_patient(without, "somebody", "Jaime", token, now)
        assert merge(merge(book, without), back) == back
        assert back["somebody"]["token"] == token


@given(BOOKS, st.integers(0, 5))
def test_no_other_patient_moves_into_an_alias_that_became_free(book: dict[str, Any], now: int) -> None:
    for alias in list(entries(book)):
        assert moved(book, without_patient(book, alias, now)) == []


def _book(alias: str, token: str, at: int, name: str = "Jaime") -> dict[str, Any]:
    return with_patient({}, alias, name, token, at)


def test_a_patient_of_each_device_is_on_both() -> None:
    assert _tokens(merge(_book("jaime", ONE, 1), _book("robin", TWO, 2))) == {ONE, TWO}


def test_of_two_under_one_alias_none_has_it() -> None:
    """On neither device may it come to mean the other patient."""
    both = merge(_book("jaime", TWO, 1), _book("jaime", ONE, 2))
    assert {alias: entry["token"] for alias, entry in both.items()} == {"jaime-aaaa": ONE, "jaime-bbbb": TWO}
    assert moved(_book("jaime", ONE, 2), both) == [("jaime", "jaime-aaaa")]
    assert moved(_book("jaime", TWO, 1), both) == [("jaime", "jaime-bbbb")]
    assert contested(both, "jaime") == ["jaime-aaaa", "jaime-bbbb"]
    assert contested(both, "jaime-aaaa") == []


@given(BOOKS, BOOKS)
def test_an_alias_never_comes_to_mean_another_patient(one: dict[str, Any], two: dict[str, Any]) -> None:
    both = merge(one, two)
    for alias, entry in entries(one).items():
        found = both.get(alias)
        gone = {token for book in (one, two) for token in book.get(REMOVED, {})}
        elsewhere = {each["token"]: each.get("alias", shown) for shown, each in entries(two).items()}
        if found and found["token"] != entry["token"] and "alias" not in entry:
            assert "alias" not in found, "one that was given, and not one that was made up"
            assert entry["token"] in gone or elsewhere.get(entry["token"]) not in {None, alias}, "removed or renamed"


def test_a_free_alias_is_found_beside_those_that_are_taken() -> None:
    third = merge(merge(_book("jaime", ONE, 1), _book("jaime", TWO, 2)), _book("jaime-aaaa", THREE, 3))
    assert {alias: entry["token"] for alias, entry in third.items()} == {
        "jaime-aaaa": THREE,
        "jaime-aaaaa": ONE,
        "jaime-bbbb": TWO,
    }


def test_an_alias_that_became_free_is_made_up_for_nobody() -> None:
    """One device gave `jaime-2` to a patient, whom another renamed: on neither of them it comes to mean a third."""
    one = merge(_book("jaime", ONE, 1), _book("jaime-2", THREE, 1))
    two = merge(_book("jaime", TWO, 1), _book("robin", THREE, 2))
    both = merge(one, two)
    assert {alias: entry["token"] for alias, entry in both.items()} == {
        "jaime-aaaa": ONE,
        "jaime-bbbb": TWO,
        "robin": THREE,
    }


def test_an_alias_at_its_longest_still_finds_a_place() -> None:
    both = merge(_book(LONG, ONE, 1), _book(LONG, TWO, 2))
    assert sorted(both) == [LONG[:-5] + "-aaaa", LONG[:-5] + "-bbbb"]


def test_a_book_in_which_everybody_has_one_alias_takes_no_time() -> None:
    changes = {
        f"pt_{n:026d}".translate(str.maketrans("0189", "abcd")): Change(n, True, "jaime", "J") for n in range(20_000)
    }
    assert len(entries(written(changes))) == len(changes)


def test_one_token_under_two_aliases_has_the_later_one() -> None:
    both = merge(_book("jaime", ONE, 1), _book("robin", ONE, 2))
    assert list(both) == ["robin"]


def test_a_removal_counts_against_what_came_before_it_and_not_after() -> None:
    book = _book("jaime", ONE, 5)
    gone = without_patient(book, "jaime", 9)
    assert merge(gone, book) == gone == {REMOVED: {ONE: 9}}
    back = _book("jaime", ONE, 10)
    assert merge(gone, back) == back


def test_an_entry_of_an_older_version_is_of_the_beginning() -> None:
    older = {"jaime": {"name": "Jaime", "token": ONE}}
    assert merge(older, older) == older
    assert merge(older, _book("jaime", TWO, 1))["jaime-aaaa"]["token"] == ONE
    assert merge(older, {REMOVED: {ONE: 1}}) == {REMOVED: {ONE: 1}}


def test_an_alias_called_removed_is_an_alias() -> None:
    book = without_patient(with_patient(_book("removed", ONE, 1), "robin", "R", TWO, 1), "robin", 2)
    assert list(entries(merge(book, book))) == ["removed"]


def test_of_very_many_removals_the_oldest_go() -> None:
    many = {
        f"pt_{n:026d}".translate(str.maketrans("0189", "abcd")): Change(n, held=False) for n in range(MAX_REMOVALS + 1)
    }
    kept = written(many)[REMOVED]
    assert len(kept) == MAX_REMOVALS
    assert min(kept.values()) == 1


def test_a_moment_at_the_end_of_all_numbers_is_no_trap() -> None:
    """Nobody's clock says so; what is added again all the same is there."""
    gone = {REMOVED: {ONE: MAX_AT}}
    assert _tokens(merge(gone, with_patient(gone, "jaime", "Jaime", ONE, 1))) == {ONE}


@pytest.mark.parametrize(
    "book",
    [
        {"jaime": {"name": "Jaime"}},
        {"jaime": {"name": "Jaime", "token": "pt_"}},
        {"jaime": {"name": "Jaime", "token": [ONE]}},
        {"jaime": {"name": "", "token": ONE}},
        {"jaime": {"name": "two\nlines", "token": ONE}},
        {"jaime": {"name": "\x1b[31mred", "token": ONE}},
        {"jaime": {"name": 7, "token": ONE}},
        {"jaime": {"name": "Jaime", "token": ONE, "at": -1}},
        {"jaime": {"name": "Jaime", "token": ONE, "at": MAX_AT + 1}},
        {"jaime": {"name": "Jaime", "token": ONE, "at": True}},
        {"jaime": {"name": "Jaime", "token": ONE, "at": 1.5}},
        {"jaime": {"name": "Jaime", "token": ONE, "at": "2026"}},
        {"jaime": {"name": "Jaime", "token": ONE, "alias": "../x"}},
        {"jaime": {"name": "Jaime", "token": ONE, "more": 1}},
        {"jaime": [ONE]},
        {"jaime": None},
        {"Jaime Armendáriz": {"name": "Jaime", "token": ONE}},
        {REMOVED: [ONE]},
        {REMOVED: {"pt_": 1}},
        {REMOVED: {ONE: None}},
    ],
)
def test_what_is_no_address_book_is_refused(book: dict[str, Any]) -> None:
    with pytest.raises(AddressBookError) as caught:
        read(book)
    assert "Jaime" not in caught.value.message + caught.value.hint
    with pytest.raises(AddressBookError):
        merge({}, book)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_noise_is_refused_as_such(noise: Any) -> None:
    with pytest.raises(AddressBookError):
        read({"jaime": noise})
