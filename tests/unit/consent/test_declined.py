"""A patient who declined coordination is a record as well: of one organization, and without an effect at the gate."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from concord_formats.vocabulary import PartyKind

from services.chassis.problems import Problem
from services.consent import declined
from services.consent.declined import Declining
from services.consent.models import DeclinedRow
from services.consent.rules.standing import Member
from services.consent.rules.terms import Party
from tests.unit.consent.examples import (
    COLLEAGUE,
    NOW,
    PATIENT,
    PHYSICIAN,
    PSYCHOLOGIST,
    STRANGER,
    organization,
    practitioner,
)
from tests.unit.consent.world import World, type_of

PARTNER = Member(uuid4(), PHYSICIAN.organization)


def decline(world: World, party: Party | None = None, member: Member = PHYSICIAN) -> DeclinedRow:
    return declined.record(world.all, member, Declining(PATIENT, party, NOW.date()))


def stands(world: World, recipient: Member, member: Member = PHYSICIAN) -> bool:
    with world.database.transaction() as session:
        return declined.stands(session, member, PATIENT, recipient)


def test_what_an_organization_recorded_its_members_see_and_nobody_else(world: World) -> None:
    made = decline(world)
    for member in (PHYSICIAN, PARTNER):
        assert [row.id for row in declined.list_own(world.all, member, PATIENT, None, 10)] == [made.id]
    for member in (PSYCHOLOGIST, STRANGER):
        assert declined.list_own(world.all, member, PATIENT, None, 10) == []


def test_declining_with_nobody_named_stands_against_everybody(world: World) -> None:
    decline(world)
    assert stands(world, PSYCHOLOGIST)
    assert stands(world, STRANGER)
    assert not stands(world, STRANGER, PSYCHOLOGIST)


@pytest.mark.parametrize(
    ("party", "against"),
    [(organization(PSYCHOLOGIST), (True, True, False)), (practitioner(PSYCHOLOGIST), (True, False, False))],
)
def test_declining_with_a_party_stands_against_that_party(
    world: World, party: Party, against: tuple[bool, bool, bool]
) -> None:
    decline(world, party)
    assert tuple(stands(world, each) for each in (PSYCHOLOGIST, COLLEAGUE, STRANGER)) == against


def test_a_patient_who_changed_their_mind_leaves_a_record_that_no_longer_stands(world: World) -> None:
    made = decline(world)
    world.clock.pass_(60)
    done = declined.withdraw(world.all, PARTNER, made.id)
    assert (done.withdrawn_by, done.withdrawn_at) == (PARTNER.practitioner, world.clock.now())
    assert not stands(world, PSYCHOLOGIST)
    world.clock.pass_(60)
    again = declined.withdraw(world.all, PHYSICIAN, made.id)
    assert (again.withdrawn_by, again.withdrawn_at) == (done.withdrawn_by, done.withdrawn_at)
    assert [row.id for row in declined.list_own(world.all, PHYSICIAN, PATIENT, None, 10)] == [made.id]


@pytest.mark.parametrize("member", [PSYCHOLOGIST, STRANGER])
def test_another_organization_withdraws_nothing_and_learns_nothing(world: World, member: Member) -> None:
    made = decline(world)
    for record in (made.id, uuid4()):
        with pytest.raises(Problem) as problem:
            declined.withdraw(world.all, member, record)
        assert (problem.value.status, type_of(problem.value)) == (404, "not-found")
    assert stands(world, PSYCHOLOGIST)


def test_a_consent_can_be_drafted_and_put_in_force_all_the_same(world: World) -> None:
    """A patient may change their mind: their signature says so."""
    decline(world)
    told = len(world.told())
    consent = world.active()
    assert world.statuses(consent) == ["active"]
    assert len(world.told()) == told + 1


@pytest.mark.parametrize("day", [NOW.date() + timedelta(days=2), date(1899, 12, 31)])
def test_a_day_that_has_not_come_or_is_absurd_is_refused(world: World, day: date) -> None:
    with pytest.raises(Problem) as problem:
        declined.record(world.all, PHYSICIAN, Declining(PATIENT, None, day))
    assert (type_of(problem.value), problem.value.more["field"]) == ("invalid-field", "declined_on")


def test_a_party_whom_nobody_knows_is_refused(world: World) -> None:
    nobody = Party(PartyKind.ORGANIZATION, uuid4())
    world.register.struck_off.add(nobody.id)
    with pytest.raises(Problem) as problem:
        decline(world, nobody)
    assert (type_of(problem.value), problem.value.more["field"]) == ("unknown-party", "with")
