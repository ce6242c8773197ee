"""Plain text in UTF-8.

Owns the recognition of text. Refuses other bytes, so that a binary file is never sent as text by mistake.
"""

from __future__ import annotations

import codecs

from ..errors import DocumentError
from .content import Content
from .summary import DocumentSummary


def check(content: Content) -> None:
    """Raises `DocumentError` unless all of it is text in UTF-8."""
    if content.size == 0:
        raise DocumentError("it is empty", "document")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in content.pieces():
            if b"\0" in piece:
                raise DocumentError("it is neither FHIR, C-CDA nor PDF, and not text either")
            decoder.decode(piece)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        raise DocumentError("it is neither FHIR, C-CDA nor PDF, and not text in UTF-8 either") from None


def describe(content: Content) -> DocumentSummary:
    """Its size; text is shown, not summarised. Raises `DocumentError`."""
    check(content)
    return DocumentSummary("text/plain", "Text", content.size)


__all__ = ["check", "describe"]
