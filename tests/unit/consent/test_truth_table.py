"""The truth table: one consent, by itself, covers everything, or the letter stays; the gate and the explanation agree.

Each row changes one thing of a letter that goes, and says what the gate calls that and where the explanation sees it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from concord_formats.vocabulary import FormStatement, Information, Purpose, Sensitivity

from services.consent.rules.explain import Candidate, explain
from services.consent.rules.lifecycle import Status
from services.consent.rules.mends import Dimension
from services.consent.rules.restrictions import Withheld
from services.consent.rules.standing import Member
from services.messaging.rules import Permit, Reason
from tests.unit.consent.chain import USUAL, Case, gate
from tests.unit.consent.examples import (
    COLLEAGUE,
    DAY,
    EVIDENCE,
    NOW,
    PHYSICIAN,
    PSYCHOLOGIST,
    SIGNED,
    STRANGER,
    TERMS,
    organization,
    practitioner,
    text,
)

Change = Callable[[Case], Case]
UNSTATED = replace(EVIDENCE, attested=replace(SIGNED, statements=frozenset(FormStatement) - {"right-to-revoke"}))
PARTNER = Member(UUID(int=0xA2), PHYSICIAN.organization)


def withholding(*labels: Information | Sensitivity, by: object = None, from_: object = None) -> Change:
    """With a restriction that the physician's practice agreed to."""
    information = frozenset(each for each in labels if isinstance(each, Information))
    sensitivity = frozenset(each for each in labels if isinstance(each, Sensitivity))
    agreed = Withheld(by or organization(PHYSICIAN), from_, information, sensitivity)  # type: ignore[arg-type]
    return lambda case: replace(case, withheld=(*case.withheld, agreed))


def letter(**changed: object) -> Change:
    return lambda case: case.of_letter(**changed)


def terms(**changed: object) -> Change:
    return lambda case: case.of_terms(**changed)


def at(now: datetime) -> Change:
    return lambda case: replace(case, now=now)


def status(found: Status) -> Change:
    return lambda case: replace(case, status=found)


MISMATCHES: dict[str, tuple[Change, Reason, Dimension]] = {
    "another patient": (letter(patient="pt_" + "b" * 26), Reason.NO_ACTIVE_CONSENT, Dimension.PATIENT),
    "a sender from elsewhere": (letter(sender=STRANGER), Reason.RECIPIENT_NOT_COVERED, Dimension.DISCLOSER),
    "a sender of the named one's practice": (letter(sender=PARTNER), Reason.RECIPIENT_NOT_COVERED, Dimension.DISCLOSER),
    "a direction that nobody accepted": (
        letter(sender=PSYCHOLOGIST, recipient=PHYSICIAN),
        Reason.RECIPIENT_NOT_COVERED,
        Dimension.DISCLOSER,
    ),
    "a recipient from elsewhere": (letter(recipient=STRANGER), Reason.RECIPIENT_NOT_COVERED, Dimension.RECIPIENT),
    "a recipient of the sender's practice": (
        letter(recipient=PARTNER),
        Reason.RECIPIENT_NOT_COVERED,
        Dimension.RECIPIENT,
    ),
    "a suspended recipient": (letter(recipient_active=False), Reason.RECIPIENT_SUSPENDED, Dimension.RECIPIENT),
    "a moment before the window": (
        at(TERMS.valid_from - timedelta.resolution),
        Reason.CONSENT_NOT_YET_VALID,
        Dimension.WINDOW,
    ),
    "long before the window": (at(NOW - 400 * DAY), Reason.CONSENT_NOT_YET_VALID, Dimension.WINDOW),
    "the very end of the window": (at(TERMS.valid_until), Reason.CONSENT_EXPIRED, Dimension.WINDOW),
    "long after the window": (at(NOW + 4000 * DAY), Reason.CONSENT_EXPIRED, Dimension.WINDOW),
    "an end that was recorded": (
        lambda case: replace(case, text=replace(case.text, ended_at=NOW - DAY)),
        Reason.CONSENT_EXPIRED,
        Dimension.WINDOW,
    ),
    "a draft": (status(Status.DRAFT), Reason.NO_ACTIVE_CONSENT, Dimension.STATUS),
    "a revoked consent": (status(Status.REVOKED), Reason.CONSENT_REVOKED, Dimension.STATUS),
    "a superseded version": (status(Status.SUPERSEDED), Reason.CONSENT_SUPERSEDED, Dimension.STATUS),
    "a form that lacks a statement": (
        lambda case: replace(case, text=replace(case.text, evidence=UNSTATED)),
        Reason.RECIPIENT_NOT_COVERED,
        Dimension.ELEMENT,
    ),
    "a withheld kind": (withholding(Information.DIAGNOSES), Reason.RESTRICTED, Dimension.RESTRICTION),
    "a withheld sensitivity": (withholding(Sensitivity.GENERAL), Reason.RESTRICTED, Dimension.RESTRICTION),
    "everything withheld": (withholding(), Reason.RESTRICTED, Dimension.RESTRICTION),
    "withheld from this person": (
        withholding(from_=practitioner(PSYCHOLOGIST), by=practitioner(PHYSICIAN)),
        Reason.RESTRICTED,
        Dimension.RESTRICTION,
    ),
    "withheld from their practice": (
        withholding(Information.DIAGNOSES, Information.LAB_RESULTS, from_=organization(PSYCHOLOGIST)),
        Reason.RESTRICTED,
        Dimension.RESTRICTION,
    ),
}
MISMATCHES |= {
    f"purpose {word}": (letter(purpose=word), Reason.PURPOSE_NOT_COVERED, Dimension.PURPOSE)
    for word in sorted(set(Purpose) - TERMS.purposes)
}
MISMATCHES |= {
    f"information {word}": (
        letter(information=USUAL.information | {word}),
        Reason.LABEL_NOT_COVERED,
        Dimension.INFORMATION,
    )
    for word in sorted(set(Information) - TERMS.information)
}
MISMATCHES |= {
    f"sensitivity {word}": (
        letter(sensitivity=USUAL.sensitivity | {word}),
        Reason.LABEL_NOT_COVERED,
        Dimension.SENSITIVITY,
    )
    for word in sorted(set(Sensitivity) - TERMS.sensitivity)
}

