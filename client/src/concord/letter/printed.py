"""An opened letter on paper: one PDF with what goes before the document, and what can be printed of it.

Owns the sheet. Refuses to print a document without its notice: it opens the sheet and stands at the foot of every page
(42 CFR 2.32). Of a text it prints the text; of a FHIR or C-CDA document the summary, and it says so. A PDF is not taken
apart: nothing that came in a letter is rendered here, so that one is printed from its export.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

from ..documents import describe
from ..errors import FormError
from ..forms.blocks import Block, Heading, Paragraph, Sheet
from .open import OpenedLetter
from .showing import Row

# Some forty pages, which take seconds to lay out; more than that is for the chart.
MAX_PRINTED_BYTES = 128 * 1024
MAX_PRINTED_LINES = 2000
_TAB = "    "


def print_letter(opened: OpenedLetter, rows: list[Row], body: BinaryIO) -> bytes:
    """The letter as PDF on US Letter. `rows` are what goes before the document; `body` is the document, at its start.

    Raises `FormError` for a text that is too long, or that holds a character without a glyph; `DocumentError` for a
    document that is not of its media type.
    """
    from ..forms.as_pdf import as_pdf  # noqa: PLC0415 - fonts and shaping take a while to load

    lines = list(_document(opened, body))
    sheet = Sheet(
        language="en",
        title="Sealed letter",
        subtitle=f"Letter {opened.statement.letter}, sealed {opened.statement.sealed_at:%Y-%m-%d %H:%M %Z}",
        blocks=tuple(_blocks(rows, lines)),
        foot=opened.notice or "",
        page="Page {page} of {pages}",
    )
    try:
        return as_pdf(sheet, [*(("names", text) for _, text in rows), *(("document", line) for line in lines)])
    except FormError as error:
        raise FormError(error.field, "holds a character that the PDF's font does not have", _INSTEAD) from None


_INSTEAD = "Write it to a file with --output, and print that together with its notice."


def _blocks(rows: list[Row], lines: list[str]) -> Iterator[Block]:
    for heading, text in rows:
        if heading:
            yield Heading(heading)
        yield Paragraph(_drawn(text))
    yield Heading("Document")
    for line in lines:
        yield Paragraph(line)


def _document(opened: OpenedLetter, body: BinaryIO) -> Iterator[str]:
    about = opened.statement.body
    essence = about.type.partition(";")[0].strip().lower()
    if essence != "text/plain":
        yield from map(_drawn, describe(body, about.type).text.splitlines())
        yield "The document itself is not on this paper: it is printed from its own file."
        yield f"Its SHA-256 is {about.sha256}."
        return
    if about.size > MAX_PRINTED_BYTES:
        raise FormError("document", f"is longer than {MAX_PRINTED_BYTES} bytes", _INSTEAD)
    lines = [line for line in body.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if len(lines) > MAX_PRINTED_LINES:
        raise FormError("document", f"has more than {MAX_PRINTED_LINES} lines", _INSTEAD)
    yield from map(_drawn, lines)


def _drawn(text: str) -> str:
    """What can be seen of a line; a control or an invisible character shows as one that was replaced."""
    shown = unicodedata.normalize("NFC", text.replace("\t", _TAB))
    return "".join(each if each.isprintable() else "�" for each in shown)


__all__ = ["MAX_PRINTED_BYTES", "MAX_PRINTED_LINES", "print_letter"]
