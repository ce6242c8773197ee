"""An account as CSV, PDF and FHIR: everything that 45 CFR 164.528(b)(2) asks for, nothing computed, nothing dropped."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from importlib import resources
from typing import Any
from uuid import UUID

import pytest
from concord.account.as_csv import as_csv
from concord.account.as_fhir import as_fhir
from concord.account.as_pdf import as_pdf
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from tests.unit.client.account.log import CONSENT, RECIPIENT, SENDER, TOKEN, Log
from tests.unit.client.account.made import DELEGATOR, PATIENT, PEOPLE, TEAM, full_log, practitioner, sheet

SHEET = sheet()
BLINDED = sheet(blinded=frozenset({2, 3}))


def rows(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def printed(raw: bytes) -> str:
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(raw)).pages)
    return " ".join(text.replace("\u200b", "").split())


def bundle(raw: bytes) -> dict[str, Any]:
    """The Bundle, valid FHIR."""
    members: dict[str, Any] = json.loads(raw)
    Bundle.model_validate(members)
    return members


def test_a_row_has_date_recipient_address_description_and_purpose() -> None:
    row = rows(as_csv(SHEET))[0]
    assert row["date"] == "2026-03-01T10:30:00Z"
    assert (row["recipient"], row["recipient_organization"]) == ("Dr. Noor Haddad", "Riverside Health")
    assert row["recipient_address"] == "not known: the directory keeps no addresses"
    assert "medicines, doses" in row["description"]
    assert row["purpose"] == "treatment: giving health care"
    assert (row["consent"], row["consent_version"], row["basis"]) == (str(CONSENT), "1", "consent")
    assert (row["patient"], row["patient_token"]) == (PATIENT, TOKEN)


def test_no_line_is_dropped_and_those_of_others_are_named() -> None:
    assert [row["n"] for row in rows(as_csv(SHEET))] == [str(n) for n in range(1, 10)]
    blinded = [row for row in rows(as_csv(BLINDED)) if row["event"].startswith("not shown")]
    assert [(row["n"], row["date"]) for row in blinded] == [("2", ""), ("3", "")]
    assert "Entries not shown: 2. They belong to permissions between others" in printed(as_pdf(BLINDED))
    tag = bundle(as_fhir(BLINDED))["meta"]["tag"][0]
    assert (tag["code"], tag["display"]) == ("SUBSETTED", "2 of 9 lines are not for this reader")
    assert "meta" not in bundle(as_fhir(SHEET))


def test_an_emergency_a_refusal_a_notice_and_labels_left_out_are_said() -> None:
    by_number = {row["n"]: row for row in rows(as_csv(SHEET))}
    assert by_number["5"]["remarks"].startswith("MEDICAL EMERGENCY")
    assert by_number["5"]["basis"] == "emergency"
    assert by_number["4"]["reason"] == "recipient-not-covered"
    assert "42 CFR 2.32" in by_number["6"]["remarks"]
    assert by_number["7"]["label_reason"] == "ruled-out"
    text = printed(as_pdf(SHEET))
    for said in ("MEDICAL EMERGENCY", "the permission does not name this recipient", "42 CFR 2.32"):
        assert said in text


def test_words_that_this_version_does_not_know_are_printed_as_they_came() -> None:
    for text in (as_csv(SHEET).decode(), printed(as_pdf(SHEET)), as_fhir(SHEET).decode()):
        for word in ("forwarded", "later-kind", "later-purpose"):
            assert word in text


def test_the_patients_name_is_only_what_ones_own_address_book_says() -> None:
    nameless = sheet(patient_name=None)
    for raw in (as_csv(nameless), as_fhir(SHEET)):
        assert PATIENT.encode() not in raw
    assert PATIENT not in printed(as_pdf(nameless))
    assert f"{PATIENT} (token {TOKEN})" in printed(as_pdf(SHEET))
    assert PATIENT not in str(PdfReader(io.BytesIO(as_pdf(SHEET))).metadata)


def test_somebody_whom_the_directory_does_not_know_is_named_by_id() -> None:
    unknown = sheet(people={SENDER: PEOPLE[SENDER]})
    assert rows(as_csv(unknown))[0]["recipient"] == str(RECIPIENT)
    bundle(as_fhir(unknown))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\r=1", '";=1;"', "a\nb,=c"])
def test_no_cell_is_a_formula(name: str) -> None:
    hostile = sheet(people={**PEOPLE, RECIPIENT: practitioner(RECIPIENT, name)}, patient_name=name)
    row = rows(as_csv(hostile))[0]
    for cell in (row["recipient"], row["patient"]):
        assert cell.lstrip()[:1] not in "=+-@＝＋－＠"
        assert cell.isprintable()
    assert len(rows(as_csv(hostile))) == 9


@settings(deadline=None)
@given(st.text(max_size=30))
def test_every_name_comes_back_as_one_cell(name: str) -> None:
    one = Log()
    one.append()
    hostile = sheet(one, patient_name=name)
    (row,) = rows(as_csv(hostile))
    shown = "".join(each if each.isprintable() else "\ufffd" for each in name)
    assert row["patient"] in (shown, f"'{shown}")
    assert not row["patient"].lstrip().startswith(("=", "+", "-", "@"))


def test_the_pdf_lies_is_numbered_and_says_where_its_entries_were_checked() -> None:
    log = Log()
    for _ in range(20):
        log.append()
    pdf = PdfReader(io.BytesIO(as_pdf(sheet(log))))
    assert len(pdf.pages) > 1
    for number, page in enumerate(pdf.pages, 1):
        assert page.mediabox.width > page.mediabox.height
        text = page.extract_text().replace("\u200b", "")
        assert f"Page {number} of {len(pdf.pages)}" in text
        assert TOKEN in text
    assert log.vkey in printed(as_pdf(sheet(log)))
    assert as_pdf(sheet(log)) == as_pdf(sheet(log))


def test_a_name_that_the_font_lacks_is_printed_as_far_as_it_goes_and_said() -> None:
    hostile = sheet(people={**PEOPLE, RECIPIENT: practitioner(RECIPIENT, "Dr. 王 {nb} Haddad")})
    text = printed(as_pdf(hostile))
    assert "Dr. \ufffd {nb} Haddad" in text
    assert "the JSON export has it" in text
    assert "the JSON export has it" not in printed(as_pdf(SHEET))


def test_a_name_that_runs_from_right_to_left_is_printed() -> None:
    arabic = sheet(people={**PEOPLE, RECIPIENT: practitioner(RECIPIENT, "نور حداد")})
    assert "\ufffd" not in printed(as_pdf(arabic))


def test_an_empty_account_says_so() -> None:
    empty = sheet(Log())
    assert "Nothing was disclosed." in printed(as_pdf(empty))
    assert rows(as_csv(empty)) == []
    assert "entry" not in bundle(as_fhir(empty))


def test_spanish_is_spanish() -> None:
    spanish = sheet(language="es")
    text = printed(as_pdf(spanish))
    assert "Relación de divulgaciones" in text
    assert "EMERGENCIA MÉDICA" in text
    assert rows(as_csv(spanish))[0]["purpose"].startswith("tratamiento")


def test_both_languages_have_the_same_texts() -> None:
    folder = resources.files("concord.account") / "texts"
    english, spanish = (tomllib.loads((folder / f"{each}.toml").read_text("utf-8")) for each in ("en", "es"))
    assert {name: set(table) for name, table in english.items()} == {
        name: set(table) for name, table in spanish.items()
    }


def test_an_audit_event_says_who_what_why_and_under_which_consent() -> None:
    first = bundle(as_fhir(SHEET))["entry"][0]["resource"]
    assert (first["type"]["code"], first["subtype"][0]["code"], first["outcome"]) == ("110106", "disclose", "0")
    sender, recipient = first["agent"]
    assert (sender["type"]["coding"][0]["code"], sender["requestor"]) == ("110153", True)
    assert (recipient["type"]["coding"][0]["code"], recipient["requestor"]) == ("110152", False)
    assert recipient["who"]["identifier"]["value"] == f"urn:uuid:{RECIPIENT}"
    assert first["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    patient, consent, letter = first["entity"]
    assert patient["what"]["identifier"] == {"system": "urn:concord:patient-token", "value": TOKEN}
    assert consent["what"]["reference"] == f"Consent/{CONSENT}"
    assert letter["what"]["identifier"]["value"] == f"urn:uuid:{UUID(int=1)}"
    assert letter["securityLabel"][0]["code"] == "N"


def test_each_kind_has_its_type_outcome_and_codes() -> None:
    resources_ = [entry["resource"] for entry in bundle(as_fhir(SHEET))["entry"]]
    opened, refused, emergency, notes = (resources_[n - 1] for n in (3, 4, 5, 6))
    assert (opened["type"]["code"], opened["subtype"][0]["code"]) == ("110107", "access")
    assert [agent["requestor"] for agent in opened["agent"]] == [False, True]
    assert refused["outcome"] == "8"
    assert "does not name this recipient" in refused["outcomeDesc"]
    assert [code["code"] for code in emergency["purposeOfEvent"][0]["coding"]] == ["ETREAT", "BTG"]
    codes = [code["code"] for code in notes["entity"][2]["securityLabel"]]
    assert {"SUD", "ETH", "substance-use", "sud-counseling-notes"} <= set(codes)
    assert "42CFRPart2" in [code["code"] for code in emergency["entity"][2]["securityLabel"]]


def test_a_letter_that_somebody_sent_for_another_to_a_team_says_so_in_every_form() -> None:
    row = rows(as_csv(SHEET))[7]
    assert (row["sender"], row["on_behalf_of"], row["team"]) == ("Dr. Ana Silva", "Dr. Bo Park", "Intake")
    said = "Sent by Dr. Ana Silva on behalf of Dr. Bo Park, Riverside Health"
    for text in (row["remarks"], printed(as_pdf(SHEET))):
        assert said in text
        assert "To the team Intake" in text
    event = bundle(as_fhir(SHEET))["entry"][7]["resource"]
    assert said in event["outcomeDesc"]
    delegator = event["agent"][2]
    assert (delegator["type"]["coding"][0]["code"], delegator["name"]) == ("DELEGATOR", "Dr. Bo Park")
    assert [each["requestor"] for each in event["agent"]] == [True, False, False]
    assert "Enviada por Dr. Ana Silva en nombre de Dr. Bo Park" in printed(as_pdf(sheet(language="es")))
    assert {each["on_behalf_of"] + each["team"] for each in rows(as_csv(SHEET)) if each["n"] != "8"} == {""}


def test_what_a_refused_letter_claimed_is_not_said_to_have_been_done() -> None:
    log = Log()
    log.append(kind="refused", reason="not-delegated", on_behalf_of=str(DELEGATOR), team=str(TEAM))
    refused = sheet(log)
    remarks = rows(as_csv(refused))[0]["remarks"]
    for text in (remarks, printed(as_pdf(refused)), bundle(as_fhir(refused))["entry"][0]["resource"]["outcomeDesc"]):
        assert "Dr. Ana Silva wanted to send it on behalf of Dr. Bo Park, Riverside Health" in text
        assert "meant for the team Intake" in text
        assert "Sent by" not in text


def test_a_team_that_the_directory_does_not_know_is_named_by_id() -> None:
    assert rows(as_csv(sheet(team=None)))[7]["team"] == str(TEAM)


@pytest.mark.parametrize("name", ["=1+1", "＝1", "a\nb"])
def test_no_teams_name_is_a_formula(name: str) -> None:
    cell = rows(as_csv(sheet(team=name)))[7]["team"]
    assert cell.isprintable()
    assert cell[:1] not in "=＝"


def test_what_the_log_says_is_what_the_forms_say() -> None:
    """Every member of every event stands somewhere in the FHIR form."""
    text = as_fhir(SHEET).decode()
    for line in full_log().lines:
        for name, value in json.loads(line.event)["data"].items():
            for each in value if isinstance(value, list) else [value]:
                assert isinstance(each, bool) or str(each) in text, name
