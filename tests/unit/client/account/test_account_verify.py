"""An exported account verifies when it is whole and unchanged, and each failure is named for what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from concord import errors
from concord.account import verify
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.account.log import OTHER, TOKEN, Log, encoded, event, small_log, to_text

LOG = small_log()
MEMBERS = LOG.members(blinded=frozenset({4}))
RAW = encoded(MEMBERS)
VERIFIED = verify(RAW, key=LOG.vkey)


def changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The export after one change."""
    members = json.loads(RAW)
    change(members)
    return encoded(members)


def test_a_whole_account_verifies() -> None:
    assert VERIFIED.patient == TOKEN
    assert [line.n for line in VERIFIED.lines] == [1, 2, 3, 4, 5]
    assert [event.n for event in VERIFIED.events] == [1, 2, 3, 5]
    assert VERIFIED.blinded == 1
    assert VERIFIED.checkpoint.size == 10
    assert VERIFIED.key == LOG.vkey


def test_without_a_key_the_files_own_is_taken_and_told() -> None:
    assert verify(RAW).key == LOG.vkey


def test_an_account_without_lines_verifies() -> None:
    log = Log()
    log.append(OTHER)
    assert verify(log.export(), key=log.vkey).lines == ()
    assert verify(Log(LOG.key).export(), key=LOG.vkey).checkpoint.size == 0


@pytest.mark.parametrize("n", [1, 3, 5])
def test_a_line_taken_out_is_missing(n: int) -> None:
    with pytest.raises(errors.LineMissingError) as caught:
        verify(changed(lambda members: members["lines"].pop(n - 1)), key=LOG.vkey)
    assert caught.value.n == n
    assert caught.value.message == f"line {n} is missing"


def test_a_line_taken_out_with_the_gap_closed_is_told_by_the_lines_after_it() -> None:
    """Even when the log's own keeper signs the lower count: the events say their numbers."""

    def close_up(members: dict[str, Any]) -> None:
        del members["lines"][1]
        for n, line in enumerate(members["lines"], 1):
            line["n"] = n
        members.update(last=4, count=LOG.count(TOKEN, 4, 10))

    with pytest.raises(errors.LineChangedError) as caught:
        verify(changed(close_up), key=LOG.vkey)
    assert caught.value.n == 2


def test_a_line_that_stands_twice_is_told() -> None:
    with pytest.raises(errors.LineRepeatedError) as caught:
        verify(changed(lambda members: members["lines"].insert(2, members["lines"][1])), key=LOG.vkey)
    assert caught.value.n == 2


def test_lines_out_of_order_are_told() -> None:
    with pytest.raises(errors.LineMisplacedError) as caught:
        verify(changed(lambda members: members["lines"].reverse()), key=LOG.vkey)
    assert caught.value.n == 5


def test_two_lines_that_swap_their_numbers_are_changed_lines() -> None:
    def swap(members: dict[str, Any]) -> None:
        lines = members["lines"]
        lines[1]["n"], lines[2]["n"] = 3, 2
        lines[1], lines[2] = lines[2], lines[1]

    with pytest.raises(errors.LineChangedError) as caught:
        verify(changed(swap), key=LOG.vkey)
    assert caught.value.n == 2


@pytest.mark.parametrize("number", [1, 2, 9, 1.0, True, "3", 2**80, -1, None])
def test_a_line_with_another_number_is_refused(number: object) -> None:
    with pytest.raises(errors.AccountError):
        verify(changed(lambda members: members["lines"][2].update(n=number)), key=LOG.vkey)


def test_an_edited_event_is_a_changed_line() -> None:
    def edit(members: dict[str, Any]) -> None:
        members["lines"][2]["event"] = members["lines"][2]["event"].replace("treatment", "payment")

    with pytest.raises(errors.LineChangedError) as caught:
        verify(changed(edit), key=LOG.vkey)
    assert caught.value.n == 3


@pytest.mark.parametrize("member", ["salt", "proof", "index", "leaf"])
def test_another_salt_proof_index_or_leaf_is_a_changed_line(member: str) -> None:
    place = 3 if member == "leaf" else 1

    def alter(members: dict[str, Any]) -> None:
        line = members["lines"][place]
        value = line[member]
        if member == "index":
            line[member] = value + 1
        elif member == "proof":
            value[0], value[1] = value[1], value[0]
        else:
            line[member] = to_text(b"x" * 32)

    with pytest.raises(errors.LineChangedError) as caught:
        verify(changed(alter), key=LOG.vkey)
    assert caught.value.n == place + 1


