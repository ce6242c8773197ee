"""Cosignatures: who saw a checkpoint, and when.

Owns the text form of C2SP's tlog-cosignature with Ed25519 (byte 0x04) and how further signatures come under a note.
Refuses to judge a checkpoint: that it is consistent with the one before, a witness has to know before it signs. See
https://c2sp.org/tlog-cosignature.

A log cosigns its own checkpoints, under its own name and key, to say *when* it was this large: a client refuses one
that is too old.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .notes import (
    ID_BYTES,
    MAX_SIGNATURES,
    SIGNATURE_BYTES,
    NoteError,
    NoteKey,
    VerifierKey,
    check_text,
    signature_line,
    taken_apart,
)

# C2SP tlog-cosignature: the byte that tells its keys from those of other signatures, and what its signatures begin with
COSIGNATURE = b"\x04"
_HEADER = "cosignature/v1"
_TIME_BYTES = 8
# C2SP tlog-cosignature, "Format": a time that does not fit a signed 64-bit number is none.
MAX_TIME = 2**63 - 1


@dataclass(frozen=True)
class WitnessKey(NoteKey):
    """The public half of a cosigner's key, under the name with which it cosigns."""

    KIND: ClassVar[bytes] = COSIGNATURE


def own_clock(verifier: VerifierKey) -> WitnessKey:
    """The key with which a log says when it made a checkpoint: its own, with the other byte."""
    return WitnessKey(verifier.name, verifier.ed25519)


def cosign(note_text: str, name: str, key: Ed25519PrivateKey, time: int) -> str:
    """A signature line that says the text was true at `time` (POSIX seconds). Raises `NoteError`."""
    check_text(note_text)
    signed = _time(time) + key.sign(_message(note_text, time))
    return signature_line(name, WitnessKey.of(name, key).id + signed)


def cosigned_at(note: str, key: WitnessKey) -> int:
    """When `key` cosigned the note, in POSIX seconds. Raises `NoteError` when it did not, wrongly, or twice."""
    return _cosigned(note, key)[0]


def line_of(note: str, key: WitnessKey) -> str:
    """The line with which `key` cosigned the note, verified, with its line feed. Raises `NoteError`."""
    return signature_line(key.name, key.id + _cosigned(note, key)[1])


def line_among(lines: str, note_text: str, key: WitnessKey) -> str:
    """Out of signature lines that somebody answered, the one with which `key` cosigned this text, verified.

    Never take `lines` for the rest of a note: an empty line among them would make another text of it. With its line
    feed, fit for `with_signatures`. Raises `NoteError`.
    """
    return line_of(_under(note_text, lines), key)


def with_signatures(note: str, lines: Iterable[str]) -> str:
    """The note with further signature lines (each with its line feed). Raises `NoteError`.

    A line takes the place of an earlier one by the same name and key, which is how a cosignature is renewed. Nothing
    is verified: whoever adds lines of others has picked each with `line_among`, or could lose the log's own signature.
    """
    text, standing = taken_apart(note)
    added = "".join(lines)
    further = taken_apart(_under(text, added))[1] if added else []
    signatures = {(name, raw[:ID_BYTES]): raw for name, raw in [*standing, *further]}
    if len(signatures) > MAX_SIGNATURES:
        raise NoteError(f"a note has at most {MAX_SIGNATURES} signatures")
    return f"{text}\n" + "".join(signature_line(name, raw) for (name, _), raw in signatures.items())


def _under(text: str, lines: str) -> str:
    note = f"{text}\n{lines}"
    # An empty line among the lines would make another text of what stands before it.
    if taken_apart(note)[0] != text:
        raise NoteError("signature lines hold more than signatures")
    return note


def _cosigned(note: str, key: WitnessKey) -> tuple[int, bytes]:
    text, signatures = taken_apart(note)
    own = [raw[ID_BYTES:] for name, raw in signatures if name == key.name and raw[:ID_BYTES] == key.id]
    if len(own) != 1 or len(own[0]) != _TIME_BYTES + SIGNATURE_BYTES:
        raise NoteError("the note is not cosigned by this key, or more than once")
    time = int.from_bytes(own[0][:_TIME_BYTES], "big")
    try:
        Ed25519PublicKey.from_public_bytes(key.ed25519).verify(own[0][_TIME_BYTES:], _message(text, time))
    except (InvalidSignature, ValueError):
        raise NoteError("the cosignature is not of this text and this key") from None
    return time, own[0]


def _message(text: str, time: int) -> bytes:
    _time(time)
    return f"{_HEADER}\ntime {time}\n{text}".encode()


def _time(time: int) -> bytes:
    if not 0 <= time <= MAX_TIME:
        raise NoteError("a time is POSIX seconds")
    return time.to_bytes(_TIME_BYTES, "big")


__all__ = [
    "COSIGNATURE",
    "MAX_TIME",
    "WitnessKey",
    "cosign",
    "cosigned_at",
    "line_among",
    "line_of",
    "own_clock",
    "with_signatures",
]
