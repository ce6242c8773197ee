"""Drafts: which scope goes with which letter, and documents that are known to have gone under Part 2."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord.age import HybridIdentity
from concord.api import ConsentVersion, Party
from concord.api.consent import Direction
from concord.drafts import Draft, enclose, make_address, proposal
from concord.errors import LabelsLeftOutError, StoreError
from concord.labels import LeftOut, check_declared
from concord.letter.statement import Statement
from concord.provenance import Provenance
from concord.store import SealedStore
from concord_formats.address import Address
from concord_formats.vocabulary import (
    PART_2_NOTICE,
    ConsentType,
    ExpiryEvent,
    Information,
    LabelReason,
    PartyKind,
    Purpose,
    Sensitivity,
)

from tests.unit.client.people import TOKEN, Clinician, address, part_2_letter, read_letter, write_letter

PART_2 = frozenset({Sensitivity.PART_2})
NOTHING = LeftOut()


class Membership:
    """Which parties are one's own: all that a draft asks of colleagues."""

    def __init__(self, *mine: UUID) -> None:
        self._mine = mine

    def is_side_of(self, party: Party, person: UUID | None) -> bool:
        return party.id in (self._mine if person is None else (person, *self._mine[1:]))


def party(person: UUID, kind: PartyKind = PartyKind.PRACTITIONER) -> Party:
    return Party(kind=kind, id=person)


def version(*ways: tuple[Party, Party], **changed: Any) -> ConsentVersion:
    """A Part 2 consent with these directions; its text names the first."""
    now = datetime.now(UTC)
    members: dict[str, Any] = {
        "version": 1,
        "status": "active",
        "type": ConsentType.PART_2_CONSENT,
        "discloser": ways[0][0],
        "recipient": ways[0][1],
        "mutual": len(ways) > 1,
        "purposes": [Purpose.TREATMENT],
        "information": [Information.DIAGNOSES, Information.MEDICATIONS],
        "sensitivity": [Sensitivity.GENERAL, Sensitivity.PART_2],
        "valid_from": now - timedelta(days=1),
        "valid_until": now + timedelta(days=30),
        "expires_on": ExpiryEvent.DISCHARGE,
        "directions": [Direction(discloser=way[0], recipient=way[1]) for way in ways],
    }
    return ConsentVersion.model_validate(members | changed)


def both_ways(ana: Clinician, noor: Clinician) -> ConsentVersion:
    return version((party(ana.id), party(noor.id)), (party(noor.id), party(ana.id)))


def draft(body: bytes, *sensitivity: Sensitivity, **changed: Any) -> Draft:
    usual: dict[str, Any] = {
        "body": io.BytesIO(body),
        "media_type": "text/plain",
        "consent": uuid4(),
        "purpose": Purpose.TREATMENT,
        "information": frozenset({Information.DIAGNOSES}),
        "sensitivity": frozenset(sensitivity or {Sensitivity.GENERAL}),
    }
    return Draft(**(usual | changed))


@pytest.fixture
def provenance(tmp_path: Path) -> Provenance:
    return Provenance(SealedStore(tmp_path, HybridIdentity.generate()))


def received(ana: Clinician, noor: Clinician, **changed: Any) -> Statement:
    """The statement of a Part 2 letter, as its recipient has it."""
    return read_letter(part_2_letter(ana, noor, **changed).sealed_to(noor), noor, ana)[0].statement


class TestScope:
    """The scope is that of the letter's own direction."""

    def test_an_answer_under_a_mutual_consent_tells_its_own_direction(self, ana: Clinician, noor: Clinician) -> None:
        mutual = both_ways(ana, noor)
        for sender, to in ((ana, noor), (noor, ana)):
            letter = address(sender, to, sensitivity=PART_2)
            told = enclose(letter, mutual, Membership(sender.id), NOTHING)  # type: ignore[arg-type]
            assert told.scope is not None
            assert (told.scope.discloser, told.scope.recipient) == (
                f"practitioner:{sender.id}",
                f"practitioner:{to.id}",
            )
            assert told.scope.expires_on is ExpiryEvent.DISCHARGE

    def test_between_an_organization_and_its_own_member_it_is_the_one_that_covers(
        self, ana: Clinician, noor: Clinician
    ) -> None:
        practice = party(uuid4(), PartyKind.ORGANIZATION)
        both = version((practice, party(ana.id)), (party(ana.id), practice))
        letter = address(ana, noor, sensitivity=PART_2)
        told = enclose(letter, both, Membership(ana.id, practice.id), NOTHING)  # type: ignore[arg-type]
        assert told.scope is not None
        assert told.scope.recipient == f"organization:{practice.id}"

    def test_only_part_2_records_carry_the_notice(self, ana: Clinician, noor: Clinician) -> None:
        own = Membership(ana.id)
        plain = enclose(address(ana, noor), both_ways(ana, noor), own, NOTHING)  # type: ignore[arg-type]
        assert plain.scope is not None
        assert plain.notice is None
        protected = address(ana, noor, sensitivity=PART_2)
        assert enclose(protected, both_ways(ana, noor), own, NOTHING).notice == PART_2_NOTICE  # type: ignore[arg-type]

    def test_what_the_consent_does_not_cover_goes_to_the_gate_without_a_scope(
        self, ana: Clinician, noor: Clinician
    ) -> None:
        """The gate says why not, and its refusal stands in the account."""
        own = Membership(ana.id)
        uncovered = address(ana, noor, information=frozenset({Information.LAB_RESULTS}))
        assert enclose(uncovered, both_ways(ana, noor), own, NOTHING).scope is None  # type: ignore[arg-type]