def test_a_disclosed_line_cannot_be_passed_off_as_another_blinded_one() -> None:
    def blind(members: dict[str, Any]) -> None:
        line = members["lines"][1]
        line["leaf"] = members["lines"][3]["leaf"]
        del line["salt"], line["event"]

    with pytest.raises(errors.LineChangedError):
        verify(changed(blind), key=LOG.vkey)


def resigned(change: Callable[[Log], Any], **members: Any) -> bytes:
    """What a log's own keeper would export who holds the key and cheats."""
    log = small_log()
    log.key = LOG.key
    change(log)
    return encoded(log.members() | members)


def test_another_patients_line_in_the_log_is_not_this_accounts() -> None:
    """Even when the log's own keeper signs for it."""

    def foreign(log: Log) -> None:
        log.lines[3].event = event(2, OTHER)

    with pytest.raises(errors.LineChangedError, match="another patient"):
        verify(resigned(foreign), key=LOG.vkey)


def test_a_line_that_says_another_number_is_not_this_line() -> None:
    def renumbered(log: Log) -> None:
        log.lines[3].event = event(7)

    with pytest.raises(errors.LineChangedError, match="it is line 7"):
        verify(resigned(renumbered), key=LOG.vkey)


def test_lines_that_the_log_has_in_another_order_are_told() -> None:
    def swapped(log: Log) -> None:
        log.lines[3], log.lines[5] = log.lines[5], log.lines[3]

    members = json.loads(resigned(swapped))
    members["lines"].sort(key=lambda line: line["n"])
    with pytest.raises(errors.LineMisplacedError) as caught:
        verify(encoded(members), key=LOG.vkey)
    assert caught.value.n == 3


@pytest.mark.parametrize("last", [0, 4, 6, 2**62])
def test_a_count_that_was_changed_is_told(last: int) -> None:
    with pytest.raises(errors.CountError):
        verify(changed(lambda members: members.update(last=last)), key=LOG.vkey)
    with pytest.raises(errors.CountError):
        verify(changed(lambda m: m.update(count=m["count"].replace("\n5\n", f"\n{last}\n"))), key=LOG.vkey)


def test_a_count_lowered_by_the_keeper_leaves_a_line_beyond_it() -> None:
    with pytest.raises(errors.CountError, match="line 5 is beyond"):
        verify(changed(lambda m: m.update(last=4, count=LOG.count(TOKEN, 4, 10))), key=LOG.vkey)


def test_a_count_raised_by_the_keeper_lacks_a_line() -> None:
    with pytest.raises(errors.LineMissingError) as caught:
        verify(changed(lambda m: m.update(last=6, count=LOG.count(TOKEN, 6, 10))), key=LOG.vkey)
    assert caught.value.n == 6


@pytest.mark.parametrize(("patient", "size"), [(OTHER, 10), (TOKEN, 9)])
def test_a_count_of_another_account_or_another_checkpoint_is_refused(patient: str, size: int) -> None:
    with pytest.raises(errors.CountError):
        verify(changed(lambda members: members.update(count=LOG.count(patient, 5, size))), key=LOG.vkey)


def test_a_checkpoint_and_a_count_cannot_stand_for_each_other() -> None:
    with pytest.raises(errors.CheckpointError):
        verify(changed(lambda members: members.update(checkpoint=members["count"])), key=LOG.vkey)
    with pytest.raises(errors.CountError):
        verify(changed(lambda members: members.update(count=members["checkpoint"])), key=LOG.vkey)


def test_the_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(errors.CheckpointError):
        verify(changed(lambda members: members.update(checkpoint=small_log().checkpoint())), key=LOG.vkey)
    other = LOG.checkpoint(origin="concord.care/keys")
    with pytest.raises(errors.CheckpointError, match="another log"):
        verify(changed(lambda members: members.update(checkpoint=other)), key=LOG.vkey)


def test_another_key_than_the_given_one_is_told() -> None:
    with pytest.raises(errors.LogKeyChangedError):
        verify(small_log().export(), key=LOG.vkey)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_no_changed_byte_changes_what_is_believed(place: int, change: int) -> None:
    """A byte is under a signature, or says nothing: `made_at`, the order of members."""
    touched = bytearray(RAW)
    touched[place] ^= change
    try:
        found = verify(bytes(touched), key=LOG.vkey)
    except errors.AccountError:
        return
    assert found == VERIFIED


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(RAW) - 1), st.integers(1, 40))
def test_an_account_cut_short_or_with_a_gap_is_refused(place: int, length: int) -> None:
    try:
        found = verify(RAW[:place] + RAW[place + length :], key=LOG.vkey)
    except errors.AccountError:
        return
    assert found == VERIFIED
