"""Names by their words on PostgreSQL: trigrams (`pg_trgm`), by the indexes of migration 0009.

Owns the operators and how alike is alike. Refuses to be exact: `rules.search` looks again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, literal, or_, text
from sqlalchemy.orm import Session

from .listing_criteria import How
from .models import Listing

# Of the trigrams of a word this share must be there. Two letters that changed places leave five of nine of those of
# eight letters, and three of seven of those of six: the looser one reads more, and is for when nobody was found.
_SHARE = {How.EXACTLY: 1.0, How.ALIKE: 0.5, How.LOOSELY: 0.38}
# A statement is planned for its own words: `smith` and `whitfield` want different plans. It reads a bounded number of
# rows, one by one; to PostgreSQL's defaults, those of spinning disks, whole tables seem cheaper, and compiling too.
_PREPARE = text(
    "SELECT set_config('pg_trgm.word_similarity_threshold', :share, true), "
    "set_config('plan_cache_mode', 'force_custom_plan', true), "
    "set_config('random_page_cost', '1.1', true), set_config('jit', 'off', true)"
)


class Trigrams:
    """The index of the names on PostgreSQL."""

    def prepare(self, session: Session, how: How) -> None:
        """Set how alike is alike, and plan for the words at hand."""
        session.execute(_PREPARE, {"share": str(_SHARE[how])})

    def having(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have every one of these words, in any of these columns."""
        return and_(*(or_(*(getattr(Listing, column).like(f"% {word} %") for column in columns)) for word in words))

    def resembling(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have a word like each of these, or one that begins so."""
        return and_(*(or_(*(_alike(word, column) for column in columns)) for word in words))


def _alike(word: str, column: str) -> ColumnElement[bool]:
    return literal(word).op("<%", is_comparison=True)(getattr(Listing, column))


__all__ = ["Trigrams"]
