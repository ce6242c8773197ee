"""At the gate, what was agreed to be withheld outweighs every grant; and to whom that is told."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from concord_formats.vocabulary import Information, PartyKind, Sensitivity

from services.messaging.facts import _read_grants, grants_text
from services.messaging.rules import Party, Person, Reason, Refusal, Status, Withheld, told
from tests.unit.messaging.test_rules import ALICE, BOB, CONSENT, EVE, FACTS, GRANT, letter, organization, person, reason
from tests.unit.messaging.test_rules import with_grants as facts_with

NONE: frozenset[Information] = frozenset()
NEITHER: frozenset[Sensitivity] = frozenset()
DIAGNOSES = frozenset({Information.DIAGNOSES})
PARTNER = Person(uuid4(), ALICE.organization, Status.ACTIVE)


def withheld(
    by: Party = organization(ALICE),  # noqa: B008 - a value
    from_: Party | None = None,
    information: frozenset[Information] = NONE,
    sensitivity: frozenset[Sensitivity] = NEITHER,
) -> Withheld:
    return Withheld(by, from_, information, sensitivity)


@pytest.mark.parametrize(
    "against",
    [
        withheld(),
        withheld(person(ALICE)),
        withheld(from_=person(BOB)),
        withheld(from_=organization(BOB)),
        withheld(information=DIAGNOSES),
        withheld(information=DIAGNOSES | {Information.ALLERGIES}),
        withheld(sensitivity=frozenset({Sensitivity.GENERAL})),
        withheld(information=frozenset({Information.ALLERGIES}), sensitivity=frozenset({Sensitivity.GENERAL})),
    ],
)
def test_what_touches_the_letter_stops_it(against: Withheld) -> None:
    assert reason(facts_with(replace(GRANT, withheld=(against,)))) is Reason.RESTRICTED


@pytest.mark.parametrize(
    "beside",
    [
        withheld(organization(BOB)),
        withheld(person(PARTNER)),
        withheld(Party(PartyKind.PRACTITIONER, ALICE.organization)),
        withheld(from_=person(EVE)),
        withheld(from_=organization(ALICE)),
        withheld(information=frozenset({Information.MEDICATIONS})),
        withheld(sensitivity=frozenset({Sensitivity.HIV})),
    ],
)
def test_what_does_not_touch_it_lets_it_go(beside: Withheld) -> None:
    assert reason(facts_with(replace(GRANT, withheld=(beside,)))) is None


def test_one_grant_that_carries_it_is_enough_however_many_cover_the_letter() -> None:
    """Deny wins: no other grant of the consent makes up for it."""
    for grants in ((GRANT, replace(GRANT, withheld=(withheld(),))), (replace(GRANT, withheld=(withheld(),)), GRANT)):
        assert reason(facts_with(*grants)) is Reason.RESTRICTED


def test_it_binds_every_member_of_the_practice_that_agreed() -> None:
    device = replace(FACTS, device=replace(FACTS.device, holder=PARTNER.id))  # type: ignore[type-var]
    ours = replace(GRANT, discloser=organization(ALICE), withheld=(withheld(),))
    facts = replace(device, sender=PARTNER, actor=PARTNER.id, consent=replace(CONSENT, grants=(ours,)))
    assert reason(facts) is Reason.RESTRICTED
    assert reason(replace(facts, consent=replace(CONSENT, grants=(replace(ours, withheld=()),)))) is None


def test_an_answer_of_the_other_side_is_not_theirs_to_withhold() -> None:
    back = replace(GRANT, discloser=person(BOB), recipient=person(ALICE), withheld=(withheld(),))
    answer = letter(sender=BOB.id, recipients=(ALICE.id,))
    device = replace(FACTS.device, holder=BOB.id)  # type: ignore[type-var]
    facts = replace(facts_with(back), letter=answer, sender=BOB, recipient=ALICE, actor=BOB.id, device=device)
    assert reason(facts) is None


def test_a_letter_that_was_released_is_not_handed_out_once_it_is_withheld() -> None:
    """The gate judges anew with the recipient acting: what was agreed to meanwhile counts."""
    device = replace(FACTS.device, holder=BOB.id)  # type: ignore[type-var]
    fetched = replace(FACTS, actor=BOB.id, device=device)
    assert reason(fetched) is None
    held = replace(CONSENT, grants=(replace(GRANT, withheld=(withheld(),)),))
    assert reason(replace(fetched, consent=held)) is Reason.RESTRICTED


RESTRICTING = replace(CONSENT, grants=(replace(GRANT, withheld=(withheld(),)),))


@pytest.mark.parametrize("reader", [ALICE, PARTNER])
def test_the_side_that_withholds_is_told_so(reader: Person) -> None:
    ours = replace(RESTRICTING, parties=(organization(ALICE), person(BOB)))
    assert told(Refusal(Reason.RESTRICTED), ours, reader) == Refusal(Reason.RESTRICTED)


@pytest.mark.parametrize("reader", [BOB, EVE, None])
def test_to_everybody_else_that_something_is_withheld_is_no_reason_of_its_own(reader: Person | None) -> None:
    """The other party of the consent neither: what a patient asked their clinician to withhold is between the two."""
    assert told(Refusal(Reason.RESTRICTED), RESTRICTING, reader) == Refusal(Reason.NO_ACTIVE_CONSENT)


def test_a_stored_grant_keeps_what_it_withholds_and_one_from_before_withholds_nothing() -> None:
    party = {"kind": "practitioner", "id": str(ALICE.id)}
    fact = {
        "discloser": party,
        "recipient": party | {"id": str(BOB.id)},
        "purposes": ["treatment"],
        "information": ["diagnoses"],
        "sensitivity": ["general"],
        "valid_from": "2026-11-22T09:00:00Z",
        "valid_until": "2026-11-24T09:00:00Z",
    }
    against = {"discloser": party, "recipient": None, "information": ["diagnoses"], "sensitivity": []}
    (kept,) = _read_grants(grants_text([fact | {"withheld": [against]}]))
    assert kept.withheld == (withheld(person(ALICE), information=DIAGNOSES),)
    (before,) = _read_grants(grants_text([fact]))
    assert before.withheld == ()


@pytest.mark.parametrize("broken", [{"discloser": None}, {"information": ["everything"]}, {"sensitivity": None}])
def test_a_restriction_that_cannot_be_read_is_an_error_and_never_left_out(broken: dict[str, object]) -> None:
    party = {"kind": "practitioner", "id": str(ALICE.id)}
    against = {"discloser": party, "recipient": None, "information": [], "sensitivity": []} | broken
    with pytest.raises(ValueError, match="withheld"):
        grants_text(
            [
                {
                    "discloser": party,
                    "recipient": party,
                    "purposes": [],
                    "information": [],
                    "sensitivity": [],
                    "valid_from": "2026-11-22T09:00:00Z",
                    "valid_until": "2026-11-24T09:00:00Z",
                    "withheld": [against],
                }
            ]
        )
