"""Consents for tests: two clinicians, one patient token, and hypothesis strategies over the whole vocabulary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    FormLanguage,
    FormStatement,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
    SignerAuthority,
)
from hypothesis import strategies as st

from services.consent.rules.fit import OWN_CONSENT, broken_prohibitions
from services.consent.rules.standing import Member
from services.consent.rules.terms import (
    Acceptance,
    Attestation,
    Direction,
    Evidence,
    FormOrigin,
    Party,
    SignatureMethod,
    Signer,
    Terms,
    Text,
)

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
    type=ConsentType.HIPAA_AUTHORIZATION,
    patient=PATIENT,
    discloser=practitioner(PHYSICIAN),
    recipient=organization(PSYCHOLOGIST),
    mutual=True,
    purposes=frozenset({Purpose.TREATMENT}),
    information=frozenset({Information.DIAGNOSES, Information.MEDICATIONS}),
    sensitivity=frozenset({Sensitivity.GENERAL, Sensitivity.BEHAVIORAL_HEALTH}),
    valid_from=NOW - DAY,
    valid_until=NOW + 365 * DAY,
    expires_on=None,
)
SIGNED = Attestation(
    signed_on=date(2026, 11, 22),
    method=SignatureMethod.INK,
    form=FormOrigin.CONCORD,
    language=FormLanguage.ENGLISH,
    statements=frozenset(FormStatement),
    signer=Signer.PATIENT,
    authority=None,
    witness=None,
    copy_given=True,
)
EVIDENCE = Evidence(SHA, 300, SIGNED)
SIGNABLE = tuple(each for each in ConsentType if each is not ConsentType.EMERGENCY)


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
        type=draw(st.sampled_from(ConsentType)),
        patient=PATIENT,
        discloser=draw(parties),
        recipient=draw(parties),
        mutual=draw(st.booleans()),
        purposes=draw(st.frozensets(st.sampled_from(Purpose))),
        information=draw(st.frozensets(st.sampled_from(Information))),
        sensitivity=draw(st.frozensets(st.sampled_from(Sensitivity))),
        valid_from=valid_from,
        valid_until=valid_from + draw(st.timedeltas(timedelta(seconds=1), timedelta(days=1800))),
        expires_on=draw(st.sampled_from([None, *ExpiryEvent])),
    )


attestations = st.builds(
    Attestation,
    signed_on=st.dates(date(2020, 1, 1), date(2026, 11, 22)),
    method=st.sampled_from(SignatureMethod),
    form=st.sampled_from(FormOrigin),
    language=st.sampled_from(FormLanguage),
    statements=st.frozensets(st.sampled_from(FormStatement)),
    signer=st.sampled_from(Signer),
    authority=st.sampled_from([None, *SignerAuthority]),
    witness=st.none() | st.uuids(),
    copy_given=st.booleans(),
)


@st.composite
def fitting_terms(draw: st.DrawFn) -> Terms:
    """Terms that a patient can sign: no prohibition is broken, and no list is empty."""
    drawn = draw(terms_of_any_kind())
    type_ = draw(st.sampled_from(SIGNABLE))
    own = {label for label, its in OWN_CONSENT.items() if its is type_}
    purposes = drawn.purposes - {Purpose.EMERGENCY, Purpose.PAYMENT, Purpose.OPERATIONS, Purpose.PATIENT_REQUEST}
    fitting = replace(
        drawn,
        type=type_,
        purposes=purposes or frozenset({Purpose.TREATMENT}),
        information=drawn.information or frozenset({Information.DIAGNOSES}),
        sensitivity=(drawn.sensitivity - set(OWN_CONSENT) - {Sensitivity.PART_2} | own) or frozenset({Sensitivity.HIV}),
        expires_on=None if drawn.expires_on is ExpiryEvent.NONE else drawn.expires_on,
    )
    assert not broken_prohibitions(fitting)
    return fitting


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Any text.

    With and without evidence, its directions accepted on this evidence, on other evidence, or not at all.
    """
    terms = draw(terms_of_any_kind())
    choices = st.sampled_from([None, accepted(), accepted("cd" * 32)])
    directions = tuple(Direction(*way, draw(choices)) for way in terms.ways)
    evidence = st.none() | st.just(EVIDENCE) | attestations.map(lambda attested: Evidence(SHA, 300, attested))
    return Text(terms, draw(evidence), directions, draw(st.none() | instants))


@st.composite
def whole_texts(draw: st.DrawFn) -> Text:
    """Any text that lacks nothing."""
    drawn = draw(fitting_terms())
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
