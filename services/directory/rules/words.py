"""The words by which something is found: those of all its names, as they are stored.

Owns their length and order. Refuses to leave nothing of a name that is too long: its beginning is found.
"""

from __future__ import annotations

from concord_formats.names import searchable

MAX_WORDS = 700
_MAX_WORD = 300


def words_of(*names: str) -> str:
    """The words of these names, each once, with a space before and after each: ` ana whitfield jones `."""
    words = dict.fromkeys(word[:_MAX_WORD] for word in " ".join(map(searchable, names)).split())
    found = f" {' '.join(words)} "
    return found if len(found) <= MAX_WORDS else found[: found.rindex(" ", 0, MAX_WORDS) + 1]


__all__ = ["MAX_WORDS", "words_of"]
