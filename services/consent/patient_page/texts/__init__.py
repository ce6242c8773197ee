"""The words of the patient's page, in English and in Spanish.

Owns their reading and the writing of dates. Refuses a language that is not there: English stands in.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("en", "es")


class Texts:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._tables = _tables(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of `table.key`, with its values filled in. They are escaped by the template, not here."""
        table, name = key.split(".")
        text: str = self._tables[table][name]
        return text.format(**values)

    def day(self, at: datetime) -> str:
        """A calendar day."""
        months: list[str] = self._tables["dates"]["months"]
        at = at.astimezone(UTC)
        return self("dates.day", day=at.day, month=months[at.month - 1], year=at.year)

    def moment(self, at: datetime) -> str:
        """A day and a time, in UTC: the page knows no place."""
        return self("dates.moment", day=self.day(at), time=f"{at.astimezone(UTC):%H:%M}")


@cache
def texts(language: str) -> Texts:
    """The words of a language."""
    return Texts(language if language in LANGUAGES else LANGUAGES[0])


def _tables(language: str) -> dict[str, Any]:
    return tomllib.loads((resources.files(__package__) / f"{language}.toml").read_text(encoding="utf-8"))
