"""Names by their words on PostgreSQL: trigrams (`pg_trgm`), by the indexes of migration 0009.

Owns the operators and how alike is alike. Refuses to be exact: `rules.search` looks again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, and_, func, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from ..models import Listing
from .listing_criteria import How

# Of the trigrams of a word this share must be there. Two letters that changed places leave five of nine of those of
# eight letters, and three of seven of those of six: the looser one reads more, and is for when nobody was found.
_SHARE = {How.ALIKE: "0.5", How.LOOSELY: "0.38"}
# A statement is planned for its own words: `smith` and `whitfield` want different plans. It reads a bounded number of
# rows, one by one; to PostgreSQL's defaults, those of spinning disks, whole tables seem cheaper, and compiling too. Its
# parts are read one after the other.
_SETTINGS = {
    "plan_cache_mode": "force_custom_plan",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
_HOW_ALIKE = "pg_trgm.word_similarity_threshold"


class Trigrams:
    """The index of the names on PostgreSQL."""

    def settings(self) -> Sequence[ColumnElement[str]]:
        """Plan for the words at hand."""
        return [func.set_config(name, value, literal_column("true")) for name, value in _SETTINGS.items()]

    def prepare(self, session: Session, how: How) -> None:
        """Set how alike is alike."""
        if how in _SHARE:
            session.execute(select(func.set_config(_HOW_ALIKE, _SHARE[how], literal_column("true"))))

    def having(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have every one of these words, in any of these columns."""
        if len(columns) == 1:
            return named(columns[0]).contains(words)
        return and_(*(or_(*(named(column).contains([word]) for column in columns)) for word in words))

    def resembling(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have a word like each of these, or one that begins so."""
        return and_(*(or_(*(_alike(word, column) for column in columns)) for word in words))


def named(column: str) -> ColumnElement[Sequence[str]]:
    """The words of a column, as the indexes of migration 0012 have them."""
    return func.string_to_array(func.btrim(getattr(Listing, column)), literal_column("' '"), type_=ARRAY(Text))


def _alike(word: str, column: str) -> ColumnElement[bool]:
    return literal(word).op("<%", is_comparison=True)(getattr(Listing, column))


__all__ = ["Trigrams"]
