"""What holds of every decision, whatever the consents, the letter, the restrictions and the time.

The gate is asked through the whole chain (`chain`), and the explanation beside it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID, uuid4

from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from services.consent.rules.elements import missing_elements
from services.consent.rules.explain import Candidate, Letter, explain
from services.consent.rules.fit import only_with
from services.consent.rules.lifecycle import Status
from services.consent.rules.restrictions import Withheld
from services.consent.rules.standing import Member
from services.consent.rules.terms import Party, Text
from services.messaging import rules as messaging
from services.messaging.rules import Permit
from tests.unit.consent.chain import Case, gate, granted
from tests.unit.consent.examples import PATIENT, narrower, text, texts, whole_texts

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)
# A busy machine is no reason for a property to fail.
UNHURRIED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
STORED = (Status.ACTIVE, Status.DRAFT, Status.REVOKED, Status.SUPERSEDED)


def member_of(party: Party) -> Member:
    """Somebody who is the party, or belongs to it."""
    if party.kind is PartyKind.PRACTITIONER:
        return Member(party.id, UUID(int=party.id.int ^ 1))
    return Member(UUID(int=party.id.int ^ 1), party.id)


def parties_of(member: Member) -> list[Party]:
    """Every way in which a member is named."""
    return [Party(PartyKind.PRACTITIONER, member.practitioner), Party(PartyKind.ORGANIZATION, member.organization)]


def usually(draw: st.DrawFn, likely: T, other: st.SearchStrategy[T]) -> T:
    """What is likely to match, mostly: random values alone would never meet."""
    return draw(other) if draw(st.sampled_from(range(12))) == 11 else likely


def words(draw: st.DrawFn, covered: frozenset[Word], every: type[Word]) -> frozenset[Word]:
    """Some words, mostly of those that a text covers."""
    near = draw(st.frozensets(st.sampled_from(sorted(covered) or sorted(every)), min_size=1))
    return usually(draw, near, st.frozensets(st.sampled_from(every), min_size=1))


@st.composite
def letters(draw: st.DrawFn, whole: Text) -> Letter:
    """A letter near a text: most of it is what the text covers."""
    terms = whole.terms
    accepted = [(each.discloser, each.recipient) for each in whole.directions if each.live(whole.evidence)]
    way = usually(draw, (accepted or terms.ways)[0], st.sampled_from(terms.ways))
    strangers = st.builds(Member, st.uuids(), st.uuids())
    discloser, recipient = (usually(draw, member_of(party), strangers) for party in way)
    purpose = next(iter(sorted(terms.purposes)), Purpose.TREATMENT)
    own = frozenset(filter(None, [only_with(terms)]))
    return Letter(
        patient=usually(draw, terms.patient, st.just("pt_" + "b" * 26)),
        sender=discloser,
        recipient=recipient,
        recipient_active=usually(draw, True, st.just(False)),
        purpose=usually(draw, purpose, st.sampled_from(Purpose)),
        information=words(draw, terms.information, Information),
        sensitivity=words(draw, terms.sensitivity, Sensitivity) | usually(draw, own, st.just(frozenset())),
    )


def restrictions(letter: Letter) -> st.SearchStrategy[Withheld]:
    """Restrictions that may or may not touch a letter."""
    senders = [*parties_of(letter.sender), Party(PartyKind.ORGANIZATION, UUID(int=7))]
    recipients = [None, *parties_of(letter.recipient), Party(PartyKind.PRACTITIONER, UUID(int=8))]
    information = st.frozensets(st.sampled_from(Information), max_size=2)
    sensitivity = st.frozensets(st.sampled_from(Sensitivity), max_size=2)
    return st.builds(Withheld, st.sampled_from(senders), st.sampled_from(recipients), information, sensitivity)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A letter that a consent may cover."""
    whole = usually(draw, draw(whole_texts()), texts())
    letter = draw(letters(whole))
    terms = whole.terms
    middle = terms.valid_from + (terms.valid_until - terms.valid_from) / 2
    moments = [terms.valid_from, terms.valid_until, terms.valid_from - timedelta.resolution]
    now = usually(draw, middle, st.sampled_from([*moments, terms.valid_until - timedelta.resolution]))
    withheld = draw(st.lists(restrictions(letter), max_size=2)) if draw(st.booleans()) else []
    status = usually(draw, Status.ACTIVE, st.sampled_from(STORED))
    return Case(letter, whole, status, tuple(withheld), now)


def permits(case: Case) -> bool:
    return isinstance(case.gate(), Permit)


@settings(max_examples=120, **UNHURRIED)
@given(cases())
def test_the_explanation_agrees_with_the_gate(case: Case) -> None:
    explained = case.explained()
    event(f"permit {explained.permit}")
    assert explained.permit == permits(case)
    (judged,) = explained.judgements
    assert (judged.missing == ()) == explained.permit
    assert all(each.value and each.mend for each in judged.missing)
    assert not set(judged.covers) & {each.dimension for each in judged.missing}


