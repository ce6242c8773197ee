"""What a log sends to a witness: the size it thinks was cosigned last, the proof of growth, the new checkpoint.

Owns the strict reading of the body of `add-checkpoint`. Refuses to judge: whether the proof proves anything is
`judgement.py`'s. See https://c2sp.org/tlog-witness, "add-checkpoint".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from concord_formats.merkle import HASH_BYTES
from concord_formats.notes import Checkpoint, NoteError, parse_number, unverified_text

# C2SP tlog-witness: no more lines of proof. A tree of 2^62 leaves needs no more either.
MAX_PROOF_LINES = 63
_OLD = "old "


class SubmissionError(ValueError):
    """The body is not one of `add-checkpoint`. The message holds nothing of it."""


@dataclass(frozen=True)
class Submission:
    """`checkpoint` is what `note` says and whoever signed it; `proof` leads to it from the tree of `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: str
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """Read a body. Raises `SubmissionError`; a checkpoint with extension lines is refused as well.

        A cosignature would be of those lines too, and this witness could not say what they mean.
        """
        try:
            head, divider, note = body.decode().partition("\n\n")
            old, *proof = head.split("\n")
            if not divider or not old.startswith(_OLD) or len(proof) > MAX_PROOF_LINES:
                raise SubmissionError("not an old size, a proof and a checkpoint")
            checkpoint = Checkpoint.parse(unverified_text(note))
            return cls(parse_number(old.removeprefix(_OLD)), tuple(map(_hash, proof)), note, checkpoint)
        except (NoteError, UnicodeDecodeError) as error:
            why = str(error) if isinstance(error, NoteError) else "not UTF-8"
            raise SubmissionError(why) from None

    def encode(self) -> bytes:
        """The body, as a log sends it."""
        proof = (base64.b64encode(each).decode("ascii") for each in self.proof)
        return "\n".join([f"{_OLD}{self.old}", *proof, "", self.note]).encode()


def _hash(line: str) -> bytes:
    """Strict base64 of a hash: one text for one value."""
    try:
        raw = base64.b64decode(line.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise SubmissionError("a line of the proof is not base64") from None
    if len(raw) != HASH_BYTES or base64.b64encode(raw).decode("ascii") != line:
        raise SubmissionError("a line of the proof is no hash")
    return raw


__all__ = ["MAX_PROOF_LINES", "Submission", "SubmissionError"]
