"""Rights beside the consent: a letter on behalf of somebody, and a letter to a team. Pure decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.rules import (
    Delegation,
    Facts,
    Member,
    Permit,
    Person,
    Reason,
    Refusal,
    Status,
    Withheld,
    decide,
    told,
)
from tests.unit.messaging.test_rules import (
    ALICE,
    BOB,
    CONSENT,
    DAY,
    DEVICE,
    EVE,
    FACTS,
    GRANT,
    NOW,
    letter,
    organization,
    person,
    reason,
)
from tests.unit.messaging.test_rules import with_grants as facts_with

# Nora is a nurse of Alice's practice, and sends in her name; Eve gave nobody anything.
NORA = Person(uuid4(), ALICE.organization, Status.ACTIVE)
TEAM = uuid4()
RIGHT = Delegation(
    uuid4(),
    ALICE.id,
    NORA.id,
    frozenset({Purpose.TREATMENT}),
    frozenset({Information.DIAGNOSES}),
    frozenset({Sensitivity.GENERAL}),
    NOW - DAY,
    NOW + DAY,
    Status.ACTIVE,
)
BEHALF = Facts(
    letter(sender=NORA.id, device=DEVICE.id, on_behalf_of=ALICE.id, delegation=RIGHT.id),
    NORA,
    BOB,
    NORA.id,
    replace(DEVICE, holder=NORA.id),
    CONSENT,
    ALICE,
    RIGHT,
)
MEMBER = Member(BOB.organization, Status.ACTIVE)
TO_TEAM = replace(FACTS, letter=letter(team=TEAM), member=MEMBER)
# Bob reads what Nora sent.
READING = replace(BEHALF, actor=BOB.id, device=replace(DEVICE, holder=BOB.id))


def refusal(facts: Facts) -> Refusal:
    decision = decide(facts, NOW)
    assert isinstance(decision, Refusal)
    return decision


def test_a_delegate_sends_what_the_delegator_may_send() -> None:
    assert reason(BEHALF) is None
    assert reason(READING) is None
    alone = replace(BEHALF, letter=letter(sender=NORA.id), delegator=None, delegation=None)
    assert reason(alone) == Reason.RECIPIENT_NOT_COVERED, "the consent names Alice, and not her nurse"


def test_a_delegate_sends_nothing_that_the_delegator_may_not() -> None:
    to_eve = replace(BEHALF, recipient=EVE)
    assert reason(to_eve) == Reason.RECIPIENT_NOT_COVERED
    for_nora = replace(GRANT, discloser=person(NORA))
    assert reason(replace(BEHALF, consent=facts_with(for_nora).consent)) == Reason.RECIPIENT_NOT_COVERED
    ended = replace(GRANT, valid_until=NOW)
    assert reason(replace(BEHALF, consent=facts_with(ended).consent)) == Reason.CONSENT_EXPIRED


@pytest.mark.parametrize(
    "changed",
    [
        {"delegation": None},
        {"delegation": replace(RIGHT, status=Status.REVOKED)},
        {"delegation": replace(RIGHT, status=Status.UNKNOWN)},
        {"delegation": replace(RIGHT, delegator=EVE.id)},
        {"delegation": replace(RIGHT, delegate=EVE.id)},
        {"delegation": replace(RIGHT, delegator=NORA.id, delegate=ALICE.id)},
        {"delegator": None},
        {"delegator": replace(ALICE, status=Status.SUSPENDED)},
        {"delegator": replace(ALICE, status=Status.UNKNOWN)},
        {"delegator": replace(ALICE, organization=EVE.organization)},
        {"sender": replace(NORA, organization=EVE.organization)},
    ],
    ids=[
        *("no-delegation", "revoked", "unlisted", "by-another", "to-another", "the-wrong-way-round", "no-delegator"),
        *("delegator-suspended", "delegator-unlisted", "delegator-elsewhere", "delegate-elsewhere"),
    ],
)
@pytest.mark.parametrize("facts", [BEHALF, READING], ids=["at-the-send", "at-the-hand-out"])
def test_nobody_writes_for_somebody_without_a_right_in_force(changed: dict[str, object], facts: Facts) -> None:
    assert reason(replace(facts, **changed)) == Reason.NOT_DELEGATED  # type: ignore[arg-type]


def test_a_suspended_delegate_sends_nothing() -> None:
    assert reason(replace(BEHALF, sender=replace(NORA, status=Status.SUSPENDED))) == Reason.SENDER_SUSPENDED


def test_a_right_holds_from_its_beginning_until_just_before_its_end() -> None:
    instant = timedelta(microseconds=1)
    assert reason(BEHALF, RIGHT.valid_from) is None
    assert reason(BEHALF, RIGHT.valid_until - instant) is None
    wide = replace(GRANT, valid_from=NOW - 9 * DAY, valid_until=NOW + 9 * DAY)
    longer = replace(BEHALF, consent=facts_with(wide).consent)
    assert reason(longer, RIGHT.valid_from - instant) == Reason.NOT_DELEGATED
    assert reason(longer, RIGHT.valid_until) == Reason.NOT_DELEGATED


def test_what_was_sent_in_time_is_read_after_the_right_is_over() -> None:
    """It was the right to send. A revocation stops what was not read yet; a period that ends does not."""
    wide = replace(GRANT, valid_until=NOW + 9 * DAY)
    later = replace(READING, consent=facts_with(wide).consent)
    assert reason(later, RIGHT.valid_until + DAY) is None
    assert reason(replace(later, delegation=replace(RIGHT, status=Status.REVOKED))) == Reason.NOT_DELEGATED


def test_what_goes_beyond_the_right_is_refused_and_named() -> None:
    beyond = {"information": frozenset({Information.DIAGNOSES, Information.MEDICATIONS})}
    wider = replace(BEHALF, letter=BEHALF.letter.model_copy(update=beyond))
    assert refusal(wider) == Refusal(Reason.BEYOND_DELEGATION, frozenset({"medications"}))
    other = BEHALF.letter.model_copy(update={"purpose": Purpose.CARE_COORDINATION})
    assert refusal(replace(BEHALF, letter=other)) == Refusal(Reason.BEYOND_DELEGATION)


def test_an_emergency_is_beyond_every_right_whatever_the_right_says() -> None:
    """42 CFR 2.51: who releases without consent judges for themselves, and answers for it."""
    everything = replace(RIGHT, purposes=frozenset(Purpose))
    declared = replace(GRANT, purposes=frozenset(Purpose), letter=BEHALF.letter.letter)
    emergency = BEHALF.letter.model_copy(update={"purpose": Purpose.EMERGENCY})
    facts = replace(BEHALF, delegation=everything, consent=facts_with(declared).consent)
    assert reason(facts) is None
    assert refusal(replace(facts, letter=emergency)) == Refusal(Reason.BEYOND_DELEGATION)


@pytest.mark.parametrize("who", [ALICE, NORA], ids=["the-delegator", "the-delegate"])
def test_what_either_of_the_two_agreed_to_withhold_is_withheld(who: Person) -> None:
    promise = Withheld(person(who), None, frozenset({Information.DIAGNOSES}), frozenset())
    withholding = facts_with(replace(GRANT, withheld=(promise,))).consent
    assert reason(replace(BEHALF, consent=withholding)) == Reason.RESTRICTED


def test_who_writes_for_a_party_is_told_what_the_party_would_be() -> None:
    why = Refusal(Reason.CONSENT_REVOKED)
    assert told(why, CONSENT, NORA) == Refusal(Reason.NO_ACTIVE_CONSENT)
    assert told(why, CONSENT, NORA, ALICE) == why
    assert told(why, CONSENT, NORA, EVE) == Refusal(Reason.NO_ACTIVE_CONSENT)


def test_a_right_is_judged_before_the_consent_so_that_a_made_up_one_tells_nothing() -> None:
    revoked = replace(CONSENT, status=Status.REVOKED)
    for consent in (CONSENT, revoked, None):
        forged = replace(BEHALF, consent=consent, delegation=None)
        assert refusal(forged) == Refusal(Reason.NOT_DELEGATED)


def test_a_letter_to_a_team_goes_to_members_alone() -> None:
    assert reason(TO_TEAM) is None
    for member in (
        None,
        replace(MEMBER, status=Status.REVOKED),
        replace(MEMBER, status=Status.UNKNOWN),
        replace(MEMBER, organization=EVE.organization),
        replace(MEMBER, organization=None),
    ):
        assert reason(replace(TO_TEAM, member=member)) == Reason.NOT_A_MEMBER


def test_a_reader_who_left_the_team_is_handed_out_nothing() -> None:
    reading = replace(TO_TEAM, actor=BOB.id, device=replace(DEVICE, holder=BOB.id))
    assert reason(reading) is None
    assert reason(replace(reading, member=replace(MEMBER, status=Status.REVOKED))) == Reason.NOT_A_MEMBER


def test_membership_is_no_consent() -> None:
    assert reason(replace(TO_TEAM, consent=None)) == Reason.NO_ACTIVE_CONSENT
    assert reason(replace(TO_TEAM, recipient=EVE, member=Member(EVE.organization, Status.ACTIVE))) == (
        Reason.RECIPIENT_NOT_COVERED
    )


def test_whoever_is_no_party_of_the_consent_does_not_learn_who_is_in_the_team() -> None:
    assert told(Refusal(Reason.NOT_A_MEMBER), CONSENT, EVE) == Refusal(Reason.NO_ACTIVE_CONSENT)
    assert told(Refusal(Reason.NOT_A_MEMBER), CONSENT, ALICE) == Refusal(Reason.NOT_A_MEMBER)


@pytest.mark.parametrize(
    ("facts", "unheard"),
    [
        (replace(FACTS, sender=None), True),
        (replace(FACTS, sender=replace(ALICE, status=Status.SUSPENDED)), False),
        (replace(FACTS, device=None), True),
        (replace(FACTS, device=replace(DEVICE, status=Status.REVOKED)), False),
        (replace(FACTS, device=replace(DEVICE, holder=EVE.id)), False),
        (replace(FACTS, recipient=None), True),
        (replace(FACTS, recipient=replace(BOB, status=Status.SUSPENDED)), False),
        (replace(FACTS, consent=None), False),
        (replace(BEHALF, delegation=None), True),
        (replace(BEHALF, delegation=replace(RIGHT, status=Status.REVOKED), delegator=None), False),
        (replace(BEHALF, delegator=None), True),
        (replace(BEHALF, delegator=replace(ALICE, status=Status.SUSPENDED)), False),
        (replace(TO_TEAM, member=None), True),
        (replace(TO_TEAM, member=replace(MEMBER, status=Status.REVOKED)), False),
    ],
    ids=[
        *("no-sender", "sender-suspended", "no-device", "device-revoked", "a-foreign-device", "no-recipient"),
        *("recipient-suspended", "no-consent", "no-delegation", "delegation-revoked", "no-delegator"),
        *("delegator-suspended", "no-member", "member-removed"),
    ],
)
def test_only_what_the_directory_may_have_told_meanwhile_is_worth_asking_again(facts: Facts, unheard: bool) -> None:
    assert refusal(facts).unheard is unheard


statuses = st.sampled_from(Status)
organizations = st.sampled_from([ALICE.organization, BOB.organization, EVE.organization])
rights = st.none() | st.builds(
    Delegation,
    st.just(RIGHT.id),
    st.sampled_from([ALICE.id, NORA.id, EVE.id]),
    st.sampled_from([NORA.id, ALICE.id, EVE.id]),
    st.frozensets(st.sampled_from(Purpose), max_size=3),
    st.frozensets(st.sampled_from(list(Information)[:3]), max_size=3),
    st.frozensets(st.sampled_from(list(Sensitivity)[:2]), max_size=2),
    st.sampled_from([NOW - DAY, NOW, NOW + DAY]),
    st.sampled_from([NOW, NOW + DAY]),
    statuses,
)
moved = st.builds(
    lambda who, to, status: replace(who, organization=to, status=status), st.just(ALICE), organizations, statuses
)
members = st.none() | st.builds(Member, organizations, statuses)
claiming = st.builds(
    lambda right, delegator, member, purpose, information, sensitivity, at_the_send: replace(
        BEHALF if at_the_send else READING,
        letter=BEHALF.letter.model_copy(
            update={"team": TEAM, "purpose": purpose, "information": information, "sensitivity": sensitivity}
        ),
        delegation=right,
        delegator=delegator,
        member=member,
        consent=facts_with(
            replace(
                GRANT,
                discloser=organization(ALICE),
                purposes=frozenset(Purpose),
                information=frozenset(Information),
                sensitivity=frozenset(Sensitivity),
            )
        ).consent,
    ),
    rights,
    st.none() | moved,
    members,
    st.sampled_from([Purpose.TREATMENT, Purpose.CARE_COORDINATION]),
    st.frozensets(st.sampled_from(list(Information)[:3]), min_size=1, max_size=2),
    st.frozensets(st.sampled_from(list(Sensitivity)[:2]), min_size=1, max_size=2),
    st.booleans(),
)


@given(claiming)
def test_a_letter_that_claims_rights_passes_if_and_only_if_it_has_them(facts: Facts) -> None:
    """Told once more and in another way: the consent would allow all of it to everybody in Alice's practice."""
    right, delegator, member, sent = facts.delegation, facts.delegator, facts.member, facts.letter
    has_right = (
        right is not None
        and (right.delegator, right.delegate, right.status) == (ALICE.id, NORA.id, Status.ACTIVE)
        and (facts.actor == BOB.id or right.valid_from <= NOW < right.valid_until)
        and sent.purpose in right.purposes
        and sent.information <= right.information
        and sent.sensitivity <= right.sensitivity
        and delegator is not None
        and (delegator.organization, delegator.status) == (NORA.organization, Status.ACTIVE)
    )
    is_member = member == Member(BOB.organization, Status.ACTIVE)
    assert isinstance(decide(facts, NOW), Permit) == (has_right and is_member)


@given(claiming)
def test_a_right_adds_nothing_that_the_consent_does_not_allow(facts: Facts) -> None:
    narrow = replace(facts, consent=facts_with(GRANT).consent)
    if isinstance(decide(narrow, NOW), Permit):
        assert isinstance(decide(facts, NOW), Permit)
        assert narrow.letter.purpose in GRANT.purposes
        assert narrow.letter.information <= GRANT.information
        assert narrow.letter.sensitivity <= GRANT.sensitivity
