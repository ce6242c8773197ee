"""The gate's truth table: one grant that covers everything, or a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest
from concord_formats.address import Address
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.refusals import refusal_problem
from services.messaging.rules import (
    Consent,
    Device,
    Facts,
    Grant,
    Party,
    Permit,
    Person,
    Reason,
    Refusal,
    Status,
    decide,
    told,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ALICE = Person(uuid4(), uuid4(), Status.ACTIVE)
BOB = Person(uuid4(), uuid4(), Status.ACTIVE)
EVE = Person(uuid4(), uuid4(), Status.ACTIVE)
PATIENT = "pt_" + "a" * 26


def person(who: Person) -> Party:
    return Party(PartyKind.PRACTITIONER, who.id)


def organization(who: Person) -> Party:
    return Party(PartyKind.ORGANIZATION, who.organization)


GRANT = Grant(
    person(ALICE),
    person(BOB),
    frozenset({Purpose.TREATMENT}),
    frozenset({Information.DIAGNOSES, Information.MEDICATIONS}),
    frozenset({Sensitivity.GENERAL}),
    NOW - DAY,
    NOW + DAY,
)
CONSENT = Consent(uuid4(), 2, Status.ACTIVE, PATIENT, (person(ALICE), person(BOB)), (GRANT,))
DEVICE = Device(uuid4(), ALICE.id, Status.ACTIVE)
LETTER = Address(
    v=1,
    letter=uuid4(),
    sender=ALICE.id,
    device=DEVICE.id,
    recipients=(BOB.id,),
    patient=PATIENT,
    consent=CONSENT.id,
    consent_version=2,
    purpose=Purpose.TREATMENT,
    information=frozenset({Information.DIAGNOSES}),
    sensitivity=frozenset({Sensitivity.GENERAL}),
    thread=uuid4(),
    sealed_at=NOW,
)
FACTS = Facts(LETTER, ALICE, BOB, ALICE.id, DEVICE, CONSENT)


def letter(**changed: object) -> Address:
    return LETTER.model_copy(update=changed)


def with_grants(*grants: Grant) -> Facts:
    return replace(FACTS, consent=replace(CONSENT, grants=grants))


def reason(facts: Facts, now: datetime = NOW) -> Reason | None:
    decision = decide(facts, now)
    return decision.reason if isinstance(decision, Refusal) else None


def test_a_letter_that_one_grant_covers_is_permitted() -> None:
    assert decide(FACTS, NOW) == Permit(GRANT)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (replace(FACTS, sender=None), Reason.SENDER_SUSPENDED),
        (replace(FACTS, sender=replace(ALICE, status=Status.SUSPENDED)), Reason.SENDER_SUSPENDED),
        (replace(FACTS, sender=replace(ALICE, status=Status.UNKNOWN)), Reason.SENDER_SUSPENDED),
        (replace(FACTS, device=None), Reason.DEVICE_REVOKED),
        (replace(FACTS, device=replace(DEVICE, status=Status.REVOKED)), Reason.DEVICE_REVOKED),
        (replace(FACTS, device=replace(DEVICE, status=Status.UNKNOWN)), Reason.DEVICE_REVOKED),
        (replace(FACTS, device=replace(DEVICE, holder=BOB.id)), Reason.DEVICE_REVOKED),
        (replace(FACTS, consent=None), Reason.NO_ACTIVE_CONSENT),
        (replace(FACTS, consent=replace(CONSENT, status=Status.UNKNOWN)), Reason.NO_ACTIVE_CONSENT),
        (replace(FACTS, consent=replace(CONSENT, status=Status.REVOKED)), Reason.CONSENT_REVOKED),
        (replace(FACTS, letter=letter(patient="pt_" + "b" * 26)), Reason.NO_ACTIVE_CONSENT),
        (replace(FACTS, letter=letter(consent_version=1)), Reason.CONSENT_SUPERSEDED),
        (replace(FACTS, letter=letter(consent_version=3)), Reason.NO_ACTIVE_CONSENT),
        (replace(FACTS, recipient=None), Reason.UNKNOWN_RECIPIENT),
        (replace(FACTS, recipient=replace(BOB, status=Status.UNKNOWN)), Reason.UNKNOWN_RECIPIENT),
        (replace(FACTS, recipient=replace(BOB, status=Status.SUSPENDED)), Reason.RECIPIENT_SUSPENDED),
        (replace(FACTS, recipient=EVE), Reason.RECIPIENT_NOT_COVERED),
        (replace(FACTS, sender=EVE, actor=EVE.id, device=replace(DEVICE, holder=EVE.id)), Reason.RECIPIENT_NOT_COVERED),
        (with_grants(), Reason.RECIPIENT_NOT_COVERED),
        (
            with_grants(replace(GRANT, discloser=GRANT.recipient, recipient=GRANT.discloser)),
            Reason.RECIPIENT_NOT_COVERED,
        ),
        (replace(FACTS, letter=letter(purpose=Purpose.CARE_COORDINATION)), Reason.PURPOSE_NOT_COVERED),
        (with_grants(replace(GRANT, purposes=frozenset())), Reason.PURPOSE_NOT_COVERED),
        (replace(FACTS, letter=letter(information=frozenset({Information.ALLERGIES}))), Reason.LABEL_NOT_COVERED),
        (replace(FACTS, letter=letter(sensitivity=frozenset({Sensitivity.HIV}))), Reason.LABEL_NOT_COVERED),
    ],
)
def test_each_fact_that_speaks_against_a_letter_has_its_reason(facts: Facts, expected: Reason) -> None:
    assert reason(facts) == expected


def test_a_window_includes_its_beginning_and_excludes_its_end() -> None:
    assert reason(FACTS, GRANT.valid_from) is None
    assert reason(FACTS, GRANT.valid_from - timedelta(microseconds=1)) == Reason.CONSENT_NOT_YET_VALID
    assert reason(FACTS, GRANT.valid_until - timedelta(microseconds=1)) is None
    assert reason(FACTS, GRANT.valid_until) == Reason.CONSENT_EXPIRED


@pytest.mark.parametrize("parties", list(product((person, organization), repeat=2)))
def test_a_party_is_a_practitioner_or_everyone_in_an_organization(parties: tuple[object, object]) -> None:
    discloser, recipient = parties
    assert reason(with_grants(replace(GRANT, discloser=discloser(ALICE), recipient=recipient(BOB)))) is None  # type: ignore[operator]


def test_an_organization_is_no_practitioner_of_the_same_id() -> None:
    """Ids of different kinds are different parties, also if they were equal."""
    disguised = Party(PartyKind.ORGANIZATION, ALICE.id)
    assert reason(with_grants(replace(GRANT, discloser=disguised))) == Reason.RECIPIENT_NOT_COVERED


def test_two_grants_that_cover_a_letter_only_together_do_not_cover_it() -> None:
    wide = letter(information=frozenset({Information.DIAGNOSES, Information.ALLERGIES}))
    one = replace(GRANT, information=frozenset({Information.DIAGNOSES}))
    other = replace(GRANT, information=frozenset({Information.ALLERGIES}))
    facts = replace(with_grants(one, other), letter=wide)
    assert reason(facts) == Reason.LABEL_NOT_COVERED
    purposeful = replace(GRANT, purposes=frozenset({Purpose.CARE_COORDINATION}))
    labelled = replace(GRANT, information=frozenset({Information.ALLERGIES}))
    assert reason(with_grants(purposeful, labelled)) == Reason.LABEL_NOT_COVERED


def test_a_refused_label_is_named() -> None:
    facts = replace(FACTS, letter=letter(information=frozenset({Information.DIAGNOSES, Information.ALLERGIES})))
    decision = decide(facts, NOW)
    assert isinstance(decision, Refusal)
    assert decision.labels == frozenset({"allergies"})


def test_a_superseded_version_names_the_one_in_force() -> None:
    decision = decide(replace(FACTS, letter=letter(consent_version=1)), NOW)
    assert decision == Refusal(Reason.CONSENT_SUPERSEDED, version=2)


def test_at_the_hand_out_the_recipients_own_device_counts() -> None:
    reading = replace(FACTS, actor=BOB.id, device=replace(DEVICE, holder=BOB.id))
    assert reason(reading) is None
    assert reason(replace(reading, device=DEVICE)) == Reason.DEVICE_REVOKED


@pytest.mark.parametrize("reader", [ALICE, BOB])
def test_a_party_of_the_consent_is_told_the_reason(reader: Person) -> None:
    refusal = Refusal(Reason.CONSENT_REVOKED)
    assert told(refusal, CONSENT, reader) == refusal


# What is wrong with the reader's own sign-in or right is no secret of the consent.
OWN = {Reason.SENDER_SUSPENDED, Reason.DEVICE_REVOKED, Reason.NOT_DELEGATED, Reason.BEYOND_DELEGATION}


@pytest.mark.parametrize("hidden", sorted(set(Reason) - OWN))
@pytest.mark.parametrize("consent", [None, CONSENT])
@pytest.mark.parametrize("reader", [None, EVE])
def test_to_a_stranger_every_reason_reads_the_same(
    hidden: Reason, consent: Consent | None, reader: Person | None
) -> None:
    refusal = Refusal(hidden, frozenset({"hiv"}), 7)
    assert told(refusal, consent, reader) == Refusal(Reason.NO_ACTIVE_CONSENT)


def test_what_is_wrong_with_the_readers_own_device_is_told() -> None:
    refusal = Refusal(Reason.DEVICE_REVOKED)
    assert told(refusal, None, EVE) == refusal


people = st.sampled_from([ALICE, BOB, EVE])
kinds = st.sampled_from([person, organization])
grants = st.builds(
    Grant,
    st.builds(lambda kind, who: kind(who), kinds, people),
    st.builds(lambda kind, who: kind(who), kinds, people),
    st.frozensets(st.sampled_from(Purpose), max_size=2),
    st.frozensets(st.sampled_from(list(Information)[:4]), max_size=4),
    st.frozensets(st.sampled_from(list(Sensitivity)[:3]), max_size=3),
    st.sampled_from([NOW - DAY, NOW, NOW + DAY]),
    st.sampled_from([NOW, NOW + DAY, NOW + 2 * DAY]),
)
statuses = st.sampled_from(Status)
all_facts = st.builds(
    lambda given, sender, recipient, status, version, patient, device, holder, purpose, information, sensitivity: Facts(
        letter(
            consent_version=version,
            patient=patient,
            purpose=purpose,
            information=information,
            sensitivity=sensitivity,
        ),
        sender,
        recipient,
        ALICE.id,
        Device(DEVICE.id, holder, device),
        replace(CONSENT, status=status, grants=tuple(given)),
    ),
    st.lists(grants, max_size=4),
    st.builds(lambda status: replace(ALICE, status=status), statuses),
    st.builds(lambda who, status: replace(who, status=status), st.sampled_from([BOB, EVE]), statuses),
    statuses,
    st.integers(1, 3),
    st.sampled_from([PATIENT, "pt_" + "b" * 26]),
    statuses,
    st.sampled_from([ALICE.id, EVE.id]),
    st.sampled_from(Purpose),
    st.frozensets(st.sampled_from(list(Information)[:4]), min_size=1, max_size=2),
    st.frozensets(st.sampled_from(list(Sensitivity)[:3]), min_size=1, max_size=2),
)


def covers(grant: Grant, facts: Facts) -> bool:
    """What a grant must say, told once more and in another way."""
    asked = facts.letter
    ids = {
        PartyKind.PRACTITIONER: lambda who: who.id,
        PartyKind.ORGANIZATION: lambda who: who.organization,
    }
    return (
        ids[grant.discloser.kind](facts.sender) == grant.discloser.id
        and ids[grant.recipient.kind](facts.recipient) == grant.recipient.id
        and grant.valid_from <= NOW < grant.valid_until
        and asked.purpose in grant.purposes
        and asked.information <= grant.information
        and asked.sensitivity <= grant.sensitivity
    )


@given(all_facts)
def test_a_letter_passes_if_and_only_if_everything_speaks_for_it(facts: Facts) -> None:
    assert facts.sender is not None
    assert facts.recipient is not None
    assert facts.device is not None
    assert facts.consent is not None
    in_force = (
        facts.sender.status is facts.recipient.status is facts.device.status is facts.consent.status is Status.ACTIVE
        and facts.device.holder == ALICE.id
        and facts.letter.consent_version == facts.consent.version
        and facts.letter.patient == facts.consent.patient
    )
    expected = in_force and any(covers(each, facts) for each in facts.consent.grants)
    assert isinstance(decide(facts, NOW), Permit) == expected


@given(all_facts, st.lists(grants, max_size=2))
def test_a_permit_names_a_grant_that_covers_the_letter_alone(facts: Facts, more: list[Grant]) -> None:
    assert facts.consent is not None
    decision = decide(replace(facts, consent=replace(facts.consent, grants=(*facts.consent.grants, *more))), NOW)
    if isinstance(decision, Permit):
        assert covers(decision.grant, facts)


def test_no_reason_lacks_a_text() -> None:
    """Every reason can be told as a problem that says how to mend it."""
    for each in Reason:
        problem = refusal_problem({UUID(int=1): Refusal(each)})
        assert problem.status == 403
        assert problem.type.endswith(each.value)
        assert len(problem.detail) > 20
