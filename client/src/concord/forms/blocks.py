"""What a printed sheet is made of, before anybody decides between paper and screen.

Owns the pieces (headings, paragraphs, lists, lines to write on) and the sheet that they make. Refuses to know what they
say and how they look: `compose`, `code_sheet` and `recovery.kit` fill them, `as_text` and `as_pdf` render them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """What stands before each item of a list; DejaVu Sans has both."""

    BULLET = "•"
    BOX = "☐"  # to be marked by hand


@dataclass(frozen=True)
class Heading:
    """Opens a section; never stands alone at the foot of a page. `whole`: nor is any of its section parted from it."""

    text: str
    whole: bool = False


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; never broken over two pages."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list: agreed terms behind a bullet, choices behind a box."""

    items: tuple[str, ...]
    mark: Mark = Mark.BULLET


@dataclass(frozen=True)
class Blank:
    """A line to write on, with what belongs there printed below; `beside` is for a second, shorter one at its right."""

    label: str
    beside: str = ""


@dataclass(frozen=True)
class Display:
    """A text to be copied by hand, large and alone on its line."""

    text: str


@dataclass(frozen=True)
class QrCode:
    """A text for a camera, as a QR code (ISO/IEC 18004); a sheet in plain text has the text itself."""

    text: str


Block = Heading | Paragraph | Items | Blank | Display | QrCode


@dataclass(frozen=True)
class Sheet:
    """A document for ink. `foot` stands on every page, before the page's number; `page` has {page}, {pages}."""

    language: str
    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    foot: str
    page: str
