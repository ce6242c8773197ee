"""Scope, notice and label reasons in hostile hands: changed on the way, or signed by a client that was changed."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from concord import errors
from concord.letter import OpenedLetter
from concord.letter.statement import parse_statement
from concord_formats.vocabulary import PART_2_NOTICE, LabelReason, Sensitivity

from tests.unit.client.people import Clinician, Parts, part_2_letter, read_letter


def opened(parts: Parts, noor: Clinician, ana: Clinician) -> OpenedLetter:
    """The letter of these parts, opened."""
    return read_letter(parts.sealed_to(noor), noor, ana)[0]


class TestTampering:
    """What anybody changes on the way is caught."""

    @pytest.mark.parametrize("member", ["scope", "notice", "label_reason", "labels_left_out"])
    def test_nobody_takes_a_member_out_of_the_signed_statement(
        self, ana: Clinician, noor: Clinician, member: str
    ) -> None:
        good = part_2_letter(ana, noor, left_out=frozenset({Sensitivity.HIV}), label_reason=LabelReason.RULED_OUT)
        members = json.loads(good.statement)
        del members[member]
        good.statement = json.dumps(members).encode()
        with pytest.raises(errors.LetterError):
            opened(good, noor, ana)

    def test_nobody_widens_a_scope(self, ana: Clinician, noor: Clinician) -> None:
        good = part_2_letter(ana, noor)
        good.statement = good.statement.replace(b'"purposes":["treatment"]', b'"purposes":["operations","treatment"]')
        with pytest.raises(errors.SignatureMismatchError):
            opened(good, noor, ana)

    def test_a_reason_in_the_address_alone(self, ana: Clinician, noor: Clinician) -> None:
        """What the account is told must be what was signed."""
        changed = part_2_letter(ana, noor).readdressed(label_reason="patient-asked")
        with pytest.raises(errors.StatementMismatchError) as caught:
            opened(changed, noor, ana)
        assert caught.value.field == "label_reason"

    def test_a_reason_in_the_statement_alone(self, ana: Clinician, noor: Clinician) -> None:
        said = {"label_reason": "patient-asked", "labels_left_out": ["hiv"]}
        with pytest.raises(errors.StatementMismatchError) as caught:
            opened(part_2_letter(ana, noor).signed_anew(ana.keyring.signing_key(), **said), noor, ana)
        assert caught.value.field == "label_reason"


class TestHostileStatements:
    """A statement that says what none of ours would is no statement."""

    @pytest.mark.parametrize(
        "said",
        [
            {"notice": "You may pass this on."},
            {"notice": PART_2_NOTICE + "\u202e"},
            {"notice": ""},
            {"notice": [PART_2_NOTICE]},
            {"label_reason": "the patient relapsed in June"},
            {"label_reason": "ruled-out"},
            {"labels_left_out": ["hiv"]},
            {"label_reason": "ruled-out", "labels_left_out": []},
            {"label_reason": "ruled-out", "labels_left_out": ["everything"]},
            {"label_reason": "ruled-out", "labels_left_out": ["part-2"]},  # declared as well
            {"scope": {}},
            {"scope": []},
            {"scope": "everything"},
        ],
    )
    def test_members_of_another_form(self, ana: Clinician, noor: Clinician, said: dict[str, Any]) -> None:
        forged = part_2_letter(ana, noor).signed_anew(ana.keyring.signing_key(), **said)
        with pytest.raises(errors.MalformedLetterError):
            opened(forged, noor, ana)

    @pytest.mark.parametrize(
        "said",
        [
            {"discloser": "Dr. Ana Whitfield"},
            {"discloser": f"class:{uuid4()}"},
            {"recipient": f"practitioner:{uuid4()}\n"},
            {"recipient": "practitioner:*"},
            {"type": "verbal"},
            {"purposes": []},
            {"purposes": ["<script>"]},
            {"information": ["x" * 4000]},
            {"valid_until": "never"},
            {"valid_until": 4102444800},
            {"valid_until": "9999-12-31T00:00:00Z"},
            {"expires_on": "the end of the world"},
            {"note": "and anything else"},
        ],
    )
    def test_a_scope_of_another_form(self, ana: Clinician, noor: Clinician, said: dict[str, Any]) -> None:
        good = part_2_letter(ana, noor)
        forged = good.signed_anew(ana.keyring.signing_key(), scope=json.loads(good.statement)["scope"] | said)
        with pytest.raises(errors.MalformedLetterError):
            opened(forged, noor, ana)

    def test_a_member_of_the_scope_twice(self, ana: Clinician, noor: Clinician) -> None:
        line = part_2_letter(ana, noor).statement.replace(b'"scope":{', b'"scope":{"type":"part-2-tpo",')
        with pytest.raises(errors.MalformedLetterError):
            parse_statement(line)
