"""Identity checks: one administrator's word, signed by one device of theirs, about one person."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from uuid import UUID

import pytest
from concord_formats.identity_checks import (
    MAX_CHECK_BYTES,
    MAX_NAME,
    Checked,
    IdentityCheck,
    IdentityCheckError,
    SignedIdentityCheck,
    read_identity_check,
    unverified_identity_check,
)
from concord_formats.signatures import SignedKind
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.client.people import Clinician

MEMBERS: dict[str, Any] = {
    "v": 1,
    "organization": str(UUID(int=1, version=4)),
    "role": "practitioner",
    "name": "Dr. Ana Whitfield",
    "npi": "1245319599",
    "how": "in-person-photo-id",
    "checked_on": "2026-11-20",
    "attestor": str(UUID(int=2, version=4)),
    "device": str(UUID(int=3, version=4)),
    "at": "2026-11-28T12:00:00Z",
}


def signed(by: Clinician, kind: SignedKind = SignedKind.IDENTITY_CHECK, **changed: Any) -> SignedIdentityCheck:
    members = {name: value for name, value in (MEMBERS | changed).items() if value is not None}
    line = json.dumps(members).encode()
    return SignedIdentityCheck(line, by.keyring.signing_key().sign(kind, line))


def read(by: Clinician, check: SignedIdentityCheck) -> IdentityCheck:
    return read_identity_check(check, by.keyring.signing_key().public())


@pytest.mark.parametrize("how", Checked)
def test_a_check_is_read_as_it_was_signed(eve: Clinician, how: Checked) -> None:
    check = IdentityCheck.model_validate_json(json.dumps(MEMBERS | {"how": how.value}))
    line = check.encode()
    word = SignedIdentityCheck(line, eve.keyring.signing_key().sign(SignedKind.IDENTITY_CHECK, line))
    assert read(eve, word) == check


def test_who_has_no_npi_is_checked_without_one(eve: Clinician) -> None:
    check = read(eve, signed(eve, npi=None))
    assert check.npi is None
    assert b"npi" not in check.encode()


def test_the_longest_name_in_any_script_fits(eve: Clinician) -> None:
    check = IdentityCheck.model_validate_json(json.dumps(MEMBERS | {"name": "𐐷" * MAX_NAME}))
    assert len(check.encode()) <= MAX_CHECK_BYTES
    assert unverified_identity_check(check.encode()) == check


def test_another_key_checked_nobody(eve: Clinician, noor: Clinician) -> None:
    word = signed(eve)
    for key in (noor.keyring.signing_key().public(), eve.keyring.identity_key().public()):
        with pytest.raises(IdentityCheckError):
            read_identity_check(word, key)


@pytest.mark.parametrize("kind", [kind for kind in SignedKind if kind is not SignedKind.IDENTITY_CHECK])
def test_nothing_else_that_was_signed_is_a_check(eve: Clinician, kind: SignedKind) -> None:
    with pytest.raises(IdentityCheckError):
        read(eve, signed(eve, kind))


def test_a_word_about_one_person_is_none_about_another(eve: Clinician) -> None:
    word = signed(eve)
    moved = SignedIdentityCheck(word.line.replace(b"Whitfield", b"Whitefeld"), word.signature)
    with pytest.raises(IdentityCheckError):
        read(eve, moved)


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"organization": None},
        {"role": "operator"},
        {"name": ""},
        {"name": "Ana  Whitfield"},
        {"name": "Ana\u202eWhitfield"},
        {"name": "x" * (MAX_NAME + 1)},
        {"npi": "124531959"},
        {"npi": "１２４５３１９５９９"},
        {"how": "by-mail"},
        {"how": None},
        {"checked_on": None},
        {"checked_on": "2026-11-30"},
        {"checked_on": "1763596800"},
        {"checked_on": 1763596800},
        {"checked_on": "2026-11-20T00:00:00Z"},
        {"checked_on": "2026-02-30"},
        {"attestor": "ada"},
        {"device": None},
        {"at": "2026-11-28"},
        {"passport": "C01X00T47"},
    ],
    ids=lambda changed: ",".join(f"{name}={str(value)[:20]!r}" for name, value in changed.items()),
)
def test_a_malformed_check_is_refused_however_well_signed(eve: Clinician, changed: dict[str, Any]) -> None:
    with pytest.raises(IdentityCheckError):
        read(eve, signed(eve, **changed))


def test_a_day_is_written_as_it_was_where_the_person_stood(eve: Clinician) -> None:
    """In Kiribati it is tomorrow already."""
    assert read(eve, signed(eve, checked_on="2026-11-29"))


@given(st.binary(max_size=80) | st.just(b" " * (MAX_CHECK_BYTES + 1)) | st.just(b"{}\n"))
def test_any_bytes_are_a_check_or_refused(line: bytes) -> None:
    with contextlib.suppress(IdentityCheckError):
        unverified_identity_check(line)
        raise AssertionError("nobody is checked in eighty bytes")
