"""Evidence for labels, as a reader meets it.

Owns what is kept of a document: each code once for each label, where it first stood. Refuses to keep anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from concord_formats.vocabulary import Information, Sensitivity

from .catalogue import Catalogue, Entry
from .proposal import Finding, Label, Proposal
from .systems import CodeSystem

# HL7 v3 Confidentiality: restricted, very restricted. Low to normal (U, L, M, N) say nothing.
_RESTRICTED = frozenset({"R", "V"})
_LONGEST_PATH = 500
_RXCUI = re.compile(r"[0-9]{1,8}", re.ASCII)

Place = Callable[[], str]


class Evidence:
    """Collects findings. `place` is called only for the first element of a kind."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._findings: dict[tuple[Label, CodeSystem, str], Finding] = {}
        self._met: set[tuple[CodeSystem, str]] = set()
        self._names_met: set[str] = set()
        self._restricted = False

    def code(self, system: CodeSystem, code: str, place: Place) -> None:
        """A code stands in the document."""
        code = code.strip()
        if (system, code) in self._met:
            return
        self._met.add((system, code))
        self._restricted |= system is CodeSystem.CONFIDENTIALITY and code in _RESTRICTED
        for entry in self._catalogue.entries(system, code):
            self._add(entry, code, place)

    def medication(self, name: str, code: str, place: Place) -> None:
        """The name of a product stands in the document: what is in it is read from its name."""
        if name in self._names_met:
            return
        self._names_met.add(name)
        for entry in self._catalogue.ingredients(name):
            self._add(entry, code if _RXCUI.fullmatch(code) else "", place)

    def proposal(self) -> Proposal:
        """What the evidence asks for; `general` when none of it is sensitive."""
        labels = {finding.label for finding in self._findings.values()}
        sensitivity = frozenset(label for label in labels if isinstance(label, Sensitivity))
        restricted = self._restricted and not sensitivity
        return Proposal(
            frozenset(label for label in labels if isinstance(label, Information)),
            sensitivity or frozenset(() if restricted else (Sensitivity.GENERAL,)),
            tuple(self._findings.values()),
            restricted=restricted,
        )

    def _add(self, entry: Entry, code: str, place: Place) -> None:
        key = (entry.label, entry.system, code or entry.display)
        if key not in self._findings:
            self._findings[key] = Finding(
                entry.label, entry.system.value, code, entry.display, entry.value_set, _shown(place())
            )


def _shown(path: str) -> str:
    """A path fit for a screen: its names are the document's, which may hold anything."""
    return "".join(character for character in path[:_LONGEST_PATH] if character.isprintable())


__all__ = ["Evidence", "Place"]
