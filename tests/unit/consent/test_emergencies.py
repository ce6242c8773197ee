"""Releases in an emergency: one letter, recorded at once, reviewed, and no habit (42 CFR 2.51)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from concord_formats.vocabulary import Information, PartyKind, Sensitivity
from sqlalchemy import select

from services.chassis.event import Event
from services.chassis.inbox import Inbox as Handling
from services.chassis.problems import Problem
from services.consent import emergencies, events, evidence, notices, usecases
from services.consent.emergencies import Declaration
from services.consent.models import ConsentRow, EmergencyRow, Inbox, Outbox
from services.consent.rules.emergency import MAX_A_DAY, OPEN_FOR, REVIEW_WITHIN, Outcome
from services.consent.rules.standing import Member
from tests.unit.consent.examples import PATIENT, PHYSICIAN, PSYCHOLOGIST, STRANGER, TERMS
from tests.unit.consent.test_concurrency import at_once
from tests.unit.consent.world import FORM, World, type_of

OFFICER = Member(UUID(int=0xA9), PHYSICIAN.organization)
ROLE = "privacy-officer"


def declaration(**changed: object) -> Declaration:
    usual = Declaration(
        PATIENT,
        uuid4(),
        PSYCHOLOGIST.practitioner,
        frozenset({Information.MEDICATIONS}),
        frozenset({Sensitivity.PART_2}),
        FORM,
    )
    return replace(usual, **changed)


def declare(world: World, said: Declaration | None = None, member: Member = PHYSICIAN) -> UUID:
    return emergencies.declare(world.all, member, said or declaration()).consent.id


def refused(world: World, said: Declaration | None = None, member: Member = PHYSICIAN) -> Problem:
    with pytest.raises(Problem) as caught:
        declare(world, said, member)
    return caught.value


def test_an_emergency_comes_to_one_grant_of_one_letter(world: World) -> None:
    said = declaration()
    declare(world, said)
    (grant,) = world.told()[-1].data["grants"]
    assert grant["letter"] == str(said.letter)
    assert grant["purposes"] == ["emergency"]
    assert (grant["information"], grant["sensitivity"]) == (["medications"], ["part-2"])
    assert grant["discloser"] == {"kind": "practitioner", "id": str(PHYSICIAN.practitioner)}
    assert grant["withheld"] == []


def test_it_is_open_for_three_days_and_no_longer(world: World) -> None:
    declare(world)
    (grant,) = world.told()[-1].data["grants"]
    until = world.clock.now() + OPEN_FOR
    assert grant["valid_until"] == until.isoformat().replace("+00:00", "Z")


def test_the_documentation_is_there_with_the_record_or_there_is_no_record(world: World) -> None:
    assert type_of(refused(world, declaration(documentation=b"in the clear"))) == "evidence-not-sealed"
    with world.database.transaction() as session:
        assert session.scalars(select(ConsentRow.id)).all() == []
    consent = declare(world)
    stored = evidence.read(world.all, PHYSICIAN, consent, 1)
    assert b"".join(stored.pieces) == FORM


def test_declaring_again_for_the_same_letter_is_one_emergency(world: World) -> None:
    said = declaration()
    assert declare(world, said) == declare(world, said)
    with world.database.transaction() as session:
        assert len(session.scalars(select(EmergencyRow.consent)).all()) == 1


def test_nobody_declares_an_emergency_to_themselves_or_to_nobody(world: World) -> None:
    assert type_of(refused(world, declaration(recipient=PHYSICIAN.practitioner))) == "invalid-field"
    unknown = uuid4()
    world.register.struck_off.add(unknown)
    assert type_of(refused(world, declaration(recipient=unknown))) == "unknown-party"


def test_a_patient_s_consent_cannot_pass_for_an_emergency(world: World) -> None:
    consent = declare(world)
    with pytest.raises(Problem) as caught:
        usecases.draft_version(world.all, PHYSICIAN, consent, replace(TERMS, recipient=_psychologist()))
    assert type_of(caught.value) in ("emergency-is-one-letter", "invalid-field")


def _psychologist() -> object:
    return type(TERMS.discloser)(PartyKind.PRACTITIONER, PSYCHOLOGIST.practitioner)


def test_more_than_a_few_a_day_are_a_habit(world: World) -> None:
    for _ in range(MAX_A_DAY):
        declare(world)
    problem = refused(world)
    assert (problem.status, type_of(problem)) == (403, "emergency-limit")
    declare(world, member=PSYCHOLOGIST_TO_PHYSICIAN[0], said=PSYCHOLOGIST_TO_PHYSICIAN[1])
    world.clock.pass_(timedelta(days=1, seconds=1).total_seconds())
    declare(world)


@pytest.mark.real
def test_declaring_for_many_patients_at_once_does_not_pass_the_limit(real_world: World) -> None:
    """Their locks differ, and each would count what the others have not committed yet."""
    said = [declaration(patient=f"pt_{str(n) * 26}") for n in range(2, 2 + MAX_A_DAY + 3)]
    answers = at_once(*[lambda one=one: declare(real_world, one) for one in said])  # type: ignore[misc]
    assert sorted(answer for answer in answers if isinstance(answer, str)) == ["emergency-limit"] * 3


PSYCHOLOGIST_TO_PHYSICIAN = (PSYCHOLOGIST, declaration(recipient=PHYSICIAN.practitioner))


def test_one_that_nobody_reviewed_for_a_week_stops_the_next(world: World) -> None:
    consent = declare(world)
    world.clock.pass_((REVIEW_WITHIN + timedelta(seconds=1)).total_seconds())
    assert type_of(refused(world)) == "emergency-limit"
    emergencies.review(world.all, OFFICER, ROLE, consent, Outcome.JUSTIFIED)
    declare(world)


def test_the_queue_is_the_organization_s_reviewers(world: World) -> None:
    consent = declare(world)
    queue = emergencies.queue(world.all, OFFICER, ROLE, None, 10, waiting=True)
    assert [each.consent.id for each in queue] == [consent]
    other = Member(uuid4(), PSYCHOLOGIST.organization)
    assert emergencies.queue(world.all, other, ROLE, None, 10, waiting=True) == []
    with pytest.raises(Problem) as caught:
        emergencies.queue(world.all, PHYSICIAN, "practitioner", None, 10, waiting=True)
    assert type_of(caught.value) == "not-a-reviewer"


def test_a_review_takes_it_off_the_queue_and_stays_on_record(world: World) -> None:
    consent = declare(world)
    emergencies.review(world.all, OFFICER, ROLE, consent, Outcome.NOT_JUSTIFIED)
    assert emergencies.queue(world.all, OFFICER, ROLE, None, 10, waiting=True) == []
    (found,) = emergencies.queue(world.all, OFFICER, "administrator", None, 10, waiting=False)
    assert (found.emergency.outcome, found.emergency.reviewed_by) == ("not-justified", OFFICER.practitioner)


@pytest.mark.parametrize(
    ("member", "type_"), [(PHYSICIAN, "own-emergency"), (STRANGER, "not-found"), (PSYCHOLOGIST, "not-found")]
)
def test_nobody_reviews_their_own_or_another_organization_s(world: World, member: Member, type_: str) -> None:
    consent = declare(world)
    with pytest.raises(Problem) as caught:
        emergencies.review(world.all, member, ROLE, consent, Outcome.JUSTIFIED)
    assert type_of(caught.value) == type_


def notified(world: World) -> None:
    """Hand this service's own events to its inbox, each twice."""
    with world.database.transaction() as session:
        found = [Event.decode(body) for body in session.scalars(select(Outbox.body).order_by(Outbox.id))]
    handling = Handling(world.database, world.clock, notices.HANDLERS, Inbox)
    for event in found:
        if event.type in handling.types:
            handling.handle(event)
            handling.handle(event)


