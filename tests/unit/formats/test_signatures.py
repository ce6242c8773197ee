"""Hybrid signatures: both halves or nothing."""

from __future__ import annotations

import contextlib

import pytest
from concord_formats.signatures import (
    ED25519_SIGNATURE_BYTES,
    HybridPublicKey,
    SignatureError,
    SignedKind,
    from_base64url,
    signed_bytes,
    to_base64url,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from hypothesis import given
from hypothesis import strategies as st

ED25519 = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
MLDSA65 = MLDSA65PrivateKey.from_seed_bytes(b"\2" * 32)
PUBLIC = HybridPublicKey(ED25519.public_key().public_bytes_raw(), MLDSA65.public_key().public_bytes_raw())
PAYLOAD = b'{"v":1}'


def sign(message: bytes) -> bytes:
    return ED25519.sign(message) + MLDSA65.sign(message)


def test_both_halves_verify() -> None:
    PUBLIC.verify(SignedKind.STATEMENT, PAYLOAD, sign(b'concord/v1/statement\n{"v":1}'))


@pytest.mark.parametrize("place", [0, 31, 63, 64, 2000, ED25519_SIGNATURE_BYTES + 3308])
def test_neither_half_is_enough(place: int) -> None:
    signature = bytearray(sign(signed_bytes(SignedKind.STATEMENT, PAYLOAD)))
    signature[place] ^= 1
    with pytest.raises(SignatureError):
        PUBLIC.verify(SignedKind.STATEMENT, PAYLOAD, bytes(signature))


@pytest.mark.parametrize("signed", SignedKind)
@pytest.mark.parametrize("read", SignedKind)
def test_a_signature_is_of_one_kind(signed: SignedKind, read: SignedKind) -> None:
    signature = sign(signed_bytes(signed, PAYLOAD))
    if signed is read:
        PUBLIC.verify(read, PAYLOAD, signature)
    else:
        with pytest.raises(SignatureError):
            PUBLIC.verify(read, PAYLOAD, signature)


@pytest.mark.parametrize("length", [0, 64, 3372, 3374])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(SignatureError):
        PUBLIC.verify(SignedKind.STATEMENT, PAYLOAD, bytes(length))


def test_a_key_is_read_as_it_was_written() -> None:
    assert HybridPublicKey.decode(PUBLIC.encode()) == PUBLIC
    for text in ("", "AA", PUBLIC.encode()[:-2], PUBLIC.encode() + "AA", PUBLIC.encode() + "="):
        with pytest.raises(SignatureError):
            HybridPublicKey.decode(text)


def test_a_fingerprint_is_sixty_digits_of_both_halves() -> None:
    fingerprint = PUBLIC.fingerprint()
    groups = fingerprint.split(" ")
    assert [len(group) for group in groups] == [5] * 12
    assert fingerprint.replace(" ", "").isdecimal()
    assert HybridPublicKey(b"\3" * 32, PUBLIC.mldsa65).fingerprint() != fingerprint
    assert HybridPublicKey(PUBLIC.ed25519, b"\3" * 1952).fingerprint() != fingerprint


@given(st.binary(max_size=100))
def test_base64url_comes_back(raw: bytes) -> None:
    assert from_base64url(to_base64url(raw)) == raw


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "A+/A", "AAA\n", " AAA", "é", "AAB", "A.A"])
def test_one_text_for_one_value(text: str) -> None:
    """`AB` has bits that no byte holds; `+` and `/` are of the other alphabet; white space is nobody's."""
    with pytest.raises(SignatureError):
        from_base64url(text)


@given(st.text(max_size=40))
def test_any_text_is_read_back_the_same_or_refused(text: str) -> None:
    with contextlib.suppress(SignatureError):
        assert to_base64url(from_base64url(text)) == text
