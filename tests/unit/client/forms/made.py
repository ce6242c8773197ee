"""Forms for the tests: one of each type, random ones, and what a PDF says when it is read back."""

from __future__ import annotations

import io
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from concord.forms import Form, FormParty, Practice, Representative, render_pdf, render_text
from concord.forms.fit import OWN_NOTES, PART_2_TYPES
from concord.forms.texts import LAW
from concord_formats.plain_words import LANGUAGES
from concord_formats.vocabulary import ConsentType, ExpiryEvent, Information, Purpose, Sensitivity, SignerAuthority
from hypothesis import strategies as st
from pypdf import PdfReader

TYPES = tuple(LAW)
EACH_FORM = [(type_, language) for type_ in TYPES for language in LANGUAGES]
PRACTICE = Practice("Riverside Recovery Program", "12 River Street, Denver, CO 80202", "303-555-0100")
_NOTES = frozenset(OWN_NOTES.values())
_TPO = frozenset({Purpose.TREATMENT, Purpose.CARE_COORDINATION, Purpose.PAYMENT, Purpose.OPERATIONS})


def topics(type_: ConsentType) -> frozenset[Sensitivity]:
    """The sensitivities that a form of this type may name beside its own notes."""
    return frozenset(Sensitivity) - _NOTES - (frozenset() if type_ in PART_2_TYPES else {Sensitivity.PART_2})


def purposes(type_: ConsentType) -> frozenset[Purpose]:
    """The purposes that a form of this type may name."""
    if type_ is ConsentType.PART_2_TPO:
        return _TPO
    return frozenset({Purpose.TREATMENT, Purpose.CARE_COORDINATION, Purpose.PATIENT_REQUEST})


def form(type_: ConsentType = ConsentType.HIPAA_AUTHORIZATION, language: str = "en", **changed: Any) -> Form:
    """A form that stands, with all that its type may name, and `changed`."""
    own = {OWN_NOTES[type_]} if type_ in OWN_NOTES else set()
    parts: dict[str, Any] = {
        "type": type_,
        "language": language,
        "patient_name": "María Núñez de la O",
        "birth_date": date(1980, 2, 29),
        "discloser": FormParty("Dr. Ana Ruiz", PRACTICE.name, PRACTICE.address),
        "recipient": FormParty("Lakeside Behavioral Health", None, "9 Lake Avenue, Denver, CO 80203"),
        "mutual": False,
        "purposes": purposes(type_),
        "information": frozenset({Information.DIAGNOSES, Information.MEDICATIONS}),
        "sensitivity": frozenset({Sensitivity.BEHAVIORAL_HEALTH, *own}),
        "valid_from": date(2026, 3, 1),
        "valid_until": date(2027, 2, 28),
        "expires_on": ExpiryEvent.END_OF_TREATMENT,
        "practice": PRACTICE,
        "representative": None,
        "consent": UUID("018f9d3a-1111-4222-8333-1234567890ab"),
        "version": 2,
    }
    return Form(**(parts | changed))


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """Any form that may be signed."""
    type_ = draw(st.sampled_from(TYPES))
    own = {OWN_NOTES[type_]} if type_ in OWN_NOTES else set()
    events = [each for each in ExpiryEvent if each is not ExpiryEvent.NONE or type_ is ConsentType.PART_2_TPO]
    signers = st.builds(Representative, st.just("Eva Núñez"), st.sampled_from(SignerAuthority))
    first = draw(st.dates(date(2026, 1, 1), date(2030, 12, 31)))
    return form(
        type_,
        draw(st.sampled_from(LANGUAGES)),
        mutual=draw(st.booleans()),
        purposes=draw(st.frozensets(st.sampled_from(sorted(purposes(type_))), min_size=1)),
        information=draw(st.frozensets(st.sampled_from(Information), min_size=1)),
        sensitivity=draw(st.frozensets(st.sampled_from(sorted(topics(type_))), min_size=0 if own else 1)) | own,
        valid_from=first,
        valid_until=draw(st.dates(first, first.replace(year=first.year + 4, day=min(first.day, 28)))),
        expires_on=draw(st.none() | st.sampled_from(events)),
        representative=draw(st.none() | signers),
    )


def flat(text: str) -> str:
    """Without line breaks and the marks of lists: what is said, not where it stands."""
    return " ".join(text.replace("- ", " ").replace("[ ] ", " ").replace("•", " ").replace("☐", " ").split())


def said_in(pdf: bytes) -> str:
    """What a PDF says, page after page, in the same way."""
    return flat("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))


@cache
def both(type_: ConsentType, language: str) -> tuple[str, str]:
    """What the form of a type says as text and as PDF."""
    made = form(type_, language)
    return flat(render_text(made)), said_in(render_pdf(made))
