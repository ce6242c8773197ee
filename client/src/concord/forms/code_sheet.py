"""The sheet with the code of the patient's own page, printed at signing.

Owns what it says. Refuses an address that holds the code or any other secret place for it: a code in an address ends up
in histories, logs and referrers. The patient's name is not on it; whoever finds it learns of no one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from concord_formats.plain_words import LANGUAGES

from ..errors import FormError
from .as_text import as_text
from .blocks import Block, Display, Heading, Items, Paragraph, Sheet
from .compose import place
from .filled import check_all
from .form import Practice
from .texts import Texts, texts

# Crockford's base32 and its five further check symbols, in groups.
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z*~$=U]{2,12}(-[0-9A-HJKMNP-TV-Z*~$=U]{1,12}){1,12}")
_ADDRESS_LIMIT = 120  # it is typed by hand


class CodeSheet(NamedTuple):
    """The same sheet twice."""

    text: str
    pdf: bytes


def render_code_sheet(code: str, language: str, practice: Practice, page_address: str) -> CodeSheet:
    """The sheet for one code, as text and as PDF. Raises `FormError`; no message holds the code."""
    from .as_pdf import as_pdf  # noqa: PLC0415 - fonts and shaping take a while to load

    if language not in LANGUAGES:
        raise FormError("language", f"there is no sheet in this language; there are {', '.join(LANGUAGES)}")
    if not _CODE.fullmatch(code):
        raise FormError("code", "is not a patient's code")
    check_all(practice.written())
    _check_address(page_address, code)
    say = texts(language)
    sheet = Sheet(
        language=language,
        title=say.say("sheet", "title"),
        subtitle=say.say("sheet", "lead"),
        blocks=tuple(_blocks(code, practice, page_address, say)),
        foot="",
        page=say.tables["foot"]["page"],
    )
    return CodeSheet(as_text(sheet), as_pdf(sheet, (*practice.written(), ("page_address", page_address))))


def _check_address(address: str, code: str) -> None:
    parts = urlsplit(address) if address.isascii() and address.isprintable() else urlsplit("")
    local = (parts.scheme, parts.hostname) == ("http", "127.0.0.1")  # somebody who tries Concord on their own machine
    if (parts.scheme != "https" and not local) or not parts.hostname or parts.username or " " in address:
        raise FormError("page_address", "is not a web address that begins with https://")
    if len(address) > _ADDRESS_LIMIT:
        raise FormError("page_address", f"is longer than {_ADDRESS_LIMIT} characters; it is typed by hand")
    if parts.query or parts.fragment or _letters(code) in _letters(address):
        raise FormError("page_address", "may hold no code: addresses end up in histories and logs")


def _letters(text: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", text.upper())


def _blocks(code: str, practice: Practice, address: str, say: Texts) -> Iterable[Block]:
    yield Heading(say.say("sheet", "code"))
    yield Display(code)
    for heading, keys in (
        ("what", ("see", "account", "cancel-permission", "scope")),
        ("how", ("step-address", "step-type", "step-leave")),
        ("care", ("secret", "no-ask")),
    ):
        yield Heading(say.say("sheet", heading))
        yield Items(tuple(say.say("sheet", key, address=address) for key in keys))
    yield Heading(say.say("sheet", "lost"))
    yield Paragraph(say.say("sheet", "lost-page"))
    yield Paragraph(say.say("sheet", "lost-practice"))
    yield place(practice, say)
    yield Paragraph(say.say("sheet", "permissions"))
