"""Names as they are compared: found however they were typed, and told apart from those that only look alike.

Owns the folding of a name for a search and its skeleton (UTS 39, section 4). Refuses to judge a person: two names with
one skeleton may be two people.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

_APART = re.compile(r"[^a-z0-9]+")
_JOINED = re.compile(r"['’ʼ`´]")


def searchable(text: str) -> str:
    """A name as a search compares it: its words in plain lower-case letters and digits, one space between them.

    `Łukasz O'Brien-Müller` is `lukasz obrien muller`. Empty for a text without a letter or a digit.
    """
    plain = _latin(unicodedata.normalize("NFKC", _JOINED.sub("", text))).casefold()
    # Once more: an okina and a soft sign are written as apostrophes in Latin, and part no word.
    return _APART.sub(" ", _JOINED.sub("", plain)).strip()


def _latin(text: str) -> str:
    """A text in letters of ASCII, however that is done."""
    if text.isascii():
        return text
    from anyascii import anyascii  # noqa: PLC0415 - most names need none

    return str(anyascii(text))


def skeleton(name: str) -> str:
    """What a name looks like: names that a reader cannot tell apart have one skeleton (UTS 39, section 4).

    Without case, accents and spaces. It is compared and never shown.
    """
    if name.isascii():  # as most are: a log of a million is read in some seconds
        return "".join(name.lower().translate(_ASCII_TABLE).split())
    # Capitals are looked at before their case goes: a Cyrillic Ve is a B, its small letter is like no Latin one.
    plain = "".join(map(_prototype, _bare(name))).casefold()
    return "".join("".join(map(_prototype, _bare(plain))).split())


def _bare(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def mixes_scripts(name: str) -> bool:
    """Whether one word of a name has letters of several scripts (UTS 39, section 5.1), as `Аna` with a Cyrillic A."""
    return not name.isascii() and any(len(_scripts(word)) > 1 for word in name.split())


# Scripts that are written together as a matter of course (UTS 39, table 1a).
_TOGETHER = ({"HAN", "HIRAGANA", "KATAKANA"}, {"HAN", "HANGUL"}, {"HAN", "BOPOMOFO"})


def _scripts(word: str) -> set[str]:
    found = {_tables().alias(each) for each in word if each.isalpha()} - {"COMMON", "INHERITED"}
    return {"ONE"} if any(found <= together for together in _TOGETHER) and found else found


@cache
def _tables() -> Any:
    """The tables of UTS 39, loaded when a name first needs them: that takes as long as a short command, and few do."""
    from confusable_homoglyphs import confusables  # noqa: PLC0415 - see above

    return confusables


@lru_cache(maxsize=4096)
def _prototype(character: str) -> str:
    """The small letters of ASCII that a character passes for, or itself."""
    if character.isascii():
        return _ASCII_TWINS.get(character.lower(), character.lower())
    for found in _tables().confusables_data.get(character, ()):
        # The list has Arabic twins between marks of direction, and an `ø` as an `o` with a stroke through it.
        twin = _bare(found["c"].strip("\u200e"))
        if twin.isascii():
            return "".join(_ASCII_TWINS.get(each, each) for each in twin.lower())
    return _FURTHER_TWINS.get(character, character)


# In most typefaces nobody tells these apart.
_ASCII_TWINS = {"0": "o", "1": "l", "i": "l", "|": "l", "m": "rn", "w": "vv", "`": "'"}
_ASCII_TABLE = str.maketrans(_ASCII_TWINS)
# What the list of UTS 39 takes for a letter like no other of the alphabet.
_FURTHER_TWINS = dict.fromkeys("ĸкκᴋ", "k")

__all__ = ["mixes_scripts", "searchable", "skeleton"]
