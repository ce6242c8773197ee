"""A sheet as PDF on US Letter, for ink.

Owns the layout: eleven points and more, no paragraph broken over two pages, a foot with the reference and the page's
number, a title and a language for a screen reader. Refuses a character that its font has no glyph for, instead of
printing a box where a part of a name should be. The same sheet gives the same bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from itertools import takewhile
from typing import cast

import segno
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, TextMode, XPos, YPos
from fpdf.fonts import TTFFont

from ..errors import FormError
from .blocks import Blank, Block, Display, Heading, Items, Mark, Paragraph, QrCode, Sheet
from .filled import tidy

_FONT = "DejaVuSans"  # 2.37, unmodified; its licence stands beside it
_LOCALES = {"en": "en-US", "es": "es-US"}
# A printed form has no time of its making, which would differ at each printing: the record has it.
_MADE = datetime(2026, 1, 1, tzinfo=UTC)
# fpdf2 2.8 takes these two for text that runs from left to right and so turns an Arabic name around. A narrow space
# parts the letters as the non-joiner does; for the joiner there is nothing as good, and it is refused.
_NON_JOINER, _IN_ITS_PLACE, _JOINER = "\u200c", "\u202f", "\u200d"
# Stands for the number of pages until it is known. Zero-width spaces, which no filled-in text may hold: a patient whose
# name is "{nb}" keeps it.
_PAGES = "\u200bnb\u200b"
_MARGIN = 20.0  # millimetres, as every length here
_LINE = 5.4
_GAP = 1.6
_INDENT = 6.0
_RULE = 13.0  # above a line to sign on: room for a hand
# A QR code's side: modules of a millimetre and less, which every telephone reads at arm's length.
_QR_SIDE = 46.0
# ISO/IEC 18004, section 6.3.8: four modules of white around it, or a camera does not find it.
_QUIET_MODULES = 4
_WIDER = 0.72  # the share of the width for a signature, beside its date
# Points: text that an older patient can read, and the foot.
_TEXT, _HEADING, _TITLE, _CODE, _FOOT = 11.0, 12.5, 16.0, 18.0, 9.0


def as_pdf(sheet: Sheet, filled: Iterable[tuple[str, str | None]]) -> bytes:
    """The sheet. `filled` are the texts that the practice wrote in, each under its field's name.

    Raises `FormError` for the field that holds a character without a glyph.
    """
    paper = _Paper(sheet)
    paper.check_glyphs(filled)
    paper.add_page()
    paper.opening()
    for at, block in enumerate(sheet.blocks):
        paper.keep_together(_held_together(sheet.blocks[at:]))
        paper.print_block(block)
    return bytes(paper.output())


def _held_together(blocks: Sequence[Block]) -> list[Block]:
    """What may not be parted from the first block by a page's end: what a heading opens, what an introduction lists."""
    first, *rest = blocks
    if isinstance(first, Heading) and first.whole:
        return [first, *takewhile(lambda block: not isinstance(block, Heading), rest)]
    opens = isinstance(first, Heading) or (isinstance(first, Paragraph) and bool(rest) and isinstance(rest[0], Items))
    return [first, *(_held_together(rest) if opens and rest else [])]