MATCHES: dict[str, Change] = {
    "the letter as it is": lambda case: case,
    "every label that the consent names": letter(information=TERMS.information, sensitivity=TERMS.sensitivity),
    "another member of the named practice": letter(recipient=COLLEAGUE),
    "the first moment of the window": at(TERMS.valid_from),
    "the last moment of the window": at(TERMS.valid_until - timedelta.resolution),
    "an answer, once accepted": lambda case: replace(
        case.of_letter(sender=COLLEAGUE, recipient=PHYSICIAN), text=text(accept=(0, 1))
    ),
    "something else withheld": withholding(Information.MEDICATIONS, Sensitivity.BEHAVIORAL_HEALTH),
    "withheld by somebody else": withholding(by=organization(STRANGER)),
    "withheld by the other side": withholding(by=organization(PSYCHOLOGIST)),
    "withheld by a partner alone": withholding(by=practitioner(PARTNER)),
    "withheld from somebody else": withholding(from_=practitioner(COLLEAGUE)),
}


def test_every_dimension_has_a_mismatch() -> None:
    assert {dimension for _, _, dimension in MISMATCHES.values()} == set(Dimension) - {Dimension.NOTES}


@pytest.mark.parametrize("name", MATCHES)
def test_what_a_consent_covers_goes(name: str) -> None:
    case = MATCHES[name](Case())
    assert isinstance(case.gate(), Permit)
    explained = case.explained()
    assert explained.permit
    assert explained.judgements[0].missing == ()
    assert not explained.restriction


@pytest.mark.parametrize("name", MISMATCHES)
def test_what_differs_in_one_thing_stays(name: str) -> None:
    change, reason, dimension = MISMATCHES[name]
    case = change(Case())
    assert case.reason() is reason
    explained = case.explained()
    assert not explained.permit
    (judged,) = explained.judgements
    assert {each.dimension for each in judged.missing} == {dimension}
    assert dimension not in judged.covers
    assert explained.restriction == (dimension is Dimension.RESTRICTION)
    for each in judged.missing:
        assert each.value
        assert each.mend.endswith(".")


@pytest.mark.parametrize("one", MISMATCHES)
def test_what_differs_in_two_things_stays_and_both_are_told(one: str) -> None:
    first, _, dimension = MISMATCHES[one]
    for second, _, other in MISMATCHES.values():
        case = second(first(Case()))
        assert case.reason() is not None
        told = {each.dimension for each in case.explained().judgements[0].missing}
        assert told
        if not any({dimension, other} <= group for group in ENTANGLED) and dimension is not other:
            assert {dimension, other} <= told


# Who writes to whom decides all three; what an element is worth depends on whether the version is in force at all.
ENTANGLED = (
    {Dimension.DISCLOSER, Dimension.RECIPIENT, Dimension.RESTRICTION},
    {Dimension.STATUS, Dimension.ELEMENT},
)


def test_two_consents_that_cover_a_letter_only_together_do_not_cover_it() -> None:
    wide = replace(USUAL, information=frozenset({Information.DIAGNOSES, Information.ALLERGIES}))
    parts = [
        Candidate(UUID(int=n), 1, Status.ACTIVE, text(replace(TERMS, information=frozenset({kind}))))
        for n, kind in enumerate(sorted(wide.information))
    ]
    assert not any(isinstance(gate(wide, each, (), NOW), Permit) for each in parts)
    explained = explain(wide, parts, (), NOW)
    assert not explained.permit
    assert [each.missing[0].value for each in explained.judgements] == ["diagnoses", "allergies"]


def test_of_several_consents_the_nearest_is_told_first() -> None:
    far = Candidate(UUID(int=1), 1, Status.REVOKED, text(replace(TERMS, purposes=frozenset({Purpose.PATIENT_REQUEST}))))
    near = Candidate(UUID(int=2), 1, Status.REVOKED, text())
    nearer = Candidate(UUID(int=3), 1, Status.ACTIVE, text(replace(TERMS, information=frozenset({"lab-results"}))))  # type: ignore[arg-type]
    for order in itertools.permutations([far, near, nearer]):
        explained = explain(USUAL, order, (), NOW)
        assert [each.consent for each in explained.judgements] == [nearer.consent, near.consent, far.consent]
