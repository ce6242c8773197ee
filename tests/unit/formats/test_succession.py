"""One key of a log after the other: who may name the next, and who may not."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import pytest
from concord_formats.account import ORIGIN, AccountCount
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, sign_note
from concord_formats.succession import MAX_STEPS, Succession, follow, name_successor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 7)]
NAMED = [VerifierKey.of(ORIGIN, key) for key in KEYS]
CHAIN = [name_successor(old, ORIGIN, new) for old, new in pairwise(KEYS[:5])]
STRANGER = KEYS[5]


@given(st.integers(0, 4), st.integers(0, 4))
def test_a_chain_leads_forward_from_any_of_its_keys_and_never_back(start: int, end: int) -> None:
    assert follow(CHAIN, NAMED[start], NAMED[end]) is (start <= end)


def test_no_chain_leads_to_the_key_itself_alone() -> None:
    assert follow([], NAMED[0], NAMED[0])
    assert not follow([], NAMED[0], NAMED[1])


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_step_breaks_the_chain_for_whoever_needs_it(missing: int) -> None:
    broken = [note for n, note in enumerate(CHAIN) if n != missing]
    for start in range(5):
        assert follow(broken, NAMED[start], NAMED[4]) is (start > missing)


def test_steps_in_another_order_lead_nowhere() -> None:
    assert not follow(list(reversed(CHAIN)), NAMED[0], NAMED[4])


def test_a_key_that_names_itself_is_no_successor_of_another() -> None:
    assert not follow([name_successor(STRANGER, ORIGIN, STRANGER)], NAMED[0], NAMED[5])
    assert not follow([name_successor(STRANGER, ORIGIN, KEYS[4])], NAMED[0], NAMED[4])


def test_a_changed_step_is_none() -> None:
    changed = CHAIN[0].replace(NAMED[1].encode(), NAMED[5].encode())
    assert not follow([changed], NAMED[0], NAMED[5])


def test_a_checkpoint_or_a_count_is_no_succession() -> None:
    for text in (Checkpoint(ORIGIN, 1, bytes(32)).encode(), AccountCount("pt_" + "a" * 26, 0, 0).encode()):
        with pytest.raises(NoteError):
            Succession.parse(text)
        assert not follow([sign_note(text, ORIGIN, KEYS[0])], NAMED[0], NAMED[1])


def test_a_key_of_another_name_is_no_successor() -> None:
    other = VerifierKey.of("example.org/other", KEYS[1])
    note = sign_note(Succession(other).encode(), ORIGIN, KEYS[0])
    assert not follow([note], NAMED[0], other)


def test_a_chain_of_rubbish_ends() -> None:
    assert not follow(["rubbish"] * (MAX_STEPS + 5) + CHAIN, NAMED[0], NAMED[4])


def test_a_succession_says_what_it_was_made_of() -> None:
    assert Succession.parse(Succession(NAMED[3]).encode()).key == NAMED[3]


def test_the_statement_of_the_account_is_what_it_always_was() -> None:
    assert Succession(NAMED[1]).encode() == f"concord.care/account-succession\n{NAMED[1].encode()}\n"


class TestAnotherLog:
    """The same keys and chain under the name of a key log."""

    NAME = "concord.example/directory/log"
    CHAIN: ClassVar = [name_successor(old, "concord.example/directory/log", new) for old, new in pairwise(KEYS[:3])]

    def test_a_key_logs_keys_follow_one_another(self) -> None:
        first, _, last = (VerifierKey.of(self.NAME, key) for key in KEYS[:3])
        assert follow(self.CHAIN, first, last)
        assert not follow(self.CHAIN, last, first)
        assert self.CHAIN[0].startswith("concord.example/directory/log-succession\n")

    def test_a_chain_of_one_log_is_none_of_another(self) -> None:
        assert not follow(CHAIN, VerifierKey.of(self.NAME, KEYS[0]), VerifierKey.of(self.NAME, KEYS[1]))
        assert not follow(self.CHAIN, NAMED[0], NAMED[1])

    def test_a_statement_whose_first_line_is_another_logs_is_refused(self) -> None:
        key = VerifierKey.of(self.NAME, KEYS[1]).encode()
        for first in ("concord.care/account-succession", self.NAME, f"{self.NAME}-succession2", ""):
            with pytest.raises(NoteError):
                Succession.parse(f"{first}\n{key}\n")
