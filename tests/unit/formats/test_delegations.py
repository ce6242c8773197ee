"""Delegations: what one practitioner's device signed that a colleague may send in their name."""

from __future__ import annotations

import contextlib
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from concord_formats.delegations import (
    MAX_DELEGATION_BYTES,
    Delegation,
    DelegationError,
    SignedDelegation,
    read_delegation,
    unverified_delegation,
)
from concord_formats.signatures import SignedKind
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.client.people import Clinician

MEMBERS: dict[str, Any] = {
    "v": 1,
    "delegation": str(UUID(int=1, version=4)),
    "delegator": str(UUID(int=2, version=4)),
    "delegate": str(UUID(int=3, version=4)),
    "device": str(UUID(int=4, version=4)),
    "purposes": ["treatment", "care-coordination"],
    "information": ["diagnoses", "medications"],
    "sensitivity": ["general", "behavioral-health"],
    "valid_from": "2026-11-28T12:00:00Z",
    "valid_until": "2027-02-28T12:00:00Z",
    "at": "2026-11-28T11:59:00Z",
}
GIVEN = [purpose for purpose in Purpose if purpose is not Purpose.EMERGENCY]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DELEGATIONS = st.builds(
    lambda begins, days, **sets: Delegation(
        v=1,
        delegation=UUID(int=1),
        delegator=UUID(int=2),
        delegate=UUID(int=3),
        device=UUID(int=4),
        valid_from=begins,
        valid_until=begins + timedelta(days=days),
        at=begins,
        **sets,
    ),
    MOMENTS,
    st.integers(1, 366),
    purposes=st.frozensets(st.sampled_from(GIVEN), min_size=1),
    information=st.frozensets(st.sampled_from(Information), min_size=1),
    sensitivity=st.frozensets(st.sampled_from(Sensitivity), min_size=1),
)


def signed(by: Clinician, line: bytes, kind: SignedKind = SignedKind.DELEGATION) -> SignedDelegation:
    return SignedDelegation(line, by.keyring.signing_key().sign(kind, line))


def delegated(by: Clinician, **changed: Any) -> SignedDelegation:
    members = {name: value for name, value in (MEMBERS | changed).items() if value is not None}
    return signed(by, json.dumps(members).encode())


@given(DELEGATIONS)
def test_what_is_written_is_what_is_read(delegation: Delegation) -> None:
    line = delegation.encode()
    assert unverified_delegation(line) == delegation
    assert unverified_delegation(line).encode() == line
    assert len(line) < MAX_DELEGATION_BYTES


def test_a_delegation_of_everything_fits_into_the_bound() -> None:
    everything = MEMBERS | {"purposes": GIVEN, "information": list(Information), "sensitivity": list(Sensitivity)}
    assert len(Delegation.model_validate_json(json.dumps(everything)).encode()) < MAX_DELEGATION_BYTES * 2 // 3


def test_a_delegation_is_read_as_it_was_signed(ana: Clinician) -> None:
    delegation = Delegation.model_validate_json(json.dumps(MEMBERS))
    word = signed(ana, delegation.encode())
    assert read_delegation(word, ana.keyring.signing_key().public()) == delegation
    assert word.digest == hashlib.sha256(delegation.encode()).hexdigest()


def test_another_key_gave_nothing(ana: Clinician, noor: Clinician) -> None:
    word = delegated(ana)
    for key in (noor.keyring.signing_key().public(), ana.keyring.identity_key().public()):
        with pytest.raises(DelegationError):
            read_delegation(word, key)


@pytest.mark.parametrize("kind", [kind for kind in SignedKind if kind is not SignedKind.DELEGATION])
def test_nothing_else_that_was_signed_is_a_delegation(ana: Clinician, kind: SignedKind) -> None:
    with pytest.raises(DelegationError):
        read_delegation(signed(ana, json.dumps(MEMBERS).encode(), kind), ana.keyring.signing_key().public())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"general", b"hiv-all"),
        (b"2027-02-28", b"2027-12-28"),
        (b'"medications"', b'"lab-results"'),
        (MEMBERS["delegate"].encode(), str(UUID(int=9, version=4)).encode()),
    ],
    ids=["sensitivity", "until", "information", "delegate"],
)
def test_no_word_of_it_can_be_changed(ana: Clinician, old: bytes, new: bytes) -> None:
    word = delegated(ana)
    assert old in word.line
    with pytest.raises(DelegationError):
        read_delegation(
            SignedDelegation(word.line.replace(old, new), word.signature), ana.keyring.signing_key().public()
        )


