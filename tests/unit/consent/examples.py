"""Consents for tests: two clinicians, one patient token, and hypothesis strategies over the whole vocabulary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity
from hypothesis import strategies as st

from services.consent.rules.standing import Member
from services.consent.rules.terms import Acceptance, Direction, Evidence, Party, SignatureMethod, Terms, Text

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)

PHYSICIAN = Member(UUID(int=0xA1), UUID(int=0xA0))
PSYCHOLOGIST = Member(UUID(int=0xB1), UUID(int=0xB0))
COLLEAGUE = Member(UUID(int=0xB2), UUID(int=0xB0))  # of the psychologist's organization
STRANGER = Member(UUID(int=0xC1), UUID(int=0xC0))

PATIENT = "pt_" + "a" * 26
SHA = "ab" * 32


def practitioner(member: Member) -> Party:
    return Party(PartyKind.PRACTITIONER, member.practitioner)


def organization(member: Member) -> Party:
    return Party(PartyKind.ORGANIZATION, member.organization)


TERMS = Terms(
    patient=PATIENT,
    discloser=practitioner(PHYSICIAN),
    recipient=organization(PSYCHOLOGIST),
    mutual=True,
    purposes=frozenset({Purpose.TREATMENT}),
    information=frozenset({Information.DIAGNOSES, Information.MEDICATIONS}),
    sensitivity=frozenset({Sensitivity.GENERAL, Sensitivity.BEHAVIORAL_HEALTH}),
    valid_from=NOW - DAY,
    valid_until=NOW + 365 * DAY,
)
EVIDENCE = Evidence(SHA, date(2026, 11, 22), SignatureMethod.INK, 300)


def accepted(sha256: str = SHA, at: datetime = NOW) -> Acceptance:
    return Acceptance(at, uuid4(), sha256)


def text(terms: Terms = TERMS, *, accept: tuple[int, ...] = (0,), evidence: Evidence | None = EVIDENCE) -> Text:
    """A text whose ways with these places are accepted."""
    directions = tuple(Direction(*way, accepted() if place in accept else None) for place, way in enumerate(terms.ways))
    return Text(terms, evidence, directions)


parties = st.builds(Party, st.sampled_from(PartyKind), st.uuids())
instants = st.integers(-1000, 1000).map(lambda days: NOW + timedelta(days=days, seconds=days))


@st.composite
def terms_of_any_kind(draw: st.DrawFn) -> Terms:
    valid_from = draw(instants)
    return Terms(
        patient=PATIENT,
        discloser=draw(parties),
        recipient=draw(parties),
        mutual=draw(st.booleans()),
        purposes=draw(st.frozensets(st.sampled_from(Purpose))),
        information=draw(st.frozensets(st.sampled_from(Information))),
        sensitivity=draw(st.frozensets(st.sampled_from(Sensitivity))),
        valid_from=valid_from,
        valid_until=valid_from + draw(st.timedeltas(timedelta(seconds=1), timedelta(days=1800))),
    )


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Any text.

    With and without evidence, its directions accepted on this evidence, on other evidence, or not at all.
    """
    terms = draw(terms_of_any_kind())
    choices = st.sampled_from([None, accepted(), accepted("cd" * 32)])
    directions = tuple(Direction(*way, draw(choices)) for way in terms.ways)
    return Text(terms, draw(st.sampled_from([None, EVIDENCE])), directions)


@st.composite
def whole_texts(draw: st.DrawFn) -> Text:
    """Any text that lacks nothing."""
    drawn = draw(terms_of_any_kind().filter(lambda t: t.purposes and t.information and t.sensitivity))
    places = draw(st.sets(st.sampled_from(range(len(drawn.ways))), min_size=1))
    return text(drawn, accept=tuple(places))


def narrower(draw: st.DrawFn, whole: Text) -> Text:
    """The same text with fewer words, a shorter window, or fewer directions accepted."""
    terms = whole.terms

    def some(words: frozenset) -> frozenset:
        return frozenset(draw(st.sets(st.sampled_from(sorted(words)), min_size=1)))

    shorter = draw(st.floats(0, 0.5)) * (terms.valid_until - terms.valid_from)
    kept = replace(
        terms,
        purposes=some(terms.purposes),
        information=some(terms.information),
        sensitivity=some(terms.sensitivity),
        valid_from=terms.valid_from + shorter / 2,
        valid_until=terms.valid_until - shorter / 2,
        mutual=terms.mutual and draw(st.booleans()),
    )
    directions = whole.directions[: len(kept.ways)]
    fewer = tuple(replace(each, acceptance=draw(st.sampled_from([None, each.acceptance]))) for each in directions)
    return Text(kept, whole.evidence, fewer)