@settings(max_examples=40, **UNHURRIED)
@given(st.data())
def test_the_explanation_of_several_consents_agrees_with_the_gate_on_each(data: st.DataObject) -> None:
    """One letter, several consents: it goes if and only if one of them covers it alone."""
    case = data.draw(cases())
    more = data.draw(st.lists(st.one_of(whole_texts(), texts()), max_size=2))
    same = [replace(case.text, terms=replace(case.text.terms, information=some)) for some in halves(case)]
    candidates = [Candidate(uuid4(), 1, case.status, each) for each in (*same, *more)]
    explained = explain(case.letter, candidates, case.withheld, case.now)
    permitted = {c.consent for c in candidates if isinstance(gate(case.letter, c, case.withheld, case.now), Permit)}
    assert {each.consent for each in explained.judgements if not each.missing} == permitted
    assert explained.permit == bool(permitted)
    lacking = [len(each.missing) for each in explained.judgements]
    assert lacking == sorted(lacking)


def halves(case: Case) -> list[frozenset[Information]]:
    """The kinds of information of a text in two parts: only together do they cover what it covered."""
    kinds = sorted(case.text.terms.information)
    return [frozenset(kinds[::2]), frozenset(kinds[1::2])]


@settings(max_examples=120, **UNHURRIED)
@given(cases())
def test_a_consent_never_permits_more_than_its_text_says(case: Case) -> None:
    if not permits(case):
        return
    letter, terms = case.letter, case.text.terms
    ways = [way for way in terms.ways if letter.sender.is_party(way[0]) and letter.recipient.is_party(way[1])]
    accepted = {(each.discloser, each.recipient) for each in case.text.directions if each.live(case.text.evidence)}
    assert accepted & set(ways)
    assert letter.patient == terms.patient
    assert letter.purpose in terms.purposes
    assert letter.information <= terms.information
    assert letter.sensitivity <= terms.sensitivity
    assert terms.valid_from <= case.now < terms.valid_until
    assert case.text.ended_at is None
    assert case.status is Status.ACTIVE
    assert not any(map(letter.is_held_back, case.withheld))


@st.composite
def narrowings(draw: st.DrawFn) -> tuple[Case, Case]:
    """A case, and the same under a narrower text."""
    case = draw(cases())
    terms = case.text.terms
    named = terms.purposes and terms.information and terms.sensitivity
    whole = case if named and not missing_elements(case.text) else replace(case, text=text())
    return whole, replace(whole, text=narrower(draw, whole.text))


@settings(max_examples=100, **UNHURRIED)
@given(narrowings())
def test_narrowing_a_consent_never_turns_a_refusal_into_a_permit(both: tuple[Case, Case]) -> None:
    case, narrow = both
    assert permits(case) or not permits(narrow)
    assert case.explained().permit or not narrow.explained().permit


@settings(max_examples=120, **UNHURRIED)
@given(st.data())
def test_agreeing_to_a_restriction_never_turns_a_refusal_into_a_permit(data: st.DataObject) -> None:
    case = data.draw(cases())
    agreed = data.draw(restrictions(case.letter))
    withheld = list(case.withheld)
    withheld.insert(data.draw(st.integers(0, len(withheld))), agreed)
    restricted = replace(case, withheld=tuple(withheld))
    assert permits(case) or not permits(restricted)
    if case.letter.is_held_back(agreed):
        assert not permits(restricted)
    else:
        assert permits(restricted) == permits(case)


@settings(max_examples=40, **UNHURRIED)
@given(cases(), st.randoms())
def test_the_order_of_restrictions_never_matters(case: Case, random: object) -> None:
    shuffled = list(case.withheld)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert replace(case, withheld=tuple(shuffled)).reason() == case.reason()


@settings(max_examples=40, **UNHURRIED)
@given(texts(), st.data())
def test_messaging_reads_exactly_what_consent_compiled(whole: Text, data: st.DataObject) -> None:
    """Nothing is lost or gained on the way through the event and the row."""
    letter = data.draw(letters(whole))
    withheld = data.draw(st.lists(restrictions(letter), max_size=3))
    for grant in granted(whole, withheld):
        assert whole.terms.patient == PATIENT
        assert grant.purposes <= whole.terms.purposes
        assert list(grant.withheld) == [as_followed(each) for each in withheld]


def as_followed(withheld: Withheld) -> object:
    """A restriction as messaging's own type has it."""
    discloser = messaging.Party(withheld.discloser.kind, withheld.discloser.id)
    given_to = withheld.recipient
    recipient = None if given_to is None else messaging.Party(given_to.kind, given_to.id)
    return messaging.Withheld(discloser, recipient, withheld.information, withheld.sensitivity)
