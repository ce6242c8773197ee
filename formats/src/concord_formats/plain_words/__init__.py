"""What each word of the vocabulary is called before a patient, in plain English and in plain Spanish.

Owns the tables `en.toml` and `es.toml` beside it: one table per list of the vocabulary, one phrase per word. A phrase
stands in the middle of a sentence and speaks of "the patient", never of "you" or "I", so that a form, a page and a
letter can all use it. Refuses markup: a phrase is text, and whoever shows it escapes it. The one file access of this
package is here, of its own data, once.

Source of the asking: 45 CFR 164.508(c)(3), an authorization is written in plain language.
"""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources

from ..vocabulary import (
    ConsentType,
    ExpiryEvent,
    FormLanguage,
    FormStatement,
    Information,
    LabelReason,
    PartyKind,
    Purpose,
    Sensitivity,
    SignerAuthority,
)

LANGUAGES = ("en", "es")
# The lists that have a plain phrase for every word. Two lists may use the same word and say different things by it.
LISTS: tuple[type[StrEnum], ...] = (
    ConsentType,
    Purpose,
    Information,
    Sensitivity,
    PartyKind,
    ExpiryEvent,
    FormStatement,
    FormLanguage,
    SignerAuthority,
    LabelReason,
)


def plain(word: StrEnum, language: str) -> str:
    """The phrase for a word of the vocabulary, as it stands in the middle of a sentence.

    `word` is a member of one of `LISTS` (not its bare text: which list it is from decides). `language` is one of
    `LANGUAGES`; anything else is a `ValueError`.
    """
    return _phrases(language)[table_of(type(word))][word.value]


def plain_opening(word: StrEnum, language: str) -> str:
    """The same phrase with a capital, as it opens a line or a heading."""
    phrase = plain(word, language)
    return phrase[0].upper() + phrase[1:]


def table_of(words: type[StrEnum]) -> str:
    """The name of a list's table in the data: `ConsentType` is `consent-type`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", words.__name__).lower()


@cache
def _phrases(language: str) -> dict[str, dict[str, str]]:
    if language not in LANGUAGES:
        raise ValueError(f"no plain words in this language; there are {', '.join(LANGUAGES)}")
    return tomllib.loads((resources.files(__package__) / f"{language}.toml").read_text(encoding="utf-8"))
