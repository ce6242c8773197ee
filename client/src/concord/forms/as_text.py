"""A sheet as plain text, for a screen, a screen reader or a printer without PDF.

Owns the layout in lines of at most 78 characters. Refuses control characters by construction: what is filled in was
checked, and the texts hold none.
"""

from __future__ import annotations

import textwrap

from .blocks import Blank, Block, Display, Heading, Items, Mark, Paragraph, QrCode, Sheet

_WIDTH = 78
_MARKS = {Mark.BULLET: "- ", Mark.BOX: "[ ] "}


def as_text(sheet: Sheet) -> str:
    """The sheet, ending in a line feed."""
    head = [*_wrapped(sheet.title), "=" * min(len(sheet.title), _WIDTH), *_wrapped(sheet.subtitle)]
    parts = [
        "\n".join(each) for each in (head, *(_lines(block) for block in sheet.blocks), _wrapped(sheet.foot)) if each
    ]
    return "\n\n".join(parts) + "\n"


def _lines(block: Block) -> list[str]:
    match block:
        case Heading(text=text):
            return [text, "-" * min(len(text), _WIDTH)]
        case Paragraph(text):
            return _wrapped(text)
        case Items(items, mark):
            return [line for item in items for line in _item(item, _MARKS[mark])]
        case Blank(label, beside):
            return [line for each in (label, beside) if each for line in ("", "_" * _WIDTH, *_wrapped(each))]
        case Display(text) | QrCode(text):
            return [f"    {text}"]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_on_hyphens=False)


def _item(text: str, mark: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False)
