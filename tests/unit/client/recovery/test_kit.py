"""The printed kit: what it says, what its square code says, and what is taken for one."""

from __future__ import annotations

import io
import json
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import zxingcpp
from concord.errors import RecoveryCodeError
from concord.forms.as_pdf import as_pdf
from concord.forms.blocks import Heading, Paragraph, QrCode, Sheet
from concord.recovery import Kit, new_code, read_kit, render_kit
from concord.recovery.kit import MAX_KIT_CHARACTERS, PREFIX
from concord_formats.recovery_codes import grouped
from concord_formats.signatures import to_base64url
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ContentStream

from tests.unit.client.forms.made import flat, said_in

ACCOUNT = UUID("a0c0ffee-0000-4000-8000-000000000001")
MADE = date(2026, 11, 28)
DOTS = 12  # for each millimetre of the page: 300 dots an inch


def kit(**changed: Any) -> Kit:
    """A kit with a new code."""
    return Kit(**({"base_url": "https://concord.example.org", "account": ACCOUNT, "code": new_code()} | changed))


def seen(pdf: bytes) -> list[str]:
    """What a camera reads on the pages: the black rectangles alone are drawn, and looked at."""
    found = []
    for page in PdfReader(io.BytesIO(pdf)).pages:
        height, width = float(page.mediabox.height), float(page.mediabox.width)
        scale = DOTS * 25.4 / 72
        paper = Image.new("L", (int(width * scale), int(height * scale)), 255)
        operations = ContentStream(page.get_contents(), None).operations
        for (operands, operator), (_, after) in pairwise(operations):
            if operator == b"re" and after == b"f":
                x, y, w, h = (float(each) * scale for each in operands)
                left, right = sorted((round(x), round(x + w)))
                low, high = sorted((round(height * scale - y), round(height * scale - y - h)))
                paper.paste(0, (left, low, right, high))
        found += [each.text for each in zxingcpp.read_barcodes(paper)]
    return found


def test_the_sheet_says_the_code_once_and_what_to_do() -> None:
    made = kit()
    sheet = render_kit(made, MADE)
    for rendering in (flat(sheet.text), said_in(sheet.pdf)):
        for part in (grouped(made.code), made.base_url, str(ACCOUNT), "November 28, 2026", "concord recover"):
            assert part in rendering
        assert rendering.count(grouped(made.code)) == 1
        assert "Whoever holds this sheet can read everything" in rendering
        assert "Keep it apart from your devices" in rendering


def test_the_sheet_is_one_page_and_the_same_each_time() -> None:
    made = kit(base_url="https://concord.a-rather-long-name-of-a-health-system.example.org:8443")
    sheet = render_kit(made, MADE)
    assert len(PdfReader(io.BytesIO(sheet.pdf)).pages) == 1
    assert sheet == render_kit(made, MADE)
    assert sheet != render_kit(kit(), MADE)


def test_the_files_properties_do_not_hold_the_code() -> None:
    made = kit()
    pdf = PdfReader(io.BytesIO(render_kit(made, MADE).pdf))
    for text in (str(pdf.metadata), str(pdf.trailer)):
        assert made.code not in text and grouped(made.code) not in text


def test_a_camera_reads_the_kit_from_the_printed_square() -> None:
    made = kit()
    assert [read_kit(text) for text in seen(render_kit(made, MADE).pdf)] == [made]


def test_a_square_that_does_not_fit_goes_to_the_next_page_whole() -> None:
    filling = tuple(Paragraph("A line that takes room.") for _ in range(30))
    blocks = (Heading("Before"), *filling, QrCode("all of it"))
    sheet = Sheet(language="en", title="T", subtitle="S", blocks=blocks, foot="", page="{page}/{pages}")
    assert seen(as_pdf(sheet, [])) == ["all of it"]


@given(
    made=st.builds(
        Kit,
        base_url=st.sampled_from(["https://a.example", "https://a.example:8443/care", "http://127.0.0.1:8080"]),
        account=st.uuids(version=4),
        code=st.builds(new_code),
    ),
    wrapped=st.integers(1, 80),
)
def test_a_kit_comes_back_from_its_text_however_it_was_wrapped(made: Kit, wrapped: int) -> None:
    text = made.encode()
    assert len(text) <= MAX_KIT_CHARACTERS
    assert read_kit("\r\n".join(text[at : at + wrapped] for at in range(0, len(text), wrapped)) + "\n") == made


def test_a_kit_does_not_show_its_code() -> None:
    made = kit()
    assert made.code not in repr(made)


def text_of(members: object) -> str:
    """The text of a kit with these members."""
    return PREFIX + to_base64url(json.dumps(members).encode())


GOOD = {"base_url": "https://concord.example.org", "account": str(ACCOUNT), "code": new_code()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://concord.example.org",
        PREFIX,
        PREFIX + "!!!",
        PREFIX + "AAAA",
        text_of([]),
        text_of(None),
        text_of({}),
        text_of(GOOD | {"account": 7}),
        text_of(GOOD | {"account": "x"}),
        text_of(GOOD | {"code": "0" * 27}),
        text_of(GOOD | {"code": None}),
        text_of(GOOD | {"base_url": "http://concord.example.org"}),
        text_of(GOOD | {"base_url": "javascript:alert(1)"}),
        text_of(GOOD | {"base_url": "http://[::1"}),
        text_of(GOOD | {"base_url": "https://" + "a" * 2000}),
        PREFIX.replace("v1", "v2") + "AAAA",
        PREFIX + "W" * 900,
        "\x00" * 50,
    ],
    ids=lambda text: text[24:60],
)
def test_what_is_no_kit_is_refused_and_its_code_not_repeated(text: str) -> None:
    with pytest.raises(RecoveryCodeError) as refused:
        read_kit(text)
    assert GOOD["code"] not in f"{refused.value} {refused.value.hint} {refused.value.members}"
    assert refused.value.hint


@given(text=st.text(max_size=200))
def test_any_text_is_refused_in_the_same_way(text: str) -> None:
    with pytest.raises(RecoveryCodeError):
        read_kit(PREFIX + text)


@given(raw=st.binary(max_size=200))
def test_any_bytes_within_are_refused_in_the_same_way(raw: bytes) -> None:
    with pytest.raises(RecoveryCodeError):
        read_kit(PREFIX + to_base64url(raw))
