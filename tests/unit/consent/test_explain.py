"""Explaining a decision: what a party is told, what a stranger is not, and how a clinician mends what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from services.chassis.problems import Problem
from services.consent import agreements, declined, emergencies, evidence, explain, usecases
from services.consent.agreements import Asked
from services.consent.declined import Declining
from services.consent.explain import Question, Told
from services.consent.rules import mends
from services.consent.rules.elements import Missing
from services.consent.rules.lifecycle import Status
from services.consent.rules.mends import Dimension
from services.consent.rules.restrictions import Withheld
from services.consent.rules.standing import Member
from tests.unit.consent.examples import (
    COLLEAGUE,
    NOW,
    PATIENT,
    PHYSICIAN,
    PSYCHOLOGIST,
    SIGNED,
    STRANGER,
    TERMS,
    organization,
    text,
)
from tests.unit.consent.world import FORM, World, type_of

UNKNOWN = "pt_" + "z" * 26
QUESTION = Question(
    PATIENT,
    PSYCHOLOGIST.practitioner,
    Purpose.TREATMENT,
    frozenset({Information.DIAGNOSES}),
    frozenset({Sensitivity.GENERAL}),
)


def ask(world: World, member: Member = PHYSICIAN, **changed: Any) -> Told:
    return explain.explain(world.all, member, replace(QUESTION, **changed))


def missing(told: Told, consent: UUID) -> list[tuple[Dimension, str]]:
    """What one consent lacks."""
    judged = next(each for each in told.explanation.judgements if each.consent == consent)
    return [(each.dimension, each.value) for each in judged.missing]


def test_what_is_covered_is_a_permit_that_names_consent_and_version(world: World) -> None:
    consent = world.active()
    told = ask(world)
    assert told.explanation.permit
    (judged,) = told.explanation.judgements
    assert (judged.consent, judged.version, judged.missing) == (consent, 1, ())


def test_the_way_from_nothing_to_a_permit_is_told_step_by_step(world: World) -> None:
    """Each mend is done as it is told, until nothing is missing."""
    assert ask(world).explanation.judgements == ()
    consent = world.draft(replace(TERMS, information=frozenset()))
    found = missing(ask(world), consent)
    assert found[0] == (Dimension.STATUS, "draft")
    assert (Dimension.ELEMENT, "signature") in found
    assert {each.mend for each in _elements(ask(world), consent)} == {"Attach the signed form."}
    assert (Dimension.INFORMATION, "diagnoses") in found
    consent = world.draft()
    world.attach(consent)
    assert missing(ask(world), consent) == [
        (Dimension.STATUS, "draft"),
        (Dimension.DISCLOSER, f"practitioner:{PHYSICIAN.practitioner}"),
    ]
    world.accept(consent)
    assert missing(ask(world), consent) == [(Dimension.STATUS, "draft")]
    world.activate(consent)
    assert missing(ask(world), consent) == []
    assert ask(world).explanation.judgements[0].consent == consent


def test_what_a_form_lacks_is_put_right_in_the_draft_and_otherwise_in_a_new_version(world: World) -> None:
    consent = world.draft()
    evidence.attach(world.all, PHYSICIAN, consent, 1, replace(SIGNED, copy_given=False), [FORM])
    (lacking,) = _elements(ask(world), consent)
    assert (lacking.value, "new version" in lacking.mend) == ("copy-to-signer", False)
    assert "new version" in mends.element(Missing("plain-language", "x"), text(), Status.ACTIVE).mend


def _elements(told: Told, consent: UUID) -> list[mends.Missing]:
    judged = next(each for each in told.explanation.judgements if each.consent == consent)
    return [each for each in judged.missing if each.dimension is Dimension.ELEMENT]


def test_the_answer_goes_the_other_way_only_once_its_discloser_accepted(world: World) -> None:
    consent = world.active()
    told = ask(world, PSYCHOLOGIST, to=PHYSICIAN.practitioner)
    assert missing(told, consent) == [(Dimension.DISCLOSER, f"organization:{PSYCHOLOGIST.organization}")]
    assert "accept" in told.explanation.judgements[0].missing[0].mend
    world.accept(consent, member=COLLEAGUE)
    assert ask(world, PSYCHOLOGIST, to=PHYSICIAN.practitioner).explanation.permit


def test_the_version_in_force_is_told_and_a_draft_beside_it(world: World) -> None:
    consent = world.active(replace(TERMS, information=frozenset({Information.MEDICATIONS})))
    usecases.draft_version(world.all, PHYSICIAN, consent, TERMS)
    judged = ask(world).explanation.judgements
    assert [(each.version, each.status) for each in judged] == [(1, "active"), (2, "draft")]
    world.revoke(consent)
    assert [(each.version, each.status) for each in ask(world).explanation.judgements] == [(2, "revoked")]


def test_a_recipient_who_is_suspended_cannot_be_sent_to(world: World) -> None:
    consent = world.active()
    world.register.struck_off.add(PSYCHOLOGIST.practitioner)
    assert missing(ask(world), consent) == [(Dimension.RECIPIENT, f"practitioner:{PSYCHOLOGIST.practitioner}")]


def test_a_recipient_whom_the_directory_does_not_know_is_refused(world: World) -> None:
    for member in (PHYSICIAN, STRANGER):
        with pytest.raises(Problem) as problem:
            ask(world, member, to=uuid4())
        assert (type_of(problem.value), problem.value.more["field"]) == ("unknown-party", "to")


def test_nothing_is_explained_while_the_directory_is_away(world: World) -> None:
    world.register.away = True
    with pytest.raises(Problem) as problem:
        ask(world)
    assert problem.value.status == 503


def withhold(world: World, member: Member) -> None:
    withheld = Withheld(organization(member), None, frozenset({Information.DIAGNOSES}), frozenset())
    agreements.agree(world.all, member, Asked(PATIENT, withheld, NOW.date()))


def test_what_one_s_own_side_withholds_outweighs_the_consent_and_is_told(world: World) -> None:
    consent = world.active()
    withhold(world, PHYSICIAN)
    told = ask(world)
    assert told.explanation.restriction
    assert missing(told, consent) == [(Dimension.RESTRICTION, "withheld")]
    assert ask(world, information=frozenset({Information.MEDICATIONS})).explanation.permit


def test_what_the_other_side_withholds_is_not_told_and_stops_nobody_else(world: World) -> None:
    world.active()
    before = ask(world)
    withhold(world, PSYCHOLOGIST)
    assert ask(world) == before


@pytest.mark.parametrize("member", [STRANGER, Member(uuid4(), uuid4())])
def test_to_anyone_who_is_no_party_every_patient_reads_like_an_unknown_one(world: World, member: Member) -> None:
    """With a consent between others, restrictions, an emergency and a declined record: not a word differs."""
    unknown = ask(world, member, patient=UNKNOWN)
    world.active()
    world.revoke(world.active())
    withhold(world, PHYSICIAN)
    withhold(world, PSYCHOLOGIST)
    declined.record(world.all, PHYSICIAN, Declining(PATIENT, None, NOW.date()))
    labels = QUESTION.information, QUESTION.sensitivity
    said = emergencies.Declaration(PATIENT, uuid4(), STRANGER.practitioner, *labels, FORM)
    emergencies.declare(world.all, PHYSICIAN, said)
    assert ask(world, member) == unknown
    assert unknown.explanation.judgements == ()


def test_a_party_of_another_patient_s_consent_is_a_stranger_to_this_one(world: World) -> None:
    world.active(replace(TERMS, patient=UNKNOWN))
    assert ask(world).explanation.judgements == ()


def test_an_emergency_is_no_consent_that_a_further_letter_could_go_under(world: World) -> None:
    labels = QUESTION.information, QUESTION.sensitivity
    said = emergencies.Declaration(PATIENT, uuid4(), PSYCHOLOGIST.practitioner, *labels, FORM)
    emergencies.declare(world.all, PHYSICIAN, said)
    told = ask(world, purpose=Purpose.EMERGENCY)
    assert not told.explanation.permit
    assert told.explanation.judgements == ()


def test_that_the_patient_declined_is_told_beside_the_decision_and_does_not_change_it(world: World) -> None:
    world.active()
    made = declined.record(world.all, PHYSICIAN, Declining(PATIENT, organization(PSYCHOLOGIST), NOW.date()))
    told = ask(world)
    assert (told.declined, told.explanation.permit) == (True, True)
    assert not ask(world, PSYCHOLOGIST, to=PHYSICIAN.practitioner).declined
    declined.withdraw(world.all, PHYSICIAN, made.id)
    assert not ask(world).declined


def test_of_many_consents_the_nearest_are_told_and_a_permit_is_never_cut_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "MAX_REASONS", 2)
    for _ in range(4):
        world.draft(replace(TERMS, purposes=frozenset({Purpose.PATIENT_REQUEST})))
    consent = world.active()
    told = ask(world).explanation
    assert told.permit
    assert [each.consent for each in told.judgements][:1] == [consent]
    assert len(told.judgements) == 2


def test_explaining_tells_and_records_nothing(world: World) -> None:
    world.active()
    told, rung = len(world.told()), len(world.bell.rung)
    ask(world)
    assert (len(world.told()), len(world.bell.rung)) == (told, rung)


@pytest.mark.parametrize(
    ("changed", "cited"),
    [
        ({"sensitivity": frozenset({Sensitivity.PART_2})}, "42 CFR 2.31(a)"),
        ({"sensitivity": frozenset({Sensitivity.PSYCHOTHERAPY_NOTES})}, "45 CFR 164.508(a)(2)"),
        ({"sensitivity": frozenset({Sensitivity.SUD_COUNSELING_NOTES})}, "42 CFR 2.31(b)"),
        ({"purpose": Purpose.PAYMENT}, "42 CFR 2.31(a)(5)"),
        ({"purpose": Purpose.EMERGENCY}, "42 CFR 2.51"),
        ({"purpose": Purpose.CARE_COORDINATION}, "45 CFR 164.508(c)(1)(iv)"),
        ({"information": frozenset({Information.ALLERGIES})}, "45 CFR 164.508(c)(1)(i)"),
    ],
)
def test_what_another_type_of_consent_would_take_is_told_with_its_citation(
    world: World, changed: dict[str, Any], cited: str
) -> None:
    world.active()
    (lack,) = ask(world, **changed).explanation.judgements[0].missing
    assert lack.citation is not None
    assert lack.citation.startswith(cited)
