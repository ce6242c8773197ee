"""How hard a text is to read: Flesch-Kincaid for English, Fernández-Huerta for Spanish.

Own counters, because the packages that have these formulas fetch a dictionary from the network at first use. Checked
against the CMU dictionary when they were written: on these forms the grade differs by less than a quarter.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Vowels that are written and not said: a last e, the e of -ed and -es.
_SILENT = re.compile(r"(?<=[^aeiouy])e$|(?<=[^aeiouydt])ed$|(?<=[^aeiouysxzhgc])es$")


def sentences(paragraph: str) -> list[list[str]]:
    """The words of each sentence; what introduces a list is a sentence."""
    found = [_WORD.findall(each.lower()) for each in re.split(r"(?<=[.:])\s+", paragraph)]
    return [each for each in found if each]


def grade(paragraphs: list[str]) -> float:
    """Flesch-Kincaid: the school year in the United States that reads it without trouble."""
    words, length = _averages(paragraphs, _english)
    return 0.39 * length + 11.8 * words - 15.59


def facilidad(paragraphs: list[str]) -> float:
    """Fernández-Huerta: 60 to 70 is the seventh and eighth year, more is easier."""
    words, length = _averages(paragraphs, _spanish)
    return 206.84 - 60 * words - 1.02 * length


def _averages(paragraphs: list[str], syllables: Callable[[str], int]) -> tuple[float, float]:
    said = [each for paragraph in paragraphs for each in sentences(paragraph)]
    words = [word for each in said for word in each]
    return sum(syllables(word) for word in words) / len(words), len(words) / len(said)


def _english(word: str) -> int:
    return max(1, len(re.findall(r"[aeiouy]+", _SILENT.sub("", word) or word)))


def _spanish(word: str) -> int:
    sounded = re.sub(r"(?<=[gq])u(?=[eiéí])", "", word)
    parted = re.sub(r"([aeoáéóíú])(?=[aeoáéóíú])", r"\1-", sounded)  # two strong vowels are two syllables
    return max(1, len(re.findall(r"[aeiouáéíóúüy]+", parted)))
