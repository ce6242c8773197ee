"""Proofs as text: round trips, the form of the specification, and every text that is nearly one."""

from __future__ import annotations

import base64
import contextlib

import pytest
from concord_formats import merkle
from concord_formats.cosignatures import cosign, with_signatures
from concord_formats.log_proof import MAX_PROOF_CHARACTERS, LogProof
from concord_formats.merkle import ProofError
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, sign_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

KEY = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
ORIGIN = "concord.example/directory/log"
LOG = VerifierKey.of(ORIGIN, KEY)
LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(300)]


def proof(index: int = 5, size: int = 300, extra: bytes | None = None) -> LogProof:
    text = Checkpoint(ORIGIN, size, merkle.root(LEAVES[:size])).encode()
    note = with_signatures(sign_note(text, ORIGIN, KEY), [cosign(text, ORIGIN, KEY, 1_795_000_000)])
    return LogProof(index, tuple(merkle.inclusion_path(LEAVES[:size], index)), note, extra)


TEXT = proof().encode()
HASH = base64.b64encode(bytes(32)).decode()


@given(st.integers(1, 300), st.data())
def test_what_was_proven_is_read_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    extra = data.draw(st.none() | st.binary(min_size=1, max_size=50))
    made = proof(index, size, extra)
    read = LogProof.parse(made.encode())
    assert read == made
    assert read.verify(LEAVES[index], LOG) == Checkpoint(ORIGIN, size, merkle.root(LEAVES[:size]))


def test_the_lines_are_those_of_the_specification() -> None:
    made = proof(1, 2, b"opaque")
    sibling = base64.b64encode(LEAVES[0]).decode()
    assert made.encode() == f"c2sp.org/tlog-proof@v1\nextra b3BhcXVl\nindex 1\n{sibling}\n\n{made.checkpoint}"


def test_a_tree_of_one_leaf_has_an_empty_path() -> None:
    assert proof(0, 1).encode().startswith(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{ORIGIN}\n1\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n",
        TEXT.replace("@v1", "@v2", 1),
        " " + TEXT,
        TEXT.replace("index 5", "index 05", 1),
        TEXT.replace("index 5", "index -5", 1),
        TEXT.replace("index 5", "index 5.0", 1),
        TEXT.replace("index 5", "index ٥", 1),
        TEXT.replace("index 5", "index  5", 1),
        TEXT.replace("index 5", "Index 5", 1),
        TEXT.replace("index 5\n", "", 1),
        TEXT.replace("index 5\n", "index 5\nindex 5\n", 1),
        TEXT.replace("index 5", "index 300", 1),
        TEXT.replace("index 5", "extra \nindex 5", 1),
        TEXT.replace("index 5", "extra !!!!\nindex 5", 1),
        TEXT.replace("index 5", "extra AA==\nextra AA==\nindex 5", 1),
        TEXT.replace("index 5\n", "index 5\nextra AA==\n", 1),
        TEXT.replace("index 5\n", "index 5\n\n", 1),
        TEXT.replace("index 5\n", "index 5\nAAAA\n", 1),
        TEXT.replace("index 5\n", f"index 5\n{HASH[:-1]}\n", 1),
        TEXT.replace("index 5\n", f"index 5\n{HASH}\r\n", 1),
        TEXT.replace("index 5\n", "index 5\n" + f"{HASH}\n" * 63, 1),
        TEXT.replace("\n\n", "\n", 1),
        TEXT.removesuffix("\n"),
        TEXT + "\n",
        TEXT + TEXT,
        TEXT.replace("\n300\n", "\n0300\n", 1),
        TEXT.replace("\n300\n", "\n5\n", 1),
        TEXT.replace("\n300\n", "\n300\nextension\n", 1),
        TEXT + "x" * MAX_PROOF_CHARACTERS,
    ],
)
def test_what_is_nearly_a_proof_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        LogProof.parse(text)


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_one_text_is_one_proof(place: int, character: str) -> None:
    """Whatever is changed: refused, or read as what it says, and then it does not verify."""
    changed = TEXT[:place] + character + TEXT[place + 1 :]
    if changed == TEXT:
        return
    with contextlib.suppress(NoteError, ProofError):
        read = LogProof.parse(changed)
        assert read.encode() == changed
        read.verify(LEAVES[5], LOG)
        # Only the cosignature, which this check does not ask about, may have been touched.
        assert place > TEXT.rindex("—") - 1


def test_another_leaf_is_not_proven() -> None:
    with pytest.raises(ProofError):
        proof().verify(LEAVES[6], LOG)


def test_another_key_or_another_log_proves_nothing() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"\2" * 32)
    with pytest.raises(NoteError):
        proof().verify(LEAVES[5], VerifierKey.of(ORIGIN, other))
    foreign = sign_note(Checkpoint("other.example/log", 1, LEAVES[0]).encode(), ORIGIN, KEY)
    with pytest.raises(NoteError, match="another log"):
        LogProof(0, (), foreign).verify(LEAVES[0], LOG)


def test_what_would_not_be_read_is_not_written() -> None:
    made = proof()
    for wrong in (
        LogProof(300, made.path, made.checkpoint),
        LogProof(-1, made.path, made.checkpoint),
        LogProof(5, (b"short",), made.checkpoint),
        LogProof(5, made.path, "no note"),
        LogProof(5, made.path, made.checkpoint, b""),
        LogProof(5, made.path, made.checkpoint, b"x" * MAX_PROOF_CHARACTERS),
    ):
        with pytest.raises(NoteError):
            wrong.encode()
