"""Documents: what a body is, whether it is sound, and what to show of it.

Owns the four kinds that Concord knows: FHIR R4 document Bundle, C-CDA, PDF, plain text. Refuses to send anything else,
and to repair: a document is sealed byte for byte as it came, or not at all. Nothing here is run, rendered or fetched.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..errors import DocumentError
from . import cda, fhir, pdf, text
from .content import Content, reading
from .summary import DocumentSummary

FHIR_JSON = "application/fhir+json"
# C-CDA has no media type of its own; this is what DocumentReference and XDS use for it.
CDA_XML = "text/xml"
PDF = "application/pdf"
PLAIN_TEXT = "text/plain; charset=utf-8"

_DESCRIBE: dict[str, Callable[[Content], DocumentSummary]] = {
    "application/fhir+json": fhir.describe,
    "application/json": fhir.describe,
    "text/xml": cda.describe,
    "application/xml": cda.describe,
    "application/pdf": pdf.describe,
    "text/plain": text.describe,
}


def check(body: Path | BinaryIO) -> str:
    """Recognise a document and check it before it is sealed; its media type.

    A stream must be seekable and is left at its start. FHIR is validated against the R4 (4.3) models, element by
    element. Raises `DocumentError` that names the element, never its value.
    """
    with reading(body) as content:
        start = content.start()
        if start.startswith(b"%PDF-"):
            pdf.check(content)
            return PDF
        if start.startswith(b"{"):
            fhir.check(content)
            return FHIR_JSON
        if start.startswith(b"<"):
            cda.describe(content)
            return CDA_XML
        text.check(content)
        return PLAIN_TEXT


def describe(body: Path | BinaryIO, media_type: str) -> DocumentSummary:
    """What to show of a document on its reader's own screen. A stream must be seekable and is left at its start.

    Raises `DocumentError` when it is not of that type; an unknown type is described by its size alone.
    """
    essence = media_type.partition(";")[0].strip().lower()
    with reading(body) as content:
        known = _DESCRIBE.get(essence)
        return known(content) if known else DocumentSummary(media_type, "Document of another kind", content.size)


__all__ = ["CDA_XML", "FHIR_JSON", "PDF", "PLAIN_TEXT", "DocumentError", "DocumentSummary", "check", "describe"]
