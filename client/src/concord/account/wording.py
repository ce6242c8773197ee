"""The words of an account for a patient and a privacy officer, in English and in Spanish.

Owns finding them: the vocabulary's plain phrases, and the tables in `texts/`. Refuses to drop a word that it has no
phrase for: it is said as it came.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from concord_formats.plain_words import LANGUAGES, plain
from concord_formats.vocabulary import Information, LabelReason, Purpose, Sensitivity

from .entries import Entry
from .event import AccountEvent


@dataclass(frozen=True)
class Wording:
    """The words of one language."""

    language: str
    tables: dict[str, dict[str, str]]

    def say(self, table: str, word: str) -> str:
        """One text of `texts/`; a word that is not there stands for itself."""
        return self.tables[table].get(word, word)

    def what(self, event: AccountEvent) -> str:
        """The brief description of 45 CFR 164.528(b)(2)(iii)."""
        kinds = self._phrases(Information, event.information)
        return f"{kinds} ({self._phrases(Sensitivity, event.sensitivity)})"

    def why(self, event: AccountEvent) -> str:
        """The brief statement of the purpose, 45 CFR 164.528(b)(2)(iv)."""
        return self._phrase(Purpose, event.purpose)

    def remarks(self, entry: Entry) -> list[str]:
        """What else is to be said of a line: the emergency first, then in whose name it was sent and to which team."""
        said = [self.say("remark", "emergency")] if entry.event.emergency else []
        return said + self._claims(entry) + self._reasons(entry.event)

    def _claims(self, entry: Entry) -> list[str]:
        """Of a letter that was refused it is what the sender claimed, and nobody but they may have known of it."""
        refused = "-refused" if entry.event.kind == "refused" else ""
        said = []
        if entry.on_behalf_of:
            names = {"sender": entry.sender.name, "delegator": entry.on_behalf_of.whole}
            said.append(self.say("remark", f"on-behalf-of{refused}").format(**names))
        if entry.team:
            said.append(self.say("remark", f"team{refused}").format(team=entry.team))
        return said

    def _reasons(self, event: AccountEvent) -> list[str]:
        said = []
        if event.reason:
            said.append(self.say("remark", "reason").format(reason=self.say("reason", event.reason)))
        if event.notice:
            said.append(self.say("remark", "notice"))
        if event.label_reason:
            why = self._phrase(LabelReason, event.label_reason)
            said.append(self.say("remark", "label-reason").format(reason=why))
        return said

    def _phrases(self, words: type[StrEnum], given: tuple[str, ...]) -> str:
        return "; ".join(self._phrase(words, word) for word in given)

    def _phrase(self, words: type[StrEnum], word: str) -> str:
        try:
            return plain(words(word), self.language)
        except ValueError:
            return word


@cache
def wording(language: str) -> Wording:
    """The words of `en` or `es`. Raises `ValueError` for another language."""
    if language not in LANGUAGES:
        raise ValueError(f"no account in this language; there are {', '.join(LANGUAGES)}")
    data = resources.files(__package__) / "texts" / f"{language}.toml"
    return Wording(language, tomllib.loads(data.read_text(encoding="utf-8")))


__all__ = ["Wording", "wording"]
