"""The value sets: which codes ask for which label.

Owns the reading of `value_sets/*.json` and the look-up of one code. Refuses to reason: there is no hierarchy behind a
code (SNOMED CT's is not shipped), so a code stands in a set by itself. ICD-10-CM alone goes by prefix: `F10-F16` are
the categories and all below them, `O9931` all below O99.31, `T40??1` any two characters in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from concord_formats.vocabulary import Information, Sensitivity

from .proposal import Label
from .systems import CodeSystem

_ICD = re.compile(r"[A-Z][0-9][0-9A-Z]\.?[0-9A-Z]{0,4}", re.ASCII)
_RANGE = re.compile(r"([A-Z])([0-9]{2})-\1([0-9]{2})", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """A code of a value set, by the label it asks for."""

    label: Label
    system: CodeSystem
    display: str
    value_set: str


class Catalogue:
    """All value sets, by code."""

    def __init__(self, documents: Iterator[Mapping[str, Any]]) -> None:
        self._exact: dict[tuple[CodeSystem, str], list[Entry]] = {}
        self._patterns: list[tuple[re.Pattern[str], Entry]] = []
        self._ingredients: dict[str, list[Entry]] = {}
        for each in (value_set for document in documents for value_set in document["sets"]):
            label, system, title = _label(each["label"]), CodeSystem(each["system"]), each["title"]
            for code, display in each["codes"].items():
                self._add(code, Entry(label, system, display, title))
            for name in each.get("ingredients", ()):
                self._ingredients.setdefault(name, []).append(Entry(label, system, name, title))
        names = "|".join(map(re.escape, sorted(self._ingredients))) or "(?!)"
        self._names = re.compile(rf"\b(?:{names})\b", re.ASCII | re.IGNORECASE)

    def entries(self, system: CodeSystem, code: str) -> tuple[Entry, ...]:
        """Every entry for this code; in ICD-10-CM, one for each label, that of the longest prefix."""
        if system is not CodeSystem.ICD_10_CM:
            return tuple(self._exact.get((system, code), ()))
        if not _ICD.fullmatch(code.upper()):
            return ()
        bare = code.upper().replace(".", "")
        found: dict[Label, Entry] = {}
        for length in range(3, len(bare) + 1):
            found.update({entry.label: entry for entry in self._exact.get((system, bare[:length]), ())})
        found.update({entry.label: entry for pattern, entry in self._patterns if pattern.match(bare)})
        return tuple(found.values())

    def ingredients(self, text: str) -> tuple[Entry, ...]:
        """The RxNorm ingredients whose names stand in the name of a product."""
        names = {match.group().lower() for match in self._names.finditer(text)}
        return tuple(entry for name in sorted(names) for entry in self._ingredients[name])

    def _add(self, code: str, entry: Entry) -> None:
        if entry.system is not CodeSystem.ICD_10_CM:
            self._exact.setdefault((entry.system, code), []).append(entry)
        elif "?" in code:
            self._patterns.append((re.compile(code.replace("?", "."), re.ASCII), entry))
        else:
            for prefix in _prefixes(code):
                self._exact.setdefault((entry.system, prefix), []).append(entry)


def _prefixes(code: str) -> Iterator[str]:
    """The prefixes that `code` stands for: `F10-F16` are seven."""
    ends = _RANGE.fullmatch(code)
    if ends is None:
        yield code
        return
    letter, first, last = ends.groups()
    yield from (f"{letter}{number:02}" for number in range(int(first), int(last) + 1))


def _label(word: str) -> Label:
    return Information(word) if word in set(Information) else Sensitivity(word)


def value_sets() -> Iterator[Mapping[str, Any]]:
    """The data files, as they are shipped."""
    for file in sorted(files(__package__).joinpath("value_sets").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".json"):
            yield json.loads(file.read_text("utf-8"))


@cache
def catalogue() -> Catalogue:
    """The value sets that are shipped, read once."""
    return Catalogue(value_sets())


__all__ = ["Catalogue", "Entry", "catalogue", "value_sets"]
