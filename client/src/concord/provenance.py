"""Which documents went under the labels of 42 CFR Part 2 on this device.

Owns a sealed index of their SHA-256 digests, so that a document that came with such a label is not sent on without it
in silence: Part 2 is provenance, and no code in a document tells it. Refuses documents themselves, and guessing: a
document that was changed or exported anew has another digest and is not known again.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from concord_formats.vocabulary import PART_2_LABELS, Sensitivity

from .letter import Statement
from .store import SealedStore

_DOCUMENT = "part-2-documents"


@dataclass(frozen=True)
class Known:
    """Under which labels a document went, and with which letter it did so last."""

    labels: frozenset[Sensitivity]
    letter: UUID


class Provenance:
    """The index in the sealed store: one entry a document, never taken away."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store

    def note(self, statement: Statement) -> None:
        """Keep the digest of a letter's document, if the letter carries a label of Part 2."""
        labels = statement.sensitivity & PART_2_LABELS
        if not labels:
            return
        with self._store.changing(_DOCUMENT) as index:
            before = index.get(statement.body.sha256, {}).get("labels", [])
            index[statement.body.sha256] = {"labels": sorted({*before, *labels}), "letter": str(statement.letter)}

    def find(self, sha256: str) -> Known | None:
        """What is known of a document by its digest, or None."""
        entry = (self._store.read(_DOCUMENT) or {}).get(sha256)
        return entry and Known(frozenset(map(Sensitivity, entry["labels"])), UUID(entry["letter"]))


__all__ = ["Known", "Provenance"]
