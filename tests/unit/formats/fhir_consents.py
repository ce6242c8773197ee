"""Consents for the tests of the FHIR mapping: strategies over the whole vocabulary, fixtures, and changes to them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from concord_formats.fhir_consent import (
    Acceptance,
    ConsentRecord,
    Deed,
    History,
    Party,
    Signed,
    Standing,
)
from concord_formats.fhir_consent.record import Form, Method, Signer
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

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Steps = tuple[str | int, ...]

RECORD = ConsentRecord(
    id=UUID(int=1),
    version=1,
    status=Standing.ACTIVE,
    type=ConsentType.HIPAA_AUTHORIZATION,
    patient="pt_" + "a" * 26,
    discloser=Party(PartyKind.PRACTITIONER, UUID(int=0xA1)),
    recipient=Party(PartyKind.ORGANIZATION, UUID(int=0xB0)),
    mutual=False,
    purposes=frozenset({Purpose.TREATMENT}),
    information=frozenset({Information.DIAGNOSES}),
    sensitivity=frozenset({Sensitivity.GENERAL}),
    valid_from=NOW,
    valid_until=NOW + timedelta(days=365),
)

moments = st.datetimes(datetime(2000, 1, 2), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
parties = st.builds(Party, st.sampled_from(PartyKind), st.uuids())
signed = st.builds(
    Signed,
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    size=st.integers(0, 8 * 1024 * 1024),
    signed_on=st.dates(date(1990, 1, 1), date(2099, 1, 1)),
    method=st.sampled_from(get_args(Method)),
    form=st.sampled_from(get_args(Form)),
    language=st.sampled_from(FormLanguage),
    statements=st.frozensets(st.sampled_from(FormStatement)),
    signer=st.sampled_from(get_args(Signer)),
    authority=st.sampled_from([None, *SignerAuthority]),
    witness=st.none() | st.uuids(),
    copy_given=st.booleans(),
)


@st.composite
def records(draw: st.DrawFn) -> ConsentRecord:
    """Any consent, of any words; the record of an emergency is none."""
    mutual, start = draw(st.booleans()), draw(moments)
    accepted = st.none() | st.builds(Acceptance, moments, st.uuids())
    happened = sorted(draw(st.sets(st.sampled_from(History))), key=list(History).index)
    sides = st.sampled_from([None, "discloser", "recipient", "patient"])
    return ConsentRecord(
        id=draw(st.none() | st.uuids()),
        version=draw(st.none() | st.integers(1, 1_000_000)),
        status=draw(st.sampled_from(Standing)),
        type=draw(st.sampled_from([each for each in ConsentType if each is not ConsentType.EMERGENCY])),
        patient="pt_" + draw(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)),
        discloser=draw(parties),
        recipient=draw(parties),
        mutual=mutual,
        purposes=draw(st.frozensets(st.sampled_from(Purpose))),
        information=draw(st.frozensets(st.sampled_from(Information))),
        sensitivity=draw(st.frozensets(st.sampled_from(Sensitivity))),
        valid_from=start,
        valid_until=start + draw(st.timedeltas(timedelta(microseconds=1), timedelta(days=1830))),
        expires_on=draw(st.sampled_from([None, *ExpiryEvent])),
        evidence=draw(st.none() | signed),
        accepted=(draw(accepted), draw(accepted) if mutual else None),
        deeds=tuple(Deed(what, draw(moments), draw(st.none() | st.uuids()), draw(sides)) for what in happened),
    )


def fixture(name: str) -> dict[str, Any]:
    """A resource of the fixtures."""
    return dict(json.loads((FIXTURES / name).read_text(encoding="utf-8")))


def leaves(value: object, steps: Steps = ()) -> Iterator[Steps]:
    """Where a resource holds a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield steps
        return
    for step, each in inside:
        yield from leaves(each, (*steps, step))


def objects(value: object, steps: Steps = ()) -> Iterator[Steps]:
    """Where a resource holds an object."""
    if isinstance(value, dict):
        yield steps
    for step, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects(each, (*steps, step))


def with_(resource: dict[str, Any], steps: Steps, value: object) -> dict[str, Any]:
    """The resource with another value there."""
    changed = copy.deepcopy(resource)
    place: Any = changed
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return changed
