"""The words of the forms, in each language, from the data files in `texts/`.

Owns reading them and finding a statement by the consent's type, its law, or for all. Refuses words in code: what a
patient reads is edited in `texts/*.toml` by whoever answers for the words, and needs no programmer.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from concord_formats.vocabulary import ConsentType, FormStatement

# Under which law each type was written, as the data files call it.
LAW = {
    ConsentType.HIPAA_AUTHORIZATION: "hipaa",
    ConsentType.PSYCHOTHERAPY_NOTES: "hipaa",
    ConsentType.PART_2_CONSENT: "part-2",
    ConsentType.PART_2_TPO: "part-2",
    ConsentType.SUD_COUNSELING_NOTES: "part-2",
}


@dataclass(frozen=True)
class Texts:
    """The words of one language."""

    language: str
    tables: dict[str, Any]

    def say(self, table: str, key: str, **filled: object) -> str:
        """One text, with its places filled. What fills a place is never read as a text with places of its own."""
        return str(self.tables[table][key]).format(**filled)

    def statement(self, statement: FormStatement, type_: ConsentType) -> str:
        """What a form of this type says for a statement: by type, by law, or for all. `KeyError`: it says nothing."""
        said = self.tables["statement"][statement.value]
        return str(next(said[key] for key in (type_.value, LAW[type_], "all") if key in said))

    def day(self, day: date) -> str:
        """A date in words: no one reads 3/4 as March and another as April."""
        return self.say("date", "day", day=day.day, month=self.tables["months"][str(day.month)], year=day.year)


@cache
def texts(language: str) -> Texts:
    """The words of `en` or `es`."""
    data = resources.files(__package__) / "texts" / f"{language}.toml"
    return Texts(language, tomllib.loads(data.read_text(encoding="utf-8")))
