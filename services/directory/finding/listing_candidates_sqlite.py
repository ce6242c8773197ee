"""Names by their words on SQLite: FTS5 with its trigram tokenizer, by the table of migration 0009.

Owns the queries in FTS5's own language. Refuses to be exact: `rules.search` looks again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Integer, Select, String, Uuid, column, select, table
from sqlalchemy.orm import Session

from ..models import Listing
from .listing_criteria import How

# Entries that resemble what was asked for, the likest by FTS5's own rank.
_MOST_ALIKE = 1000
_TRIGRAM = 3
_ROW = table("listing_fts_row", column("n", Integer), column("listing_id", Uuid))
_TEXT = table("listing_fts", column("rowid", Integer), column("listing_fts", String), column("rank"))


class FullText:
    """The index of the names on SQLite."""

    def settings(self) -> Sequence[ColumnElement[str]]:
        """Nothing is to be set."""
        return ()

    def prepare(self, session: Session, how: How) -> None:
        """Nothing is to be set."""

    def having(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have every one of these words, in any of these columns."""
        return _listed(_rows(columns, [[f" {word} "] for word in words]))

    def resembling(self, columns: Sequence[str], words: Sequence[str]) -> ColumnElement[bool]:
        """Entries that have some letters in a row of each of these words."""
        long = [word for word in words if len(word) >= _TRIGRAM]
        if not long:  # a letter or two are a part of too much
            return self.having(columns, words)
        likest = _rows(columns, [_trigrams(f" {word} ") for word in long]).order_by(_TEXT.c.rank).limit(_MOST_ALIKE)
        return _listed(likest)


def _listed(rows: Select[int]) -> ColumnElement[bool]:
    return Listing.id.in_(select(_ROW.c.listing_id).where(_ROW.c.n.in_(rows)))


def _rows(columns: Sequence[str], words: Sequence[Sequence[str]]) -> Select[int]:
    """Rows that have, of each word, one of its parts: letters and digits, nothing of them is the language's."""
    every = " AND ".join(f"({' OR '.join(map(_quoted, parts))})" for parts in words)
    return select(_TEXT.c.rowid).where(_TEXT.c.listing_fts.op("MATCH")(f"{{{' '.join(columns)}}} : ({every})"))


def _quoted(part: str) -> str:
    return f'"{part}"'


def _trigrams(word: str) -> list[str]:
    return [word[at : at + _TRIGRAM] for at in range(len(word) - _TRIGRAM + 1)]


__all__ = ["FullText"]
