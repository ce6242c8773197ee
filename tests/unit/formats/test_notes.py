"""Signed notes, checkpoints and counts: a known example, round trips, and everything that was touched."""

from __future__ import annotations

import base64

import pytest
from concord_formats.account import ORIGIN, AccountCount, leaf_data
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, sign_note, verify_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

# From the package golang.org/x/mod/sumdb/note, with which the format began.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OWN = VerifierKey.of(ORIGIN, KEY)
TOKEN = "pt_" + "a" * 26
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"), min_size=1).map(
    lambda text: text + "\n"
)


def test_the_note_of_the_first_implementation_verifies() -> None:
    key = VerifierKey.decode(PETER)
    assert verify_note(NOTE, key).endswith("what your problem is.\n")
    assert key.encode() == PETER


@given(texts)
def test_what_was_signed_is_what_is_read(text: str) -> None:
    assert verify_note(sign_note(text, ORIGIN, KEY), OWN) == text


def test_every_flipped_bit_is_refused() -> None:
    note = sign_note(Checkpoint(ORIGIN, 7, b"r" * 32).encode(), ORIGIN, KEY).encode()
    for bit in range(len(note) * 8):
        flipped = bytearray(note)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((NoteError, UnicodeDecodeError)):
            verify_note(flipped.decode(), OWN)


@given(st.text(max_size=200))
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        verify_note(text, OWN)


def test_the_signature_of_another_key_is_refused() -> None:
    note = sign_note("said\n", ORIGIN, Ed25519PrivateKey.generate())
    with pytest.raises(NoteError):
        verify_note(note, OWN)


def test_signatures_of_witnesses_are_left_alone() -> None:
    note = sign_note("said\n", ORIGIN, KEY)
    witness = sign_note("said\n", "witness.example", Ed25519PrivateKey.generate()).rpartition("\n\n")[2]
    assert verify_note(note + witness, OWN) == "said\n"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note + note.rpartition("\n\n")[2],  # signed twice by one key
        lambda note: note.removesuffix("\n"),
        lambda note: note + "\n",
        lambda note: note.replace("\u2014", "-"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note + "a line that is no signature\n",
        lambda note: note + "\u2014 other AA==\n",
        lambda note: note + "".join(f"\u2014 other{each} AAAAAAAA\n" for each in range(16)),
        lambda note: "a" * 70_000 + note,
    ],
)
def test_a_note_in_another_form_is_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NoteError):
        verify_note(spoil(sign_note("said\n", ORIGIN, KEY)), OWN)


@pytest.mark.parametrize("text", ["", "\n", "no line feed", "a\ttab\n", "a\rreturn\n", "\ud800\n"])
def test_a_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign_note(text, ORIGIN, KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b"])
def test_a_key_needs_a_name_that_can_stand_in_a_note(name: str) -> None:
    with pytest.raises(NoteError):
        sign_note("said\n", name, KEY)


def test_a_verifier_key_that_was_touched_is_refused() -> None:
    key = OWN.encode().encode()
    for bit in range(len(key) * 8):
        flipped = bytearray(key)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((NoteError, UnicodeDecodeError)):
            VerifierKey.decode(flipped.decode())


def test_a_key_of_another_kind_is_refused() -> None:
    name, number, raw = OWN.encode().split("+", 2)
    other = base64.b64encode(b"\x02" + base64.b64decode(raw)[1:]).decode()
    with pytest.raises(NoteError):
        VerifierKey.decode(f"{name}+{number}+{other}")


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_as_it_was_written(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert Checkpoint.parse(checkpoint.encode()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "o\n07\n" + "A" * 43 + "=\n",
        "o\n-7\n" + "A" * 43 + "=\n",
        "o\n\u0667\n" + "A" * 43 + "=\n",
        "o\n7\n" + "A" * 42 + "B=\n",
        "o\n7\nAAAA\n",
        "o\n7\n" + "A" * 43 + "=\nan extension\n",
        "o\n9999999999999999999\n" + "A" * 43 + "=\n",
        "\n7\n" + "A" * 43 + "=\n",
        "",
    ],
)
def test_a_checkpoint_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_a_count_reads_as_it_was_written_and_is_no_checkpoint() -> None:
    count = AccountCount(TOKEN, 3, 9)
    assert AccountCount.parse(count.encode()) == count
    with pytest.raises(NoteError):
        Checkpoint.parse(count.encode())


@pytest.mark.parametrize(
    "text",
    [
        Checkpoint(ORIGIN, 7, b"r" * 32).encode(),
        AccountCount(TOKEN, 3, 9).encode().replace(TOKEN, "pt_short"),
        AccountCount(TOKEN, 3, 9).encode().replace("3\n", "03\n"),
        AccountCount(TOKEN, 10, 9).encode(),
        AccountCount(TOKEN, 3, 9).encode() + "more\n",
    ],
)
def test_a_count_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        AccountCount.parse(text)


def test_a_leaf_takes_a_whole_salt() -> None:
    assert leaf_data(b"s" * 32, b"event") != leaf_data(b"t" * 32, b"event")
    with pytest.raises(ValueError, match="salt"):
        leaf_data(b"", b"s" * 32 + b"event")  # where the salt ends cannot be moved


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "line\nfeed", "n" * 257, "\ud800", "tab\t", "nel\x85"])
def test_a_name_that_cannot_stand_in_a_note_is_no_keys_name(name: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.of(name, KEY)
    with pytest.raises(NoteError):
        VerifierKey.decode(OWN.encode().replace(ORIGIN, name, 1))
