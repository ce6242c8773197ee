"""A proof that a leaf is in a log, as text that verifies without asking the log.

Owns the text form of C2SP's tlog-proof, version 1, and its check against a key. Refuses to know what the leaf says, and
to trust `extra`, which nothing signs. See https://c2sp.org/tlog-proof.
"""

from __future__ import annotations

from dataclasses import dataclass

from .merkle import HASH_BYTES, MAX_SIZE, ProofError, verify_inclusion
from .notes import (
    Checkpoint,
    NoteError,
    VerifierKey,
    from_base64,
    parse_number,
    to_base64,
    unverified_text,
    verify_note,
)

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_EXTRA, _INDEX = "extra ", "index "
# A tree of 2^62 leaves has paths of 62 hashes: longer ones are not worth reading.
MAX_PATH = MAX_SIZE.bit_length() - 1
# It travels in a letter's statement: a binding, twenty hashes and a checkpoint with a few witnesses are below 4 KiB.
MAX_PROOF_CHARACTERS = 8 * 1024


@dataclass(frozen=True)
class LogProof:
    """That the leaf `index` is in the tree of `checkpoint`, a signed note: `path` are hashes, the lowest first."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def encode(self) -> str:
        """The text. Raises `NoteError` when it would not be read again."""
        self._check()
        extra = "" if self.extra is None else f"{_EXTRA}{to_base64(self.extra)}\n"
        path = "".join(f"{to_base64(each)}\n" for each in self.path)
        text = f"{_FIRST_LINE}\n{extra}{_INDEX}{self.index}\n{path}\n{self.checkpoint}"
        if len(text) > MAX_PROOF_CHARACTERS:
            raise NoteError("the proof is too long")
        return text

    @classmethod
    def parse(cls, text: str) -> LogProof:
        """Read the text. Raises `NoteError`; one text for one proof. Nothing is verified: that is for `verify`."""
        if len(text) > MAX_PROOF_CHARACTERS:
            raise NoteError("the proof is too long")
        head, divider, checkpoint = text.partition("\n\n")
        first, *lines = head.split("\n")
        if first != _FIRST_LINE or not divider:
            raise NoteError("no proof of a log")
        extra = from_base64(lines.pop(0).removeprefix(_EXTRA)) if lines and lines[0].startswith(_EXTRA) else None
        if not lines or not lines[0].startswith(_INDEX):
            raise NoteError("the proof names no leaf")
        index = parse_number(lines[0].removeprefix(_INDEX))
        proof = cls(index, tuple(from_base64(line) for line in lines[1:]), checkpoint, extra)
        proof._check()
        return proof

    def unverified_checkpoint(self) -> Checkpoint:
        """What the checkpoint says, whoever signed it. Raises `NoteError`."""
        return Checkpoint.parse(unverified_text(self.checkpoint))

    def verify(self, leaf: bytes, key: VerifierKey) -> Checkpoint:
        """The checkpoint, which `key` signed and in whose tree `leaf` (a leaf's hash) is.

        Raises `NoteError` for the signature or another log's origin, `merkle.ProofError` for the path.
        """
        checkpoint = Checkpoint.parse(verify_note(self.checkpoint, key))
        if checkpoint.origin != key.name:
            raise NoteError("the checkpoint is of another log")
        verify_inclusion(leaf, self.index, checkpoint.size, self.path, checkpoint.root)
        return checkpoint

    def _check(self) -> None:
        if len(self.path) > MAX_PATH or any(len(each) != HASH_BYTES for each in self.path):
            raise NoteError(f"a path is at most {MAX_PATH} hashes of {HASH_BYTES} bytes")
        if self.extra == b"" or not 0 <= self.index < self.unverified_checkpoint().size:
            raise NoteError("the proof is of no leaf of this tree")


__all__ = ["MAX_PATH", "MAX_PROOF_CHARACTERS", "LogProof", "ProofError"]
