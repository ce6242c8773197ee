"""Reading a document for its labels.

Owns the choice of reader by media type. Refuses to guess from words: a PDF or a text is not read at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..documents.content import Content, reading
from . import cda, fhir
from .catalogue import catalogue
from .evidence import Evidence
from .proposal import Proposal

_GATHER: dict[str, Callable[[Content, Evidence], None]] = {
    "application/fhir+json": fhir.gather,
    "application/json": fhir.gather,
    "text/xml": cda.gather,
    "application/xml": cda.gather,
}


def propose(content: Path | BinaryIO, media_type: str) -> Proposal:
    """The least labels that a letter with this document carries, with the codes that say so.

    A stream must be seekable and is left at its start. Raises `DocumentError` when it is not of that media type.
    """
    gather = _GATHER.get(media_type.partition(";")[0].strip().lower())
    if gather is None:
        return Proposal(readable=False)
    evidence = Evidence(catalogue())
    with reading(content) as source:
        gather(source, evidence)
    return evidence.proposal()


__all__ = ["propose"]
