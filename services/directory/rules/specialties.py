"""Specialties by plain words: which codes of the NUCC taxonomy `addiction medicine` or `psychologists` means.

Owns how words are read against the code list. Refuses to find a specialty in a word that is only a part of a name of
one: `child` alone may be somebody's name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from concord_formats.names import searchable
from rapidfuzz import process
from rapidfuzz.distance import OSA

from .people import is_taxonomy
from .plain_words import PLAIN, stem, stems
from .specialty_codes import CODES

# Longer than any name of a specialty that somebody types.
MAX_RUN = 5
# A word of a specialty is taken with one wrong letter in seven.
_TYPED_WORD = 8
_LETTERS_A_TYPO = 7
# Of a name of a specialty these say nothing.
_SAYS_NOTHING = frozenset(map(stem, ("physician", "clinic", "center", "provider", "specialist", "doctor")))


@dataclass(frozen=True)
class SpecialtyName:
    """A code of the NUCC taxonomy, and what it is called."""

    code: str
    name: str


@dataclass(frozen=True)
class Run:
    """Words of a question, from `start` until before `end`, that name these codes."""

    start: int
    end: int
    codes: frozenset[str]


@dataclass
class CodeList:
    """Every code that is known here, and the words that find it."""

    names: dict[str, str] = field(default_factory=dict)
    _with: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _headed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, imported: Iterable[tuple[str, str, str]] = ()) -> CodeList:
        """The built-in codes, and those of an imported list: code, display name, all its words."""
        made = cls()
        for code, name in CODES.items():
            made._add(code, name, name)
        for code, name, words in imported:
            made._add(code, name, words)
        return made

    def _add(self, code: str, name: str, words: str) -> None:
        self.names[code] = name
        for each in (*stems(name), *stems(words)):
            self._with[each].add(code)
        # What comes last says what somebody is: a Family Psychologist is a psychologist.
        before, _, _ = name.partition(" (")
        heads = [each for part in (before, name) for each in stems(part) if each not in _SAYS_NOTHING][-1:]
        first = [each for each in stems(before) if each not in _SAYS_NOTHING][-1:]
        for head in (*heads, *first):
            self._headed[head].add(code)

    def name(self, code: str) -> SpecialtyName:
        """A code with its name, which is the code itself where nobody knows it."""
        return SpecialtyName(code, self.names.get(code, code))

    def meant(self, text: str) -> frozenset[str]:
        """The codes that a text means, as a whole: a code, or words. Empty for one that means none."""
        if is_taxonomy(code := text.strip().upper()):
            return frozenset((code,))
        words = searchable(text).split()
        return self._named(words) or self._mistyped(words) or self._with_all(stems(text))

    def run(self, words: list[str]) -> Run | None:
        """The longest run of words that names a specialty, the first of several; None where no word does."""
        for length in range(min(MAX_RUN, len(words)), 0, -1):
            for start in range(len(words) - length + 1):
                some = words[start : start + length]
                if codes := self._named(some) or self._mistyped(some):
                    return Run(start, start + length, codes)
        return None

    def _named(self, words: list[str]) -> frozenset[str]:
        """The codes that a run of words names, all of it."""
        key = stems(" ".join(words))
        if beginnings := PLAIN.get(key):
            return frozenset(code for code in self.names if code.startswith(beginnings))
        if len(key) < 2:
            return frozenset(self._headed.get(key[0], ())) if key and self._is_whole(key[0]) else frozenset()
        heads = set[str]().union(*(self._headed.get(each, set()) for each in key))
        return self._with_all(key) & heads

    def _with_all(self, key: tuple[str, ...]) -> frozenset[str]:
        """The codes whose names have all of these words."""
        found = [self._with.get(each, set()) for each in key]
        return frozenset(set.intersection(*found)) if found else frozenset()

    def _is_whole(self, only: str) -> bool:
        """Whether one word is the whole name of a specialty."""
        return any(
            [each for each in stems(self.names[code]) if each not in _SAYS_NOTHING] == [only]
            for code in self._headed.get(only, ())
        )

    def _mistyped(self, words: list[str]) -> frozenset[str]:
        """What one long word names that has a letter wrong."""
        if len(words) != 1 or len(words[0]) < _TYPED_WORD:
            return frozenset()
        typed, most = stem(words[0]), len(words[0]) // _LETTERS_A_TYPO
        single = [key[0] for key in PLAIN if len(key) == 1]
        best = process.extractOne(typed, single, scorer=OSA.distance, score_cutoff=most)
        return self._named([best[0]]) if best else frozenset()


__all__ = ["MAX_RUN", "CodeList", "Run", "SpecialtyName"]
