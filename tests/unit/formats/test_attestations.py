"""Attestations: one administrator's word, signed by one device of theirs, about one entry."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any
from uuid import UUID

import pytest
from concord_formats.attestations import (
    MAX_ATTESTATION_BYTES,
    Attestation,
    AttestationError,
    Proof,
    SignedAttestation,
    read_attestation,
    unverified_attestation,
)
from concord_formats.signatures import SignedKind
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.client.people import Clinician

MEMBERS: dict[str, Any] = {
    "v": 1,
    "account": str(UUID(int=1, version=4)),
    "entry": "e" * 64,
    "attestor": str(UUID(int=2, version=4)),
    "device": str(UUID(int=3, version=4)),
    "how": "video",
    "at": "2026-11-28T12:00:00Z",
}


def signed(by: Clinician, line: bytes, kind: SignedKind = SignedKind.ATTESTATION) -> SignedAttestation:
    return SignedAttestation(line, by.keyring.signing_key().sign(kind, line))


def attested(by: Clinician, **changed: Any) -> SignedAttestation:
    members = {name: value for name, value in (MEMBERS | changed).items() if value is not None}
    return signed(by, json.dumps(members).encode())


@pytest.mark.parametrize("how", Proof)
def test_an_attestation_is_read_as_it_was_signed(eve: Clinician, how: Proof) -> None:
    attestation = Attestation.model_validate_json(json.dumps(MEMBERS | {"how": how.value}))
    word = signed(eve, attestation.encode())
    assert read_attestation(word, eve.keyring.signing_key().public()) == attestation
    assert word.digest == hashlib.sha256(attestation.encode()).hexdigest()
    assert len(word.line) < MAX_ATTESTATION_BYTES // 2


def test_another_key_attested_nothing(eve: Clinician, noor: Clinician) -> None:
    word = attested(eve)
    for key in (noor.keyring.signing_key().public(), eve.keyring.identity_key().public()):
        with pytest.raises(AttestationError):
            read_attestation(word, key)


@pytest.mark.parametrize("kind", [kind for kind in SignedKind if kind is not SignedKind.ATTESTATION])
def test_nothing_else_that_was_signed_is_an_attestation(eve: Clinician, kind: SignedKind) -> None:
    line = json.dumps(MEMBERS).encode()
    with pytest.raises(AttestationError):
        read_attestation(signed(eve, line, kind), eve.keyring.signing_key().public())


def test_a_word_about_one_entry_is_none_about_another(eve: Clinician) -> None:
    word = attested(eve)
    moved = SignedAttestation(word.line.replace(b"e" * 64, b"f" * 64), word.signature)
    with pytest.raises(AttestationError):
        read_attestation(moved, eve.keyring.signing_key().public())


@pytest.mark.parametrize("half", [slice(0, 64), slice(64, None)])
def test_neither_half_of_the_signature_is_enough(eve: Clinician, half: slice) -> None:
    word = attested(eve)
    broken = bytearray(word.signature)
    broken[half] = bytes(len(broken[half]))
    with pytest.raises(AttestationError):
        read_attestation(SignedAttestation(word.line, bytes(broken)), eve.keyring.signing_key().public())


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"v": None},
        {"account": None},
        {"entry": "E" * 64},
        {"entry": "e" * 65},
        {"attestor": None},
        {"device": "laptop"},
        {"how": "by-mail"},
        {"how": "In-Person"},
        {"how": None},
        {"at": "2026-11-28"},
        {"at": None},
        {"note": "I know her"},
        {"attestor": MEMBERS["account"]},
    ],
)
def test_a_malformed_attestation_is_refused_however_well_signed(eve: Clinician, changed: dict[str, Any]) -> None:
    with pytest.raises(AttestationError):
        read_attestation(attested(eve, **changed), eve.keyring.signing_key().public())


@given(st.binary(max_size=80) | st.just(b" " * (MAX_ATTESTATION_BYTES + 1)) | st.just(b"{}\n"))
def test_any_bytes_are_an_attestation_or_refused(line: bytes) -> None:
    with contextlib.suppress(AttestationError):
        unverified_attestation(line)
        raise AssertionError("nobody attests in eighty bytes")
