"""A restriction and a consent at once: whichever comes first, no grant is ever left that lacks the restriction.

On PostgreSQL and real threads; SQLite has one writer by nature.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from concord_formats.vocabulary import Sensitivity

from services.consent import agreements, upkeep, usecases
from services.consent.agreements import Asked, Restriction
from services.consent.rules.restrictions import EndedHow, Withheld
from tests.unit.consent.examples import DAY, NOW, PATIENT, PHYSICIAN, PSYCHOLOGIST, TERMS, organization
from tests.unit.consent.test_concurrency import assert_gap_free, at_once, told_of
from tests.unit.consent.world import World

pytestmark = pytest.mark.real
ROUNDS = 6


def asked(label: Sensitivity = Sensitivity.HIV, patient: str = PATIENT) -> Asked:
    withheld = Withheld(organization(PHYSICIAN), None, frozenset(), frozenset({label}))
    return Asked(patient, withheld, NOW.date())


def agree(world: World, label: Sensitivity = Sensitivity.HIV, patient: str = PATIENT) -> Restriction:
    return agreements.agree(world.all, PHYSICIAN, asked(label, patient))


def end(world: World, made: Restriction) -> Restriction:
    return agreements.end(world.all, PHYSICIAN, made.row.id, EndedHow.PATIENT_AGREED)


def withheld_last(world: World, consent: UUID) -> list[list[list[str]]]:
    """For each grant as last told, the sensitivities of each restriction."""
    told = [each for each in world.told() if each.data["consent"] == str(consent)]
    return [[each["sensitivity"] for each in grant["withheld"]] for grant in told[-1].data["grants"]]


def patient_of(round_: int) -> str:
    return "pt_" + "abcdefgh"[round_] * 26


def test_a_restriction_during_an_activation_is_in_every_grant_that_is_left(real_world: World) -> None:
    for round_ in range(ROUNDS):
        patient = patient_of(round_)
        consents = [real_world.ready(replace(TERMS, patient=patient)) for _ in range(2)]
        answers = at_once(
            *[lambda c=each: real_world.activate(c) for each in consents],
            lambda p=patient: agree(real_world, patient=p),  # type: ignore[misc]
        )
        assert isinstance(answers[-1], Restriction)
        assert [withheld_last(real_world, each) for each in consents] == [[[["hiv"]]]] * 2
    assert_gap_free(real_world)


def test_a_restriction_during_a_supersession_or_an_acceptance_is_not_lost(real_world: World) -> None:
    for round_ in range(ROUNDS):
        patient = patient_of(round_)
        terms = replace(TERMS, patient=patient)
        superseded, accepted = real_world.active(terms), real_world.active(terms)
        usecases.draft_version(real_world.all, PHYSICIAN, superseded, terms)
        real_world.attach(superseded, 2)
        real_world.accept(superseded, 2)
        at_once(
            lambda c=superseded: real_world.activate(c, 2),  # type: ignore[misc]
            lambda c=accepted: real_world.accept(c, member=PSYCHOLOGIST),  # type: ignore[misc]
            lambda p=patient: agree(real_world, patient=p),  # type: ignore[misc]
        )
        assert withheld_last(real_world, superseded) == [[["hiv"]]]
        assert withheld_last(real_world, accepted) == [[["hiv"]]] * 2
    assert_gap_free(real_world)


def test_a_restriction_never_brings_back_what_is_revoked_meanwhile(real_world: World) -> None:
    for round_ in range(ROUNDS):
        patient = patient_of(round_)
        gone, kept = (real_world.active(replace(TERMS, patient=patient)) for _ in range(2))
        at_once(
            lambda c=gone: real_world.revoke(c),  # type: ignore[misc]
            lambda p=patient: agree(real_world, patient=p),  # type: ignore[misc]
        )
        assert told_of(real_world, gone)[-1].endswith("revoked.v1")
        assert withheld_last(real_world, kept) == [[["hiv"]]]
    assert_gap_free(real_world)


def test_the_same_agreed_to_at_once_is_one(real_world: World) -> None:
    real_world.active()
    answers = at_once(*[lambda: agree(real_world) for _ in range(4)])
    assert len({answer.row.id for answer in answers if isinstance(answer, Restriction)}) == 1
    assert len(real_world.told()) == 2


def test_agreeing_to_one_while_another_ends_leaves_exactly_the_one(real_world: World) -> None:
    for round_ in range(ROUNDS):
        patient = patient_of(round_)
        consents = [real_world.active(replace(TERMS, patient=patient)) for _ in range(2)]
        first = agree(real_world, Sensitivity.GENETIC, patient)
        at_once(
            lambda made=first: end(real_world, made),  # type: ignore[misc]
            lambda p=patient: agree(real_world, patient=p),  # type: ignore[misc]
        )
        assert [withheld_last(real_world, each) for each in consents] == [[[["hiv"]]]] * 2


def test_reminders_and_the_law_s_judge_stand_in_nobody_s_way(real_world: World) -> None:
    """They lock several consents of a patient as well, in an order of their own."""
    soon = replace(TERMS, valid_until=NOW + 5 * DAY, valid_from=NOW - 60 * DAY)
    consents = [real_world.active(soon) for _ in range(12)]
    at_once(
        lambda: agree(real_world),
        lambda: agree(real_world, Sensitivity.GENETIC),
        lambda: upkeep.remind(real_world.all),
        lambda: upkeep.remind(real_world.all),
        lambda: upkeep.judge_anew(real_world.all),
    )
    upkeep.remind(real_world.all)
    for each in consents:
        assert sorted(withheld_last(real_world, each)[0]) == [["genetic"], ["hiv"]]
    assert upkeep.remind(real_world.all) == 0
