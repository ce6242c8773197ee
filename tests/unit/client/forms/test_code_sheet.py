"""The sheet with the code of the patient's page: it says what to do, and the code stands nowhere but on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from concord.errors import FormError
from concord.forms import render_code_sheet

from tests.unit.client.forms.made import PRACTICE, flat, said_in
from tests.unit.client.forms.reading_ease import facilidad, grade

CODE = "7K3M9-QX2TD-0V8RW-5HJZN-4"
PAGE = "https://concord.example.org/consent/patient"


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_sheet_says_the_code_where_to_type_it_and_who_cancels_it(language: str) -> None:
    sheet = render_code_sheet(CODE, language, PRACTICE, PAGE)
    for rendering in (flat(sheet.text), said_in(sheet.pdf)):
        for part in (CODE, PAGE, PRACTICE.name, PRACTICE.address, str(PRACTICE.phone)):
            assert part in rendering
        assert rendering.count(CODE) == 1


def test_the_sheet_is_one_page_and_the_same_each_time() -> None:
    sheet = render_code_sheet(CODE, "es", PRACTICE, PAGE)
    assert "Página 1 de 1" in said_in(sheet.pdf).replace("\u200b", "")
    assert sheet == render_code_sheet(CODE, "es", PRACTICE, PAGE)
    assert CODE.encode() not in sheet.pdf  # nor in the file's properties


@pytest.mark.parametrize(
    "address",
    [
        f"{PAGE}?code={CODE}",
        f"{PAGE}#{CODE}",
        f"{PAGE}/{CODE}",
        f"{PAGE}/{CODE.replace('-', '').lower()}",
        "http://concord.example.org/consent/patient",
        "https://ana:secret@concord.example.org/",
        "https://",
        "javascript:alert(1)",
        "https://concord.example.org/a b",
        "https://concord.example.org/\x1b[2J",
        "https://cоncord.example.org/",  # a Cyrillic o
        "https://concord.example.org/" + "a" * 200,
    ],
)
def test_an_address_with_a_code_or_not_of_the_web_is_refused(address: str) -> None:
    with pytest.raises(FormError) as refused:
        render_code_sheet(CODE, "en", PRACTICE, address)
    assert refused.value.field == "page_address"
    assert CODE not in f"{refused.value} {refused.value.members}"


@pytest.mark.parametrize("code", ["", "7K3M9", CODE.lower(), CODE + "\n", "<b>-AAAA", "A" * 40_000, "ILOU1-AAAAA"])
def test_what_is_no_code_is_refused_and_not_repeated(code: str) -> None:
    with pytest.raises(FormError) as refused:
        render_code_sheet(code, "en", PRACTICE, PAGE)
    assert refused.value.field == "code"
    assert not code or code not in str(refused.value)


def test_the_practices_name_is_checked_as_on_a_form() -> None:
    with pytest.raises(FormError) as refused:
        render_code_sheet(CODE, "en", replace(PRACTICE, name="A\x1b[2J"), PAGE)
    assert refused.value.field == "practice.name"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(FormError) as refused:
        render_code_sheet(CODE, "fr", PRACTICE, PAGE)
    assert refused.value.field == "language"


def test_the_sheet_reads_easily() -> None:
    for language, easy in (("en", lambda said: grade(said) <= 7), ("es", lambda said: facilidad(said) >= 65)):
        text = render_code_sheet(CODE, language, PRACTICE, PAGE).text.replace(CODE, "").replace(PAGE, "")
        assert easy([flat(each) for each in text.split("\n\n")])
