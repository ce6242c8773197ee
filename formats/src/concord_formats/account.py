"""The account of disclosures as a log: the bytes of a leaf, and the signed count of a patient's lines.

Owns the names under which an account is signed, and what its signatures are about. Refuses the events themselves
(`spec/events.md`) and the tree (`merkle.py`). Specified in `spec/account.md`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .notes import NoteError, parse_number, text_lines

# The log's name: what its key is called, and the first line of its checkpoints.
ORIGIN = "concord.care/account"
# The first line of a signed count: it can never pass for a checkpoint, whose first line is another.
COUNT_ORIGIN = "concord.care/account-count"
SALT_BYTES = 32

_TOKEN = re.compile(r"pt_[a-z2-7]{26}")


def leaf_data(salt: bytes, event: bytes) -> bytes:
    """SHA-256(salt ‖ event): what stands in the tree for a line, and tells nothing of it once the salt is gone."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt is {SALT_BYTES} bytes")
    return hashlib.sha256(salt + event).digest()


@dataclass(frozen=True)
class AccountCount:
    """How many lines a patient's account had when the log had `size` leaves: their numbers are 1 to `last`."""

    patient: str
    last: int
    size: int

    def encode(self) -> str:
        """The text to be signed: four lines."""
        return f"{COUNT_ORIGIN}\n{self.patient}\n{self.last}\n{self.size}\n"

    @classmethod
    def parse(cls, text: str) -> AccountCount:
        """Read the text of a verified note. Raises `NoteError`."""
        origin, patient, last, size = text_lines(text, 4)
        if origin != COUNT_ORIGIN or not _TOKEN.fullmatch(patient):
            raise NoteError("no count of an account")
        count = cls(patient, parse_number(last), parse_number(size))
        if count.last > count.size:
            raise NoteError("an account cannot have more lines than the log")
        return count


__all__ = ["COUNT_ORIGIN", "ORIGIN", "SALT_BYTES", "AccountCount", "leaf_data"]