class _Paper(FPDF):
    def __init__(self, sheet: Sheet) -> None:
        super().__init__(format="letter")
        self.sheet = sheet
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=_MARGIN)
        self.alias_nb_pages(_PAGES)
        self.set_title(sheet.title)
        self.set_lang(_LOCALES[sheet.language])
        self.set_creation_date(_MADE)
        font = resources.files(__package__) / "fonts" / f"{_FONT}.ttf"
        with resources.as_file(font) as path:
            self.add_font(_FONT, fname=path)
        self.set_font(_FONT, size=_TEXT)

    def check_glyphs(self, filled: Iterable[tuple[str, str | None]]) -> None:
        glyphs = cast(TTFFont, self.fonts[_FONT.lower()]).cmap
        for field, text in filled:
            if text is not None and any(ord(each) not in glyphs or each == _JOINER for each in tidy(text)):
                raise FormError(
                    field,
                    "holds a character that the PDF's font does not have",
                    "Print the form as text, or write this field in Latin letters.",
                )

    def footer(self) -> None:
        self.set_y(-_MARGIN + 5)
        self.set_font(_FONT, size=_FOOT)
        number = self.sheet.page.format(page=self.page_no(), pages=_PAGES)
        self.cell(0, _LINE, self.sheet.foot)
        self.set_x(self.l_margin)
        self.cell(0, _LINE, number, align=Align.R)
        self.set_font(_FONT, size=_TEXT)

    def opening(self) -> None:
        self._bold(self.sheet.title, _TITLE)
        self._write(self.sheet.subtitle)

    def keep_together(self, blocks: Sequence[Block]) -> None:
        first = blocks[0]
        whole = isinstance(first, Heading) and first.whole
        if self.will_page_break(sum(self._height(block, whole) for block in blocks)):
            self.add_page()

    def print_block(self, block: Block) -> None:
        match block:
            case Heading(text=text):
                self.ln(_GAP)
                self._bold(text, _HEADING)
            case Paragraph(text):
                self._write(text)
            case Items(items, mark):
                for item in items:
                    self._item(item, mark)
                self.ln(_GAP)
            case Blank(label, beside):
                self.ln(_RULE)
                self._blank(label, beside)
            case Display(text):
                self._bold(text, _CODE)
            case QrCode(text):
                self._qr_code(text)

    def _write(self, text: str, indent: float = 0.0) -> None:
        drawn = text.replace(_NON_JOINER, _IN_ITS_PLACE)
        with self._shaping(drawn):
            self.set_x(self.l_margin + indent)
            self.multi_cell(0, _LINE, drawn, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(0 if indent else _GAP)

    def _item(self, text: str, mark: Mark) -> None:
        self.keep_together([Items((text,))])
        self.set_x(self.l_margin)
        self.cell(_INDENT, _LINE, mark.value)
        self._write(text, _INDENT)

    def _blank(self, label: str, beside: str) -> None:
        top, width = self.get_y(), _WIDER * self.epw if beside else self.epw
        self._rule(self.l_margin, width, label)
        below = self.get_y()
        if beside:
            self.set_y(top)
            self._rule(self.l_margin + width, self.epw - width, beside)
        self.set_y(max(below, self.get_y()) + _GAP)

    def _rule(self, left: float, width: float, label: str) -> None:
        self.line(left + self.c_margin, self.get_y(), left + width - self.c_margin, self.get_y())
        self.set_x(left)
        self.multi_cell(width, _LINE, label, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _qr_code(self, text: str) -> None:
        """Black rectangles, one for each run of black modules in a row."""
        # Level M mends 15 of 100: a fold or a stain.
        rows = [bytes(row) for row in segno.make_qr(text, error="m").matrix]
        module = _QR_SIDE / len(rows)
        top, left = self.get_y() + _QUIET_MODULES * module, self.l_margin + _QUIET_MODULES * module
        self.set_fill_color(0)
        for down, row in enumerate(rows):
            for start, length in _runs(row):
                self.rect(left + start * module, top + down * module, length * module, module, style="F")
        self.set_y(top + _QR_SIDE + _QUIET_MODULES * module)

    def _bold(self, text: str, size: float) -> None:
        """Heavier strokes of the one font: a second one would double what is shipped."""
        with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=0.25):
            self.set_font(_FONT, size=size)
            self.multi_cell(0, size * 0.5, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(_FONT, size=_TEXT)
        self.ln(_GAP)

    def _height(self, block: Block, whole: bool) -> float:
        """How much room a block takes, at most; of a list its first item, unless `whole`: others go over the page."""
        match block:
            case Heading() | Display():
                return 2.5 * _LINE
            case QrCode():
                return 1.5 * _QR_SIDE
            case Paragraph(text):
                return self._text_height(text, 0.0)
            case Items(items):
                return sum(self._text_height(item, _INDENT) for item in (items if whole else items[:1]))
            case Blank(label, beside):
                return _RULE + max(
                    self._text_height(label, (1 - _WIDER) * self.epw if beside else 0.0),
                    self._text_height(beside, _WIDER * self.epw),
                )

    def _text_height(self, text: str, indent: float) -> float:
        with self._shaping(text):
            height = self.multi_cell(self.epw - indent, _LINE, text, dry_run=True, output=MethodReturnValue.HEIGHT)
        return cast(float, height) + _GAP

    @contextmanager
    def _shaping(self, text: str) -> Iterator[None]:
        """HarfBuzz only where letters join, stack or run from right to left; elsewhere it would change nothing."""
        self.set_text_shaping(any(_needs_shaping(each) for each in text))
        try:
            yield
        finally:
            self.set_text_shaping(False)


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Where each run of ones begins, and how long it is."""
    for black in re.finditer(rb"\x01+", row):
        yield black.start(), len(black.group())


def _needs_shaping(character: str) -> bool:
    return unicodedata.bidirectional(character) in {"R", "AL", "AN"} or unicodedata.category(character)[0] == "M"
