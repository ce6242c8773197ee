"""Names as they are compared: found however they were typed, and told apart from those that only look alike.

Owns the folding of a name for a search and its skeleton (UTS 39, section 4). Refuses to judge a person: two names with
one skeleton may be two people.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii
from confusable_homoglyphs import confusables

_APART = re.compile(r"[^a-z0-9]+")
_JOINED = re.compile(r"['’ʼ`´]")


def searchable(text: str) -> str:
    """A name as a search compares it: its words in plain lower-case letters and digits, one space between them.

    `Łukasz O'Brien-Müller` is `lukasz obrien muller`. Empty for a text without a letter or a digit.
    """
    plain = anyascii(unicodedata.normalize("NFKC", _JOINED.sub("", text))).casefold()
    return _APART.sub(" ", plain).strip()


def skeleton(name: str) -> str:
    """What a name looks like: names that a reader cannot tell apart have one skeleton (UTS 39, section 4).

    Without case, accents and spaces. It is compared and never shown.
    """
    bare = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    plain = "".join(_prototype(each) for each in bare.casefold())
    return "".join(plain.split())


def mixes_scripts(name: str) -> bool:
    """Whether one word of a name has letters of several scripts (UTS 39, section 5.1), as `Аna` with a Cyrillic A."""
    return any(len(_scripts(word)) > 1 for word in name.split())


# Scripts that are written together as a matter of course (UTS 39, table 1a).
_TOGETHER = ({"HAN", "HIRAGANA", "KATAKANA"}, {"HAN", "HANGUL"}, {"HAN", "BOPOMOFO"})


def _scripts(word: str) -> set[str]:
    found = {confusables.alias(each) for each in word if each.isalpha()} - {"COMMON", "INHERITED"}
    return {"ONE"} if any(found <= together for together in _TOGETHER) and found else found


@lru_cache(maxsize=4096)
def _prototype(character: str) -> str:
    """The Latin letter that a character passes for, or itself."""
    if character.isascii():
        return _ASCII_TWINS.get(character, character)
    for found in confusables.is_confusable(character, greedy=True, preferred_aliases=["latin"]) or ():
        for twin in found["homoglyphs"]:
            if twin["c"].isascii() and len(twin["c"]) == 1:
                return _ASCII_TWINS.get(twin["c"].casefold(), twin["c"].casefold())
    return character


# In most typefaces nobody tells these apart.
_ASCII_TWINS = {"0": "o", "1": "l", "i": "l", "|": "l"}

__all__ = ["mixes_scripts", "searchable", "skeleton"]
