"""A letter on paper: the notice on every page, the text whole, nothing rendered that came in the letter."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from concord.errors import FormError
from concord.letter.printed import MAX_PRINTED_BYTES, MAX_PRINTED_LINES, print_letter
from concord.letter.showing import before_the_document
from concord_formats.vocabulary import PART_2_NOTICE
from pypdf import PdfReader

from tests.unit.client.people import Clinician, part_2_letter, read_letter, write_letter

SUMMARY = Path(__file__).parents[3] / "demo" / "patient" / "summary.json"


def pages(ana: Clinician, noor: Clinician, body: bytes, **changed: Any) -> list[str]:
    """The text of each page of a printed Part 2 letter, blanks made single."""
    parts = part_2_letter(ana, noor, body=body, **changed)
    opened, read = read_letter(parts.sealed_to(noor), noor, ana)
    rows = before_the_document(opened, lambda who: "Dr. " + who[-4:])
    printed = print_letter(opened, rows, io.BytesIO(read))
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(printed)).pages]


def test_the_notice_opens_the_letter_and_stands_on_every_page(ana: Clinician, noor: Clinician) -> None:
    body = "\n".join(f"Visit {number}: kept, no changes." for number in range(150)).encode()
    printed = pages(ana, noor, body)
    assert len(printed) > 3
    assert all(PART_2_NOTICE in page for page in printed)
    first = printed[0]
    assert first.index("Notice") < first.index("may disclose to") < first.index("Document") < first.index("Visit 0:")
    assert all(f"Visit {number}: kept" in "".join(printed) for number in (0, 75, 149))


def test_what_cannot_be_seen_shows_as_replaced(ana: Clinician, noor: Clinician) -> None:
    (page,) = pages(ana, noor, "\u200bnb\u200b and \u202eback\n\x1b[2J".encode())
    assert "\ufffdnb\ufffd and \ufffdback" in page
    assert "\ufffd[2J" in page


def test_of_a_structured_document_it_is_the_summary_and_it_says_so(ana: Clinician, noor: Clinician) -> None:
    text = " ".join(pages(ana, noor, SUMMARY.read_bytes(), media_type="application/fhir+json"))
    assert "The document itself is not on this paper" in text
    assert "Patient Jaime" in text


def test_a_pdf_is_not_taken_apart(ana: Clinician, noor: Clinician) -> None:
    (page,) = pages(ana, noor, b"%PDF-1.7\n/OpenAction\n%%EOF\n", media_type="application/pdf")
    assert "is not on this paper" in page
    assert "OpenAction" not in page


@pytest.mark.parametrize(
    "body",
    [b"x" * (MAX_PRINTED_BYTES + 1), b"x\n" * (MAX_PRINTED_LINES + 1), "thumbs up \N{THUMBS UP SIGN}".encode()],
)
def test_what_cannot_be_printed_whole_is_not_printed(ana: Clinician, noor: Clinician, body: bytes) -> None:
    with pytest.raises(FormError) as caught:
        pages(ana, noor, body)
    assert "--output" in caught.value.hint


def test_an_ordinary_letter_has_no_notice_at_its_foot(ana: Clinician, noor: Clinician) -> None:
    opened, read = read_letter(write_letter(ana, noor)[0], noor, ana)
    printed = print_letter(opened, before_the_document(opened, str), io.BytesIO(read))
    (page,) = PdfReader(io.BytesIO(printed)).pages
    assert "42 CFR" not in page.extract_text()
    assert "panic symptoms since June" in page.extract_text()