@pytest.mark.parametrize("half", [slice(0, 64), slice(64, None)], ids=["ed25519", "ml-dsa"])
def test_neither_half_of_the_signature_is_enough(ana: Clinician, half: slice) -> None:
    word = delegated(ana)
    broken = bytearray(word.signature)
    broken[half] = bytes(len(broken[half]))
    with pytest.raises(DelegationError):
        read_delegation(SignedDelegation(word.line, bytes(broken)), ana.keyring.signing_key().public())


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"v": None},
        {"delegation": None},
        {"delegator": MEMBERS["delegate"]},
        {"device": "laptop"},
        {"purposes": []},
        {"purposes": ["research"]},
        {"purposes": ["treatment", "emergency"]},
        {"purposes": "treatment"},
        {"information": []},
        {"information": ["*"]},
        {"sensitivity": []},
        {"sensitivity": None},
        {"valid_until": MEMBERS["valid_from"]},
        {"valid_until": "2026-11-28T11:59:59Z", "at": "2026-01-01T00:00:00Z"},
        {"valid_until": "2027-11-29T12:00:01Z"},
        {"valid_from": "2026-11-28"},
        {"at": None},
        {"at": MEMBERS["valid_until"]},
        {"note": "for my nurse"},
    ],
    ids=lambda changed: " ".join(f"{name}={value}"[:40] for name, value in changed.items()),
)
def test_a_malformed_delegation_is_refused_however_well_signed(ana: Clinician, changed: dict[str, Any]) -> None:
    with pytest.raises(DelegationError):
        read_delegation(delegated(ana, **changed), ana.keyring.signing_key().public())


@pytest.mark.parametrize("days", [1, 366])
def test_it_may_last_a_year_and_no_longer(days: int) -> None:
    begins = datetime(2026, 11, 28, tzinfo=UTC)
    until = (begins + timedelta(days=days)).isoformat()
    members = MEMBERS | {"valid_from": begins.isoformat(), "valid_until": until}
    assert Delegation.model_validate_json(json.dumps(members)).holds_at(begins + timedelta(hours=23))


@given(DELEGATIONS)
def test_it_holds_from_its_first_moment_until_its_last_is_reached(delegation: Delegation) -> None:
    instant = timedelta(microseconds=1)
    assert delegation.holds_at(delegation.valid_from)
    assert not delegation.holds_at(delegation.valid_from - instant)
    assert delegation.holds_at(delegation.valid_until - instant)
    assert not delegation.holds_at(delegation.valid_until)


@given(
    DELEGATIONS,
    st.sampled_from(Purpose),
    st.frozensets(st.sampled_from(Information), min_size=1),
    st.frozensets(st.sampled_from(Sensitivity), min_size=1),
)
def test_what_is_beyond_it_is_named_word_by_word(
    delegation: Delegation,
    purpose: Purpose,
    information: frozenset[Information],
    sensitivity: frozenset[Sensitivity],
) -> None:
    beyond = delegation.beyond(purpose, information | sensitivity)
    assert (purpose in beyond) == (purpose not in delegation.purposes)
    assert beyond - {purpose} == {*(information - delegation.information), *(sensitivity - delegation.sensitivity)}


@given(st.binary(max_size=80) | st.just(b" " * (MAX_DELEGATION_BYTES + 1)) | st.just(b"{}\n"))
def test_any_bytes_are_a_delegation_or_refused(line: bytes) -> None:
    with contextlib.suppress(DelegationError):
        unverified_delegation(line)
        raise AssertionError("nobody delegates in eighty bytes")
