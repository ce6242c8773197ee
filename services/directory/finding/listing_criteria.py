"""What is asked of the database when somebody looks for a colleague, and how its index of names answers.

Owns the criteria, and the seam between the two databases. Refuses to read a question: `listing_questions` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from ..rules.search import Asked
from ..rules.towns import Place


@dataclass(frozen=True)
class Criteria:
    """What an entry must be. Of each group of `tags` it has one.

    `own` is the asker's organization, whose hidden people they find; `organization` the one that is looked for. `km` is
    None where nobody said how far from `near`.
    """

    own: UUID | None
    asked: Asked = field(default_factory=Asked)
    npi: str | None = None
    tags: tuple[frozenset[str], ...] = ()
    organization: UUID | None = None
    near: Place | None = None
    km: float | None = None
    telehealth: bool | None = None
    accepting: bool | None = None
    enrolled: bool | None = None


class How(Enum):
    """How near a word must be to the one that was asked for."""

    EXACTLY = auto()
    ALIKE = auto()
    LOOSELY = auto()


class WordIndex(Protocol):
    """How a database finds names by their words."""

    def settings(self) -> Sequence[ColumnElement[str]]:
        """What sets, when it is asked of the database, what the statements of this transaction need."""

    def prepare(self, session: Session, how: How) -> None:
        """Set how near the next statements of this transaction take words for one another."""

    def having(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have every one of these words, in any of these columns."""

    def resembling(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have a word like each of these; some too many do no harm."""


__all__ = ["Criteria", "How", "WordIndex"]
