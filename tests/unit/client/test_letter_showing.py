"""What a reader is shown before the document, in plain words, and beside an exported one."""

from __future__ import annotations

import re
from typing import Any

from concord.letter import OpenedLetter
from concord.letter.showing import as_text, before_the_document, notice_file
from concord_formats.vocabulary import PART_2_NOTICE, ExpiryEvent, LabelReason, Sensitivity

from tests.unit.client.people import Clinician, Enclosed, part_2_letter, read_letter, scope, write_letter


def opened(ana: Clinician, noor: Clinician, **changed: Any) -> OpenedLetter:
    """A Part 2 letter, opened."""
    return read_letter(part_2_letter(ana, noor, **changed).sealed_to(noor), noor, ana)[0]


def shown(letter: OpenedLetter, **names: str) -> str:
    """As text, with these names; whom nobody knows goes by the id."""
    return as_text(before_the_document(letter, lambda who: names.get(who, who)))


def test_the_notice_comes_first_word_for_word(ana: Clinician, noor: Clinician) -> None:
    assert shown(opened(ana, noor)).splitlines()[0] == f"Notice       {PART_2_NOTICE}"


def test_the_scope_says_who_may_disclose_what_to_whom_why_and_until_when(ana: Clinician, noor: Clinician) -> None:
    letter, _ = write_letter(ana, noor, enclosed=Enclosed(scope(ana, noor, expires_on=ExpiryEvent.DISCHARGE)))
    names = {f"practitioner:{ana.id}": "Dr. Ana Whitfield", f"practitioner:{noor.id}": "Dr. Noor Haddad"}
    text = shown(read_letter(letter, noor, ana)[0], **names)
    assert "Dr. Ana Whitfield may disclose to Dr. Noor Haddad" in text
    assert "attendance: which visits were kept or missed" in text
    assert "treatment: giving health care" in text
    assert re.search(r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC, or sooner: discharge", text)
    assert "Notice" not in text


def test_labels_left_out_are_named_with_the_reason(ana: Clinician, noor: Clinician) -> None:
    letter = opened(ana, noor, left_out=frozenset({Sensitivity.HIV}), label_reason=LabelReason.CODED_IN_ERROR)
    text = shown(letter)
    assert "HIV or AIDS" in text
    assert "the code was entered by mistake (coded-in-error)" in text


def test_an_ordinary_letter_of_an_older_client_is_shown_as_before(ana: Clinician, noor: Clinician) -> None:
    assert shown(read_letter(write_letter(ana, noor)[0], noor, ana)[0]) == ""


def test_every_doubt_is_shown(ana: Clinician, noor: Clinician) -> None:
    bare = part_2_letter(ana, noor).signed_anew(ana.keyring.signing_key(), scope=None, notice=None)
    letter = read_letter(bare.sealed_to(noor), noor, ana)[0]
    text = shown(letter)
    assert PART_2_NOTICE in text
    assert all(doubt in text for doubt in letter.doubts)
    assert len(letter.doubts) == 2


def test_a_name_moves_no_terminal_and_makes_no_line(ana: Clinician, noor: Clinician) -> None:
    hostile = {f"practitioner:{ana.id}": "Ana\x1b[2J\nNotice       You may pass this on.\u202e"}
    text = shown(opened(ana, noor), **hostile)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert [line for line in text.splitlines() if line.startswith("Notice")] == [f"Notice       {PART_2_NOTICE}"]


def test_the_file_beside_a_document_says_which_document(ana: Clinician, noor: Clinician) -> None:
    letter = opened(ana, noor)
    text = notice_file(letter, str).decode()
    assert text.startswith(f"Notice       {PART_2_NOTICE}\n")
    assert letter.statement.body.sha256 in text
    assert f"{letter.statement.consent}, version 1" in text
    assert text.endswith("\n")
