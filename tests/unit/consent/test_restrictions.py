"""Restrictions: what a provider agreed to withhold holds everywhere before it is answered, and outweighs consents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.vocabulary import Information, PartyKind, Sensitivity

from services.chassis.problems import Problem
from services.consent import agreements, emergencies, events, usecases
from services.consent.agreements import Asked, Restriction
from services.consent.rules.grants import party_fact
from services.consent.rules.restrictions import EndedHow, RestrictionStatus, Withheld
from services.consent.rules.standing import Member
from services.consent.rules.terms import Party
from tests.unit.consent.examples import (
    COLLEAGUE,
    DAY,
    NOW,
    PATIENT,
    PHYSICIAN,
    PSYCHOLOGIST,
    STRANGER,
    TERMS,
    organization,
    practitioner,
)
from tests.unit.consent.world import FORM, World, type_of

HIV = frozenset({Sensitivity.HIV})
WITHHELD = Withheld(organization(PHYSICIAN), None, frozenset(), HIV)
ASKED = Asked(PATIENT, WITHHELD, NOW.date())
FACT = {
    "discloser": party_fact(WITHHELD.discloser),
    "recipient": None,
    "information": [],
    "sensitivity": ["hiv"],
}


def agree(world: World, asked: Asked = ASKED, member: Member = PHYSICIAN) -> Restriction:
    return agreements.agree(world.all, member, asked)


def end(world: World, made: Restriction, member: Member = PHYSICIAN) -> Restriction:
    return agreements.end(world.all, member, made.row.id, EndedHow.PATIENT_REQUESTED)


def asking(**changed: Any) -> Asked:
    return replace(ASKED, withheld=replace(WITHHELD, **changed))


def refused(problem: pytest.ExceptionInfo[Problem]) -> tuple[int, str]:
    return problem.value.status, type_of(problem.value)


def withheld_at_the_gate(world: World, consent: UUID) -> list[Any]:
    """What every grant of a consent withholds, as it was last told."""
    told = [each for each in world.told() if each.data["consent"] == str(consent)]
    (withheld, *others) = [grant["withheld"] for grant in told[-1].data["grants"]]
    assert all(each == withheld for each in others)
    return list(withheld)


def test_agreeing_tells_every_consent_in_force_anew_with_what_is_withheld(world: World) -> None:
    one, other = world.active(), world.active(replace(TERMS, mutual=False))
    world.accept(one, member=PSYCHOLOGIST)
    before = len(world.told())
    made = agree(world)
    assert [each.type for each in world.told()[before:]] == [events.ACTIVATED] * 2
    assert withheld_at_the_gate(world, one) == withheld_at_the_gate(world, other) == [FACT]
    assert (made.row.status, made.effective_at) == (RestrictionStatus.AGREED, NOW)


def test_it_is_answered_once_the_last_of_them_holds_everywhere_waiting_as_for_a_revocation(world: World) -> None:
    world.active()
    world.active()
    world.barrier.asked.clear()
    agree(world)
    assert world.barrier.asked == [(len(world.told()), usecases.REVOCATION_WAIT_SECONDS)]
    assert set(world.bell.rung) >= {"feed", "outbox"}


def test_what_is_not_confirmed_yet_says_so_and_agreeing_again_waits_on_and_records_nothing(world: World) -> None:
    world.active()
    world.barrier.holds = False
    made = agree(world)
    assert made.effective_at is None
    told = len(world.told())
    world.barrier.holds = True
    again = agree(world)
    assert (again.row.id, again.effective_at) == (made.row.id, NOW)
    assert len(world.told()) == told


def test_without_a_consent_in_force_it_holds_at_once_and_binds_those_that_come(world: World) -> None:
    ready = world.ready()
    gone = world.active()
    world.revoke(gone)
    told = len(world.told())
    assert agree(world).effective_at == NOW
    assert len(world.told()) == told
    world.activate(ready)
    assert withheld_at_the_gate(world, ready) == [FACT]


def test_a_further_version_and_a_further_direction_carry_it(world: World) -> None:
    consent = world.active()
    agree(world)
    world.accept(consent, member=PSYCHOLOGIST)
    assert withheld_at_the_gate(world, consent) == [FACT]
    usecases.draft_version(world.all, PHYSICIAN, consent, TERMS)
    world.attach(consent, 2)
    world.accept(consent, 2)
    world.activate(consent, 2)
    assert withheld_at_the_gate(world, consent) == [FACT]


def test_another_patient_s_consents_are_left_alone(world: World) -> None:
    consent = world.active(replace(TERMS, patient="pt_" + "b" * 26))
    agree(world)
    assert withheld_at_the_gate(world, consent) == []


def test_ended_by_the_patient_s_word_it_withholds_nothing_more_and_the_others_stay(world: World) -> None:
    consent = world.active()
    first, second = agree(world), agree(world, asking(information=frozenset({Information.DIAGNOSES})))
    assert len(withheld_at_the_gate(world, consent)) == 2
    ended = end(world, first, Member(uuid4(), PHYSICIAN.organization))
    assert (ended.row.status, ended.row.ended_how, ended.row.ended_at) == ("ended", "patient-requested", NOW)
    assert [each["information"] for each in withheld_at_the_gate(world, consent)] == [["diagnoses"]]
    told = len(world.told())
    assert end(world, first).row.ended_by == ended.row.ended_by
    assert len(world.told()) == told
    end(world, second)
    assert withheld_at_the_gate(world, consent) == []


def test_after_its_end_the_same_can_be_agreed_to_anew(world: World) -> None:
    consent = world.active()
    first = agree(world)
    end(world, first)
    assert agree(world).row.id != first.row.id
    assert withheld_at_the_gate(world, consent) == [FACT]


def test_what_was_asked_and_not_agreed_to_is_on_record_and_withholds_nothing(world: World) -> None:
    consent = world.active()
    told = len(world.told())
    made = agreements.refuse(world.all, PHYSICIAN, ASKED)
    assert (made.row.status, len(world.told())) == ("declined-by-provider", told)
    world.accept(consent, member=PSYCHOLOGIST)
    assert withheld_at_the_gate(world, consent) == []
    with pytest.raises(Problem) as problem:
        end(world, made)
    assert refused(problem) == (409, "restriction-not-agreed")


@pytest.mark.parametrize("party", [organization(PSYCHOLOGIST), practitioner(COLLEAGUE), practitioner(STRANGER)])
def test_nobody_binds_another_side(world: World, party: Party) -> None:
    for verb in (agreements.agree, agreements.refuse):
        with pytest.raises(Problem) as problem:
            verb(world.all, PHYSICIAN, asking(discloser=party))
        assert refused(problem) == (403, "not-the-discloser")


@pytest.mark.parametrize("member", [PSYCHOLOGIST, STRANGER])
def test_the_other_side_of_a_consent_neither_sees_nor_ends_it(world: World, member: Member) -> None:
    world.active()
    made = agree(world)
    assert agreements.list_own(world.all, member, PATIENT, None, 10) == []
    for restriction in (made.row.id, uuid4()):
        with pytest.raises(Problem) as problem:
            agreements.end(world.all, member, restriction, EndedHow.PATIENT_AGREED)
        assert refused(problem) == (404, "not-found")


def test_what_one_practitioner_withholds_is_theirs_and_what_the_practice_withholds_is_everybody_s_there(
    world: World,
) -> None:
    partner = Member(uuid4(), PHYSICIAN.organization)
    own, ours = agree(world, asking(discloser=practitioner(PHYSICIAN))), agree(world)
    listed = [each.row.id for each in agreements.list_own(world.all, PHYSICIAN, PATIENT, None, 10)]
    assert set(listed) == {own.row.id, ours.row.id}
    assert [each.row.id for each in agreements.list_own(world.all, partner, PATIENT, None, 10)] == [ours.row.id]


def test_a_list_goes_on_page_by_page_and_misses_nothing(world: World) -> None:
    for label in Sensitivity:
        agree(world, asking(sensitivity=frozenset({label})))
        world.clock.pass_(0 if label in HIV else 1)
    seen, after = [], None
    while page := agreements.list_own(world.all, PHYSICIAN, PATIENT, after, 3):
        seen += [each.row.sensitivity[0] for each in page]
        after = page[-1].row.created_at, page[-1].row.id
    assert sorted(seen) == sorted(Sensitivity)


@pytest.mark.parametrize("day", [NOW.date() + timedelta(days=2), date(1899, 12, 31), date.max, date.min])
def test_a_day_that_has_not_come_or_is_absurd_is_refused(world: World, day: date) -> None:
    with pytest.raises(Problem) as problem:
        agree(world, replace(ASKED, requested_on=day))
    assert (*refused(problem), problem.value.more["field"]) == (422, "invalid-field", "requested_on")


def test_a_recipient_whom_nobody_knows_is_refused_for_nothing_would_be_withheld(world: World) -> None:
    nobody = Party(PartyKind.PRACTITIONER, uuid4())
    world.register.struck_off.add(nobody.id)
    with pytest.raises(Problem) as problem:
        agree(world, asking(recipient=nobody))
    assert (*refused(problem), problem.value.more["field"]) == (422, "unknown-party", "recipient")


def test_more_than_anybody_asks_for_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreements, "MAX_STANDING", 2)
    made = [agree(world, asking(sensitivity=frozenset({each}))) for each in list(Sensitivity)[:2]]
    with pytest.raises(Problem) as problem:
        agree(world, asking(sensitivity=frozenset({Sensitivity.GENETIC})))
    assert refused(problem) == (409, "too-many-restrictions")
    end(world, made[0])
    agree(world, asking(sensitivity=frozenset({Sensitivity.GENETIC})))


def test_an_emergency_is_no_consent_and_withholds_nothing(world: World) -> None:
    """45 CFR 164.522(a)(1)(iii): for emergency treatment what is restricted may go."""
    consent = world.active()
    agree(world)
    kinds = frozenset({Information.DIAGNOSES})
    said = emergencies.Declaration(PATIENT, uuid4(), STRANGER.practitioner, kinds, HIV, FORM)
    declared = emergencies.declare(world.all, PHYSICIAN, said).consent.id
    assert withheld_at_the_gate(world, declared) == []
    agree(world, asking(sensitivity=frozenset({Sensitivity.GENERAL})))
    assert withheld_at_the_gate(world, declared) == []
    assert len(withheld_at_the_gate(world, consent)) == 2


def test_a_snapshot_tells_what_the_feed_told(world: World) -> None:
    consents = [world.active(), world.active(replace(TERMS, patient="pt_" + "b" * 26))]
    agree(world)
    end(world, agree(world, asking(sensitivity=frozenset())))
    with world.database.transaction() as session:
        told = {fact["consent"]: fact for fact in events.facts(session)}
    assert [told[str(each)]["grants"][0]["withheld"] for each in consents] == [[FACT], []]
    last = {each.data["consent"]: each.data["grants"] for each in world.told()}
    assert {consent: fact["grants"] for consent, fact in told.items()} == last


def test_a_consent_that_came_to_its_end_is_told_with_its_empty_window(world: World) -> None:
    """Telling anew never brings back what has ended."""
    consent = world.active()
    world.clock.pass_((400 * DAY).total_seconds())
    agree(world, replace(ASKED, requested_on=world.clock.now().date()))
    (grant,) = world.told()[-1].data["grants"]
    assert grant["valid_until"] < world.clock.now().isoformat()
    assert world.statuses(consent) == ["active"]
