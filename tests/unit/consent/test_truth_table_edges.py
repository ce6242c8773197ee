"""The edges of the truth table: what each type opens, what is not there at all, and the instants at which windows turn.

Owns the cases that take more than one change of one letter. The rows of single changes are in `test_truth_table`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from concord_formats.address import AddressError, parse_address
from concord_formats.vocabulary import ConsentType, Sensitivity

from services.consent.rules.fit import OWN_CONSENT, PART_2_TYPES
from services.consent.rules.mends import Dimension
from services.messaging.rules import Reason, Refusal, decide
from tests.unit.consent.chain import USUAL, Case, address_of, facts_of
from tests.unit.consent.examples import DAY, NOW, SIGNABLE, TERMS
from tests.unit.consent.test_truth_table import terms

OWN_WORDS = [(type_, label) for type_ in SIGNABLE for label in Sensitivity]


@pytest.mark.parametrize(("type_", "label"), OWN_WORDS)
def test_each_type_opens_its_own_labels_alone(type_: ConsentType, label: Sensitivity) -> None:
    """A consent that names a label which its type may not name grants nothing at all, not even the rest."""
    own = next((notes for notes, its in OWN_CONSENT.items() if its is type_), None)
    named = frozenset({label}) | ({own} if own else frozenset())
    case = terms(type=type_, sensitivity=named)(Case()).of_letter(sensitivity=frozenset({label}))
    forbidden = OWN_CONSENT.get(label, type_) is not type_ or (
        label is Sensitivity.PART_2 and type_ not in PART_2_TYPES
    )
    notes_only = own is not None and label is not own
    expected = Reason.RECIPIENT_NOT_COVERED if forbidden else Reason.NOTES_ONLY if notes_only else None
    assert case.reason() is expected
    told = {each.dimension for each in case.explained().judgements[0].missing}
    assert told == ({Dimension.ELEMENT} if forbidden else set()) | ({Dimension.NOTES} if notes_only else set())


@pytest.mark.parametrize("notes", sorted(OWN_CONSENT))
def test_notes_go_under_their_own_consent_and_with_everything_that_it_names(notes: Sensitivity) -> None:
    own = terms(type=OWN_CONSENT[notes], sensitivity=frozenset({notes, Sensitivity.BEHAVIORAL_HEALTH}))(Case())
    assert own.of_letter(sensitivity=frozenset({notes})).reason() is None
    assert own.of_letter(sensitivity=frozenset({notes, Sensitivity.BEHAVIORAL_HEALTH})).reason() is None
    beside = own.of_letter(sensitivity=frozenset({Sensitivity.BEHAVIORAL_HEALTH}))
    assert beside.reason() is Reason.NOTES_ONLY
    (missing,) = beside.explained().judgements[0].missing
    assert (missing.dimension, missing.value) == (Dimension.NOTES, notes.value)


@pytest.mark.parametrize("empty", ["purposes", "information", "sensitivity"])
def test_a_consent_without_a_word_in_a_list_matches_nobody(empty: str) -> None:
    case = terms(**{empty: frozenset()})(Case())
    assert case.reason() is Reason.RECIPIENT_NOT_COVERED
    assert Dimension.ELEMENT in {each.dimension for each in case.explained().judgements[0].missing}


@pytest.mark.parametrize("member", ["patient", "sender", "recipients", "purpose", "information", "sensitivity"])
@pytest.mark.parametrize("empty", [None, "", []])
def test_a_letter_that_lacks_an_actor_a_purpose_or_a_label_is_no_letter(member: str, empty: object) -> None:
    whole = json.loads(address_of(USUAL, Case().candidate).encode())
    assert parse_address(json.dumps(whole).encode())
    for lacking in ({k: v for k, v in whole.items() if k != member}, whole | {member: empty}):
        with pytest.raises(AddressError):
            parse_address(json.dumps(lacking).encode())


@pytest.mark.parametrize(
    ("actor", "reason"), [("sender", Reason.SENDER_SUSPENDED), ("recipient", Reason.UNKNOWN_RECIPIENT)]
)
def test_an_actor_whom_the_directory_does_not_know_matches_nobody(actor: str, reason: Reason) -> None:
    facts = facts_of(USUAL, Case().candidate, ())
    unknown = replace(facts, sender=None) if actor == "sender" else replace(facts, recipient=None)
    decision = decide(unknown, NOW)
    assert isinstance(decision, Refusal)
    assert decision.reason is reason


ZONES = [UTC, timezone(timedelta(hours=-12)), timezone(timedelta(hours=14)), ZoneInfo("America/New_York")]


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_boundary_is_an_instant_in_whatever_zone_it_is_written_and_asked(zone: timezone) -> None:
    case = terms(valid_from=TERMS.valid_from.astimezone(zone), valid_until=TERMS.valid_until.astimezone(zone))(Case())
    for now, goes in (
        (TERMS.valid_from - timedelta(microseconds=1), False),
        (TERMS.valid_from, True),
        (TERMS.valid_until - timedelta(seconds=1), True),
        (TERMS.valid_until - timedelta(microseconds=1), True),
        (TERMS.valid_until, False),
        (TERMS.valid_until + timedelta(seconds=1), False),
    ):
        for asked in (now, now.astimezone(zone), now.astimezone(ZONES[1])):
            assert (replace(case, now=asked).reason() is None) is goes
            assert replace(case, now=asked).explained().permit is goes


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    """The end is in the second 01:30 of the night in which clocks go back; the first 01:30 is still covered."""
    new_york = ZoneInfo("America/New_York")
    first = datetime(2027, 11, 7, 1, 30, tzinfo=new_york, fold=0)
    second = first.replace(fold=1)
    case = terms(valid_from=NOW - DAY, valid_until=second)(Case())
    assert replace(case, now=first.astimezone(UTC)).reason() is None
    assert replace(case, now=first.astimezone(UTC) + timedelta(minutes=59)).explained().permit
    assert replace(case, now=second.astimezone(UTC)).reason() is Reason.CONSENT_EXPIRED
    assert not replace(case, now=second.astimezone(UTC)).explained().permit


def test_a_leap_day_is_a_day() -> None:
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    until_leap = terms(valid_until=leap)(Case())
    through_leap = terms(valid_until=leap + DAY)(Case())
    noon = leap + timedelta(hours=12)
    assert (replace(until_leap, now=noon).reason(), replace(through_leap, now=noon).reason()) == (
        Reason.CONSENT_EXPIRED,
        None,
    )
    assert replace(through_leap, now=datetime(2028, 3, 1, tzinfo=UTC)).reason() is Reason.CONSENT_EXPIRED
    assert replace(until_leap, now=leap - timedelta.resolution).explained().permit
