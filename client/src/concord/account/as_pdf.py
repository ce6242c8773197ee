"""An account as PDF, for a patient who asked for it: US Letter, lying.

Owns the layout. Refuses to drop a line for a character that its font lacks: the character is shown as U+FFFD, and the
sheet says so. The patient's name is on the paper, and not in the file's properties.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from importlib import resources
from typing import cast

from fpdf import FPDF
from fpdf.enums import Align, VAlign, XPos, YPos
from fpdf.fonts import FontFace, TTFFont

from .entries import Entry
from .sheet import AccountSheet
from .wording import Wording, wording

_FONT = "DejaVuSans"  # the one that consent forms are printed in
_LOCALES = {"en": "en-US", "es": "es-US"}
_MARGIN = 14.0  # millimetres, as every length here
_LINE = 4.2
_GAP = 2.0
_TITLE, _TEXT, _CELL, _FOOT = 16.0, 10.0, 8.0, 8.0  # points
_COLUMNS = {"date": 20, "event": 40, "sender": 34, "recipient": 34, "what": 66, "why": 32, "consent": 26}
_HEADING = FontFace(emphasis="", fill_color=(228, 228, 228))
# Beside the words, never instead of them: colour alone tells nothing to many readers.
_FLAGGED = FontFace(fill_color=(255, 238, 200))
_PAGES = "\u200bnb\u200b"  # stands for the number of pages; no name holds a zero-width space, for they are cleaned
_UNPRINTABLE = "\ufffd"


def as_pdf(sheet: AccountSheet) -> bytes:
    """The account, by date."""
    paper = _Paper(sheet)
    paper.add_page()
    paper.opening()
    if sheet.entries:
        paper.lines()
    paper.closing()
    return bytes(paper.output())


class _Paper(FPDF):
    def __init__(self, sheet: AccountSheet) -> None:
        super().__init__(orientation="landscape", format="letter")
        self.sheet = sheet
        self.words: Wording = wording(sheet.language)
        self.left_out = False
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=_MARGIN + 2)
        self.alias_nb_pages(_PAGES)
        self.set_title(self.words.say("sheet", "title"))
        self.set_lang(_LOCALES[sheet.language])
        self.set_creation_date(sheet.made_at)
        with resources.as_file(resources.files("concord.forms") / "fonts" / f"{_FONT}.ttf") as path:
            self.add_font(_FONT, fname=path)
        self.set_font(_FONT, size=_TEXT)
        self.glyphs = cast(TTFFont, self.fonts[_FONT.lower()]).cmap
        self.set_text_shaping(any(map(_joins_or_turns, _names(sheet))))

    def footer(self) -> None:
        self.set_y(-_MARGIN + 2)
        self.set_font(_FONT, size=_FOOT)
        self.cell(0, _LINE, self._shown(self.sheet.account.patient))
        self.set_x(self.l_margin)
        number = self.words.say("sheet", "page").format(page=self.page_no(), pages=_PAGES)
        self.cell(0, _LINE, number, align=Align.R)
        self.set_font(_FONT, size=_TEXT)

    def opening(self) -> None:
        self.set_font(_FONT, size=_TITLE)
        self._paragraph(self.words.say("sheet", "title"))
        self.set_font(_FONT, size=_TEXT)
        for text in self._about():
            self._paragraph(text)

    def lines(self) -> None:
        self.set_font(_FONT, size=_CELL)
        widths = tuple(_COLUMNS.values())
        with self.table(
            col_widths=widths, line_height=_LINE, padding=0.8, headings_style=_HEADING, v_align=VAlign.T
        ) as table:
            table.row([self.words.say("column", column) for column in _COLUMNS])
            for entry in self.sheet.entries:
                flag = _FLAGGED if entry.event.emergency else None
                row = table.row(style=flag)
                for text in self._cells(entry):
                    row.cell(self._shown(text), align=Align.L)
        self.set_font(_FONT, size=_TEXT)
        self.ln(_GAP)

    def closing(self) -> None:
        words = self.words
        account = self.sheet.account
        if self.left_out:
            self._paragraph(words.say("sheet", "missing"))
        if self.sheet.entries:
            self._paragraph(words.say("sheet", "addresses"))
        self._paragraph(words.say("sheet", "verified").format(size=account.checkpoint.size, key=account.key))
        self._paragraph(words.say("sheet", "law"))

    def _about(self) -> Iterable[str]:
        say, account, name = self.words.say, self.sheet.account, self.sheet.patient_name
        whom = say("sheet", "named" if name else "unnamed").format(name=name, token=account.patient)
        yield say("sheet", "patient").format(patient=whom)
        counted = {"shown": len(self.sheet.entries), "last": len(account.lines)}
        yield say("sheet", "printed").format(day=f"{self.sheet.made_at:%Y-%m-%d %H:%M}", **counted)
        if self.sheet.blinded:
            yield say("sheet", "blinded").format(blinded=len(self.sheet.blinded))
        if not account.lines:
            yield say("sheet", "none")

    def _cells(self, entry: Entry) -> list[str]:
        words, event = self.words, entry.event
        # The last group of the id: the reference that stands on the patient's own copy of the form.
        reference = str(event.consent)[-12:]
        consent = words.say("consent", "version").format(reference=reference, version=event.consent_version)
        happened = ". ".join([words.say("event", event.kind), *words.remarks(entry)])
        day = f"{event.at:%Y-%m-%d %H:%M}"
        return [day, happened, entry.sender.whole, entry.recipient.whole, words.what(event), words.why(event), consent]

    def _paragraph(self, text: str) -> None:
        height = self.font_size * 1.35
        self.multi_cell(0, height, self._shown(text), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(_GAP)

    def _shown(self, text: str) -> str:
        """Only what the font can draw, on one line."""
        shown = "".join(each if each.isprintable() and ord(each) in self.glyphs else _UNPRINTABLE for each in text)
        self.left_out = self.left_out or shown != text
        return shown


def _names(sheet: AccountSheet) -> str:
    people = (each for entry in sheet.entries for each in (entry.sender, entry.recipient, entry.on_behalf_of) if each)
    teams = (entry.team or "" for entry in sheet.entries)
    return "".join([sheet.patient_name or "", *(person.whole for person in people), *teams])


def _joins_or_turns(character: str) -> bool:
    """Letters that join, stack or run from right to left need HarfBuzz; for all others it only takes time."""
    return unicodedata.bidirectional(character) in {"R", "AL", "AN"} or unicodedata.category(character)[0] == "M"


__all__ = ["as_pdf"]
