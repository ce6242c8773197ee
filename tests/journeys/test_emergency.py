"""An emergency: one letter without consent, told to the privacy officer, in the account, and no more than that."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest
from concord.api import Consent
from concord.errors import EmergencyError, ServiceError
from concord.letters import Draft
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from tests.deployment import wait_for
from tests.journeys.world import World
from tests.people import delivered, until_effective

KINDS = frozenset({Information.MEDICATIONS})
PART_2 = frozenset({Sensitivity.PART_2})
NATURE = "Found unresponsive; the emergency room asks what they take."


def draft(consent: object, world: World, **changed: object) -> Draft:
    usual: dict[str, object] = {
        "body": io.BytesIO(b"Methadone 80 mg daily, last taken this morning. Note " + uuid4().bytes.hex().encode()),
        "media_type": "text/plain",
        "consent": consent,
        "purpose": Purpose.EMERGENCY,
        "information": KINDS,
        "sensitivity": PART_2,
        "recipients": (world.people.psychologist.practitioner,),
    }
    return Draft(**(usual | changed))  # type: ignore[arg-type]


def declared(world: World, alias: str, name: str) -> Consent:
    """An emergency of a patient nobody asked, once its letter may pass everywhere and the privacy officer was told.

    What is told a moment later would else be a row too many for whoever counts them next.
    """
    sender, office = world.people.physician, world.people.practices[0].office
    token = sender.address_book.add(alias, name).token
    record = sender.emergencies.declare(token, world.people.psychologist.practitioner, KINDS, PART_2, NATURE)
    until_effective(lambda: sender.consents.show(record.id).latest.effective_at)
    told = lambda: any(each.consent == record.id for each in office.emergencies.notices())  # noqa: E731
    wait_for(told, 60, "the privacy officer is told")
    return record


def test_one_letter_leaves_without_consent_and_everybody_who_should_know_knows(world: World) -> None:
    sender, recipient = world.people.physician, world.people.psychologist
    record = declared(world, "night-call", "Alma Reyes")
    sent = delivered(sender, draft(record.id, world))
    assert sent.letter == record.letter
    body = io.BytesIO()
    opened = recipient.letters.open(sent.letter, body)
    assert b"Methadone" in body.getvalue()
    assert opened.statement.purpose is Purpose.EMERGENCY
    assert "42 CFR part 2 prohibits" in str(opened.statement.notice)
    office = world.people.practices[0].office
    assert record.id in [each.consent for each in office.emergencies.waiting()]
    documented = office.emergencies.documentation(record.id)
    assert (documented["nature"], documented["recipient"]) == (NATURE, recipient.whoami().name)
    assert documented["facility"] == recipient.whoami().organization.name
    assert office.emergencies.review(record.id, "justified").outcome == "justified"
    assert record.id not in [each.consent for each in office.emergencies.waiting()]


def test_an_emergency_opens_nothing_beside_its_one_letter(world: World) -> None:
    sender = world.people.physician
    record = declared(world, "second-call", "Bruno Diaz")
    with pytest.raises(ServiceError) as refused:
        sender.letters.send(draft(record.id, world, sensitivity=frozenset({Sensitivity.HIV})))
    assert refused.value.type == "label-not-covered"
    with pytest.raises(ServiceError) as refused:
        sender.letters.send(
            draft(record.id, world, purpose=Purpose.TREATMENT, sensitivity=frozenset({Sensitivity.HIV}))
        )
    assert refused.value.type == "purpose-not-covered"


def test_an_emergency_that_says_nothing_is_none(world: World) -> None:
    sender, recipient = world.people.physician, world.people.psychologist
    for nature in ("", "   ", "x" * 2001):
        with pytest.raises(EmergencyError):
            sender.emergencies.declare("pt_" + "a" * 26, recipient.practitioner, KINDS, PART_2, nature)


def test_a_clinician_sees_no_queue_of_reviews(world: World) -> None:
    with pytest.raises(ServiceError) as refused:
        list(world.people.physician.emergencies.waiting())
    assert refused.value.type == "not-a-reviewer"