def test_the_privacy_officer_is_told_once(world: World) -> None:
    said = declaration()
    consent = declare(world, said)
    notified(world)
    (notice,) = notices.page(world.all, OFFICER, ROLE, 0, 10)
    assert (notice.kind, notice.consent) == ("emergency-declared", consent)
    assert notice.facts == {"letter": str(said.letter), "practitioner": str(PHYSICIAN.practitioner)}
    assert notices.page(world.all, PHYSICIAN, "practitioner", 0, 10) == []
    assert notices.page(world.all, PSYCHOLOGIST, ROLE, 0, 10) == []
    assert notices.page(world.all, OFFICER, ROLE, notice.id, 10) == []


def test_a_notice_of_an_old_event_does_not_come_again(world: World) -> None:
    declare(world)
    notified(world)
    with world.database.transaction() as session:
        for row in session.scalars(select(Inbox)).all():
            session.delete(row)
    notified(world)
    assert len(notices.page(world.all, OFFICER, ROLE, 0, 10)) == 1


def test_both_parties_are_told_of_a_consent_that_ends(world: World) -> None:
    consent = world.active(replace(TERMS, valid_until=world.clock.now() + timedelta(days=5)))
    row = usecases.show(world.all, PHYSICIAN, consent).consent
    event = Event.create(
        "consent", events.RENEWAL_DUE, events.renewal_due(row, row.versions[0], 7), time=world.clock.now()
    )
    Handling(world.database, world.clock, notices.HANDLERS, Inbox).handle(event)
    for member in (PHYSICIAN, PSYCHOLOGIST):
        (notice,) = notices.page(world.all, member, "practitioner", 0, 10)
        assert (notice.kind, notice.facts["days"]) == ("renewal-due", 7)
    assert notices.page(world.all, STRANGER, "practitioner", 0, 10) == []


def test_an_emergency_is_revoked_like_a_consent(world: World) -> None:
    """A letter that was sent by mistake is stopped the same way."""
    consent = declare(world)
    world.revoke(consent, PHYSICIAN)
    assert world.told()[-1].type == events.REVOKED
