"""`spec/vectors/letter`: made once, checked for ever."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from concord import errors
from concord.age import HybridIdentity, decrypt_bytes, parse_identity
from concord.letter import OpenedLetter, open_letter, verify_receipt
from concord_formats.address import address_digest, parse_address
from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import from_base64url
from concord_formats.vocabulary import PART_2_NOTICE

from tests.unit.client.test_receipt import Texts

ROOT = Path(__file__).resolve().parents[3] / "spec" / "vectors"
KEYS: dict[str, Any] = json.loads((ROOT / "keys" / "keys.json").read_text())
LETTER: dict[str, Any] = json.loads((ROOT / "letter" / "letter.json").read_text())
DELEGATION: dict[str, Any] = json.loads((ROOT / "letter" / "delegation.json").read_text())
SCOPE: dict[str, Any] = json.loads((ROOT / "letter" / "scope.json").read_text())

REFUSALS: dict[str, type[errors.LetterError]] = {
    "malformed": errors.MalformedLetterError,
    "tampered": errors.TamperedLetterError,
    "not-a-recipient": errors.NotARecipientError,
    "statement-mismatch": errors.StatementMismatchError,
    "revoked-device": errors.RevokedDeviceError,
    "signature": errors.SignatureMismatchError,
    "body": errors.BodyMismatchError,
    "delegation": errors.DelegationError,
}


def history(name: str) -> list[SignedEntry]:
    entries = [KEYS["entries"][place] for place in KEYS["histories"][name]]
    return [SignedEntry(from_base64url(each["entry"]), from_base64url(each["signature"])) for each in entries]


def histories(person: UUID) -> list[SignedEntry]:
    """Ana's, who sends; and of the one in whose name she does."""
    if person != parse_address(DELEGATION["address"].encode()).on_behalf_of:
        return history("ana")
    told = ((from_base64url(each["entry"]), from_base64url(each["signature"])) for each in DELEGATION["history"])
    return [SignedEntry(*each) for each in told]


def read(letter: str, identity: str, reader: str) -> tuple[OpenedLetter, bytes]:
    key, target = parse_identity(identity), io.BytesIO()
    assert isinstance(key, HybridIdentity)
    opened = open_letter(
        io.BytesIO(from_base64url(letter)),
        identities=[key],
        reader=UUID(reader),
        sender_history=histories,
        target=target,
    )
    return opened, target.getvalue()


def test_the_letter_opens() -> None:
    opened, body = read(LETTER["letter"], LETTER["identity"], LETTER["reader"])
    assert body == from_base64url(LETTER["body"])
    assert opened.sha256 == LETTER["letter_sha256"] == hashlib.sha256(from_base64url(LETTER["letter"])).hexdigest()
    assert not opened.signer.in_force  # the history has gone on since


def test_its_parts_are_these_bytes() -> None:
    line, _, sealed = from_base64url(LETTER["letter"]).partition(b"\n")
    key = parse_identity(LETTER["identity"])
    statement, signature, body = decrypt_bytes(sealed, [key]).split(b"\n", 2)
    assert (line.decode(), statement.decode(), signature.decode()) == (
        LETTER["address"],
        LETTER["statement"],
        LETTER["signature"],
    )
    assert body == from_base64url(LETTER["body"])
    assert address_digest(line) == LETTER["address_sha256"]
    assert parse_address(line).encode() == line


def test_the_receipt_verifies() -> None:
    class Sent:
        """Where the letter is kept."""

        def sha256(self, _letter: UUID) -> str:
            return str(LETTER["letter_sha256"])

    texts = Texts(**LETTER["receipt"])
    receipt = verify_receipt(texts, history("noor"), Sent(), parse_address(LETTER["address"].encode()).letter)
    assert receipt.recipient == UUID(LETTER["reader"])


def test_the_forwarded_letter_is_refused() -> None:
    forwarded = LETTER["forwarded"]
    with pytest.raises(errors.ForwardedLetterError):
        read(forwarded["letter"], forwarded["identity"], forwarded["reader"])


@pytest.mark.parametrize("why", LETTER["refused"])
def test_these_letters_are_refused(why: str) -> None:
    kind, _, what = why.partition(": ")
    with pytest.raises(REFUSALS[kind]) as caught:
        read(LETTER["refused"][why], LETTER["identity"], LETTER["reader"])
    assert caught.type is REFUSALS[kind]
    if kind == "statement-mismatch":
        assert caught.value.members == {"field": what}


def test_the_letter_with_a_scope_opens_and_says_what_it_says() -> None:
    opened, _ = read(SCOPE["letter"], SCOPE["identity"], SCOPE["reader"])
    assert opened.statement.encode().decode() == SCOPE["statement"]
    assert opened.address.encode().decode() == SCOPE["address"]
    assert (opened.notice, opened.doubts) == (PART_2_NOTICE, ())
    assert opened.scope is not None


@pytest.mark.parametrize("why", SCOPE["refused"])
def test_these_letters_with_a_scope_are_refused(why: str) -> None:
    kind, _, what = why.partition(": ")
    with pytest.raises(REFUSALS[kind]) as caught:
        read(SCOPE["refused"][why], SCOPE["identity"], SCOPE["reader"])
    if kind == "statement-mismatch":
        assert caught.value.members == {"field": what}


@pytest.mark.parametrize("why", SCOPE["doubted"])
def test_these_letters_open_with_a_doubt(why: str) -> None:
    opened, body = read(SCOPE["doubted"][why], SCOPE["identity"], SCOPE["reader"])
    assert body == from_base64url(LETTER["body"])
    assert opened.notice == PART_2_NOTICE
    assert len(opened.doubts) == 1, opened.doubts


def test_the_letter_in_somebody_elses_name_opens_and_says_whose() -> None:
    opened, body = read(DELEGATION["letter"], DELEGATION["identity"], DELEGATION["reader"])
    assert body == from_base64url(LETTER["body"])
    assert opened.statement.encode().decode() == DELEGATION["statement"]
    assert opened.address.encode().decode() == DELEGATION["address"]
    proof = opened.statement.delegation_proof
    assert proof is not None
    assert proof.signed().line.decode() == DELEGATION["delegation"]


@pytest.mark.parametrize("why", DELEGATION["refused"])
def test_these_letters_in_somebody_elses_name_are_refused(why: str) -> None:
    kind, _, what = why.partition(": ")
    with pytest.raises(REFUSALS[kind]) as caught:
        read(DELEGATION["refused"][why], DELEGATION["identity"], DELEGATION["reader"])
    assert caught.type is REFUSALS[kind]
    if kind == "statement-mismatch":
        assert caught.value.members == {"field": what}
