"""What a practice fills in: anything may be pasted there, and a name is never lost, changed or repeated in an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from concord.errors import FormError
from concord.forms import Form, FormParty, Practice, Representative, render_pdf, render_text
from concord_formats.vocabulary import SignerAuthority
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.client.forms.made import PRACTICE, flat, form, said_in

FIELDS: dict[str, Any] = {
    "patient_name": lambda text: {"patient_name": text},
    "discloser.name": lambda text: {"discloser": FormParty(text)},
    "discloser.organization": lambda text: {"discloser": FormParty("Dr. Ana Ruiz", text)},
    "recipient.name": lambda text: {"recipient": FormParty(text)},
    "recipient.address": lambda text: {"recipient": FormParty("Lakeside", None, text)},
    "practice.name": lambda text: {"practice": replace(PRACTICE, name=text)},
    "practice.address": lambda text: {"practice": replace(PRACTICE, address=text)},
    "practice.phone": lambda text: {"practice": replace(PRACTICE, phone=text)},
    "representative.name": lambda text: {"representative": Representative(text, SignerAuthority.PARENT)},
}
UNSEEN = {
    "escape": "\x1b[2J",
    "line feed": "\n",
    "null": "\x00",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "zero-width space": "\u200b",
    "soft hyphen": "\xad",
    "line separator": "\u2028",
    "half a pair": "\ud800",
    "private use": "\ue000",
    "tag": "\U000e0041",
}
MARKUP = [
    "<b>Ana</b><script>alert(1)</script>",
    "{name} {patient_name!r} %s {nb}",
    "**Ana** __Ruiz__",
    "(Ana) \\Ruiz\\)",
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
def test_what_cannot_be_seen_is_refused_by_field_and_not_repeated(field: str, text: str) -> None:
    with pytest.raises(FormError) as refused:
        form(**FIELDS[field](f"Secret{text}Name"))
    assert refused.value.field == field
    assert "Secret" not in f"{refused.value} {refused.value.hint} {refused.value.members}"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", ["A" * 40_000, "", "  ", "\u3000"], ids=["long", "empty", "blank", "wide blank"])
def test_a_text_too_long_or_empty_is_refused_by_field(field: str, text: str) -> None:
    with pytest.raises(FormError) as refused:
        form(**FIELDS[field](text))
    assert refused.value.field == field


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_printed_as_it_was_written(text: str) -> None:
    made = form(patient_name=text, practice=replace(PRACTICE, name=text))
    assert render_text(made).count(text) == 2
    assert said_in(render_pdf(made)).count(text) == 2


@pytest.mark.parametrize(
    "name", ["Nguyễn Thị Ánh", "Łukasz Żółć", "Ольга Ємець", "Αθηνά", "Գոհար", "ნინო", "O’Brien-Smith"]
)
def test_a_name_in_another_alphabet_is_printed_whole(name: str) -> None:
    made = form(patient_name=name)
    assert name in flat(render_text(made))
    assert name in said_in(render_pdf(made))


def test_letters_and_their_marks_are_one_spelling() -> None:
    """A name that came decomposed (as macOS writes it) is the same name."""
    assert render_pdf(form(patient_name="Núñez")) == render_pdf(form(patient_name="Nu\u0301n\u0303ez"))


@pytest.mark.parametrize("name", ["محمد بن سلمان", "יוסף כהן", "علی\u200cرضا احمدی"])
def test_a_name_from_right_to_left_is_printed_and_not_dropped(name: str) -> None:
    made = form(patient_name=name)
    assert name in render_text(made)
    printed, without = said_in(render_pdf(made)), said_in(render_pdf(form(patient_name="X")))
    drawn = [each for each in printed if each not in without]
    assert len(drawn) >= len(set(name) - set(" \u200c")) - 2  # some pairs of letters are drawn as one


def test_a_persian_name_keeps_the_order_of_its_parts() -> None:
    """The non-joiner parts letters as a blank does; it does not turn the name around."""
    parted, spaced = (said_in(render_pdf(form(patient_name=f"علی{between}رضا احمدی"))) for between in "\u200c ")
    assert "".join(parted.split()) == "".join(spaced.split())


@pytest.mark.parametrize("name", ["王小明", "김민준", "दीपक", "Ana 🩺", "ශ්\u200dරී", "عبد\u200dالله"])
def test_a_character_without_a_glyph_is_refused_on_paper_and_kept_in_the_text(name: str) -> None:
    made = form(patient_name=name)
    assert name in render_text(made)
    with pytest.raises(FormError) as refused:
        render_pdf(made)
    assert refused.value.field == "patient_name"
    assert name not in str(refused.value)
    assert "as text" in refused.value.hint


def test_a_long_word_without_a_blank_stays_on_the_page() -> None:
    name = "W" * 200
    assert said_in(render_pdf(form(patient_name=name))).count("W") >= 200


@settings(max_examples=12, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
@example(name="\u0301\u0302\u0303" * 20)
@example(name="\u05d0a" * 30)
def test_any_text_is_printed_or_refused_by_field(name: str) -> None:
    try:
        made = form(patient_name=name)
        assert render_pdf(made).startswith(b"%PDF-")
    except FormError as refused:
        assert refused.field == "patient_name"


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("language", {"language": "other"}),
        ("language", {"language": "../en"}),
        ("valid_until", {"valid_until": date(2026, 2, 28)}),
        ("valid_until", {"valid_until": datetime(2027, 1, 1)}),  # noqa: DTZ001
        ("birth_date", {"birth_date": date(2026, 3, 2)}),
    ],
)
def test_absurd_days_and_unknown_languages_are_refused_by_field(field: str, changed: dict[str, Any]) -> None:
    with pytest.raises(FormError) as refused:
        form(**changed)
    assert refused.value.field == field


def test_a_practice_needs_a_place_to_write_to() -> None:
    with pytest.raises(FormError) as refused:
        form(practice=Practice("Riverside", ""))
    assert refused.value.field == "practice.address"


def test_a_telephone_is_not_asked_for() -> None:
    made: Form = form(practice=replace(PRACTICE, phone=None))
    assert "Phone" not in render_text(made)