def made(draft_: Draft, left_out: LeftOut) -> Address:
    class Consent:
        """The little of a consent that an address takes."""

        letter = None
        cited = version((party(uuid4()), party(uuid4())))
        patient = TOKEN

    return make_address(draft_, Consent(), (uuid4(),), left_out, sender=uuid4(), device=uuid4())  # type: ignore[arg-type]


def test_a_reason_that_is_not_needed_is_not_said() -> None:
    needless = draft(b"", label_reason=LabelReason.RULED_OUT)
    assert made(needless, NOTHING).label_reason is None
    assert made(needless, LeftOut(sensitivity=frozenset({Sensitivity.HIV}))).label_reason is LabelReason.RULED_OUT


class TestProvenance:
    """Part 2 is provenance: no code in a document tells it."""

    def test_a_document_that_came_under_part_2_is_not_sent_on_without_it(
        self, ana: Clinician, noor: Clinician, provenance: Provenance
    ) -> None:
        body = b"Seen at the program since June."
        provenance.note(received(ana, noor, body=body))
        onward = draft(body)
        found = proposal(onward, provenance)
        assert found.sensitivity >= PART_2
        with pytest.raises(LabelsLeftOutError, match="part-2"):
            check_declared(found, onward.information, onward.sensitivity, None)
        with pytest.raises(LabelsLeftOutError):
            check_declared(found, onward.information, onward.sensitivity, LabelReason.RECIPIENT_ALREADY_HAS_IT)
        assert not check_declared(found, onward.information, onward.sensitivity | PART_2, None)
        assert onward.body.tell() == 0

    def test_the_letter_that_it_came_with_is_named(
        self, ana: Clinician, noor: Clinician, provenance: Provenance
    ) -> None:
        statement = received(ana, noor, body=b"the same")
        provenance.note(statement)
        (finding,) = [each for each in proposal(draft(b"the same"), provenance).findings if each.label in PART_2]
        assert str(statement.letter) in finding.path

    def test_another_document_is_not_known(self, ana: Clinician, noor: Clinician, provenance: Provenance) -> None:
        provenance.note(received(ana, noor, body=b"one"))
        assert not proposal(draft(b"one "), provenance).sensitivity & PART_2

    def test_an_ordinary_letter_leaves_no_trace(self, ana: Clinician, noor: Clinician, provenance: Provenance) -> None:
        provenance.note(write_letter(ana, noor, body=b"ordinary")[1].statement)
        assert not proposal(draft(b"ordinary"), provenance).sensitivity & PART_2

    def test_a_label_is_never_taken_away_again(self, ana: Clinician, noor: Clinician, provenance: Provenance) -> None:
        first, second = (received(ana, noor, body=b"same") for _ in range(2))
        provenance.note(first)
        counseling = second.model_copy(update={"sensitivity": frozenset({Sensitivity.SUD_COUNSELING_NOTES})})
        provenance.note(counseling)
        known = provenance.find(first.body.sha256)
        assert known is not None
        assert known.labels == PART_2 | {Sensitivity.SUD_COUNSELING_NOTES}

    def test_the_index_is_sealed_and_a_changed_one_stops_the_letter(
        self, ana: Clinician, noor: Clinician, provenance: Provenance, tmp_path: Path
    ) -> None:
        statement = received(ana, noor, body=b"same")
        provenance.note(statement)
        file = tmp_path / "part-2-documents.age"
        assert statement.body.sha256.encode() not in file.read_bytes()
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(StoreError):
            proposal(draft(b"same"), provenance)
