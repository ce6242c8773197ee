"""The form for ink: US Letter, numbered pages, the same bytes each time, and what it says is what the text says."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from concord.forms import Form, days_of, render_pdf, render_text
from concord.forms.blocks import Blank, Block, Heading, Items
from concord.forms.compose import compose
from concord_formats.vocabulary import ConsentType, Information, Sensitivity
from hypothesis import given, settings
from pypdf import PdfReader

from tests.unit.client.forms.made import EACH_FORM, flat, form, forms, said_in, topics

DENVER = ZoneInfo("America/Denver")


def whole(type_: ConsentType, language: str) -> bytes:
    """The longest form of a type: every kind and every topic."""
    own = form(type_).sensitivity
    return render_pdf(form(type_, language, information=frozenset(Information), sensitivity=own | topics(type_)))


def test_the_same_form_gives_the_same_bytes() -> None:
    assert render_pdf(form()) == render_pdf(form())
    assert render_pdf(form()) != render_pdf(replace(form(), version=3))


@pytest.mark.parametrize(("type_", "language"), EACH_FORM)
def test_a_form_is_letter_sized_numbered_and_named(type_: ConsentType, language: str) -> None:
    pdf = PdfReader(io.BytesIO(whole(type_, language)))
    assert 2 <= len(pdf.pages) <= 4
    foot, page, of = ("Reference", "Page", "of") if language == "en" else ("Referencia", "Página", "de")
    for number, each in enumerate(pdf.pages, 1):
        assert (float(each.mediabox.width), float(each.mediabox.height)) == pytest.approx((612, 792), abs=0.1)
        text = " ".join(each.extract_text().replace("\u200b", "").split())
        assert f"{foot} 1234567890ab" in text
        assert f"{page} {number} {of} {len(pdf.pages)}" in text
    assert pdf.trailer["/Root"]["/Lang"] == f"{language}-US"
    assert pdf.metadata is not None
    assert pdf.metadata.title
    assert "Núñez" not in str(pdf.metadata)  # the file's properties are shown where the page is not


def test_only_the_letters_in_use_are_embedded() -> None:
    assert len(render_pdf(form())) < 60_000  # the font alone is 760 kB


def spoken(block: Block) -> list[str]:
    """What one block says."""
    match block:
        case Items(items):
            return list(items)
        case Blank(label, beside):
            return [label, beside]
        case _:
            return [block.text]


@settings(max_examples=8, deadline=None)
@given(made=forms())
def test_paper_and_screen_say_the_same(made: Form) -> None:
    """All that a form is composed of stands in both, in any form that may be signed; nothing broken by a page's end."""
    printed, shown, sheet = said_in(render_pdf(made)), flat(render_text(made)), compose(made)
    for text in [sheet.title, sheet.subtitle, sheet.foot, *(each for block in sheet.blocks for each in spoken(block))]:
        assert flat(text) in printed
        assert flat(text) in shown


@pytest.mark.parametrize("kinds", range(1, len(Information) + 1))
def test_the_whole_signature_stands_on_one_page(kinds: int) -> None:
    """However far down the page it comes."""
    made = form(ConsentType.PSYCHOTHERAPY_NOTES, information=frozenset(list(Information)[:kinds]))
    blocks = compose(made).blocks
    signing = blocks[next(at for at, each in enumerate(blocks) if isinstance(each, Heading) and each.whole) :]
    pages = [flat(page.extract_text()) for page in PdfReader(io.BytesIO(render_pdf(made))).pages]
    assert any(all(flat(each) in page for block in signing for each in spoken(block)) for page in pages)


def test_days_on_paper_are_those_of_the_patients_clock() -> None:
    """Terms hold from a moment until before another; a form names the first and the last day."""
    start = datetime(2026, 3, 1, tzinfo=DENVER)
    end = datetime(2027, 3, 1, tzinfo=DENVER)
    assert days_of(start.astimezone(UTC), end.astimezone(UTC), DENVER) == (date(2026, 3, 1), date(2027, 2, 28))
    assert days_of(start, end + timedelta(seconds=1), DENVER)[1] == date(2027, 3, 1)
    leap = datetime(2028, 3, 1, tzinfo=DENVER)
    assert days_of(start, leap, DENVER)[1] == date(2028, 2, 29)


def test_a_leap_day_is_written_out() -> None:
    made = form(valid_until=date(2028, 2, 29))
    assert "February 29, 2028" in render_text(made)
    assert "29 de febrero de 2028" in flat(render_text(replace(made, language="es")))


def test_a_topic_left_out_is_not_printed() -> None:
    assert "HIV" not in render_text(form())
    assert "HIV" in render_text(form(sensitivity=frozenset({Sensitivity.HIV})))
