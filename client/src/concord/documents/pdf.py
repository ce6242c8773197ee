"""PDF documents.

Owns the recognition of a whole file. Refuses to parse one: a PDF is shown by the reader's own viewer, in its sandbox.
Source: ISO 32000-2, 7.5.2 (header) and 7.5.5 (end-of-file marker).
"""

from __future__ import annotations

from ..errors import DocumentError
from .content import Content
from .summary import DocumentSummary


def check(content: Content) -> None:
    """Raises `DocumentError` unless header and end-of-file marker are there: a download cut short is refused."""
    if not content.start().startswith(b"%PDF-"):
        raise DocumentError("it is not a PDF file")
    if b"%%EOF" not in content.end():
        raise DocumentError("the PDF file is cut short")


def describe(content: Content) -> DocumentSummary:
    """Its size. Raises `DocumentError`."""
    check(content)
    return DocumentSummary("application/pdf", "PDF document", content.size)


__all__ = ["check", "describe"]
