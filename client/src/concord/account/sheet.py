"""An account ready to be handed on: its lines with names, and what is to be said about it as a whole.

Owns what every written form of an account has in common. Refuses to look anything up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .entries import Entry
from .verify import VerifiedAccount


@dataclass(frozen=True)
class AccountSheet:
    """A verified account for a reader. `patient_name` is from this device's own sealed address book, or None."""

    account: VerifiedAccount
    entries: Sequence[Entry]
    made_at: datetime
    patient_name: str | None = None
    language: str = "en"

    @property
    def blinded(self) -> list[int]:
        """The numbers of the lines that the reader may not see."""
        return [line.n for line in self.account.lines if line.event is None]


__all__ = ["AccountSheet"]
