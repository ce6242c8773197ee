"""Makes `letter.json` beside it: one sealed letter with everything that opens it, a receipt, and letters to refuse.

Owns the vectors of `spec/letter.md`; the key histories are those of `../keys/keys.json`: ana sends, noor reads.
Refuses to run where they are: they were made once, and are checked for ever (a letter is sealed under fresh
randomness, so that a second run gives other bytes, as valid as the first).

    python spec/vectors/letter/generate.py
"""

from __future__ import annotations

import hashlib
import io
import json
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from concord.age import HybridIdentity, decrypt_bytes, encrypt_bytes
from concord.letter import Enclosed, seal
from concord.letter.statement import Statement
from concord.signing import HybridSigningKey
from concord_formats.address import Address
from concord_formats.key_entries import read_entry
from concord_formats.signatures import SignedKind, to_base64url
from concord_formats.vocabulary import Information, Purpose, Sensitivity

HERE = Path(__file__).parent
KEYS = runpy.run_path(str(HERE.parent / "keys" / "generate.py"))
BODY = "Thank you for seeing this patient. — A.\n".encode()
SENDER: UUID = KEYS["identifier"]("ana")
READER: UUID = KEYS["identifier"]("noor")
START = KEYS["START"]
HOUR = KEYS["HOUR"]
ANA: HybridSigningKey = KEYS["signing_key"]("ana")
NOOR: HybridIdentity = KEYS["encryption"]("noor")
EVE: HybridIdentity = KEYS["encryption"]("eve")
NOTHING_ENCLOSED = Enclosed()


def address() -> Address:
    """The address, half an hour after both had enrolled."""
    letter = KEYS["identifier"]("first letter")
    return Address(
        v=1,
        letter=letter,
        sender=SENDER,
        device=KEYS["identifier"]("ana device"),
        recipients=(READER,),
        patient="pt_" + "concordvectorsaaaaaaaaaaaa",
        consent=KEYS["identifier"]("consent"),
        consent_version=3,
        purpose=Purpose.TREATMENT,
        information=frozenset({Information.DIAGNOSES, Information.REASON_FOR_REFERRAL}),
        sensitivity=frozenset({Sensitivity.GENERAL, Sensitivity.BEHAVIORAL_HEALTH}),
        thread=letter,
        sealed_at=START + HOUR / 2,
    )


def sealed(written: Address, enclosed: Enclosed = NOTHING_ENCLOSED) -> tuple[bytes, Statement, bytes]:
    """A letter of ana's to noor, its statement, and the statement's signature as it stands in the letter."""
    target = io.BytesIO()
    letter = seal(
        target,
        body=io.BytesIO(BODY),
        media_type="text/plain; charset=utf-8",
        address=written,
        signing_key=ANA,
        recipients={READER: read_entry(KEYS["enrolled"]("noor"))},
        own_entry=read_entry(KEYS["enrolled"]("ana")),
        enclosed=enclosed,
    )
    plain = decrypt_bytes(target.getvalue().partition(b"\n")[2], [NOOR])
    return target.getvalue(), letter.statement, plain.split(b"\n", 2)[1]


def composed(line: bytes, statement: bytes, signature: bytes, body: bytes = BODY, to: HybridIdentity = NOOR) -> bytes:
    """A letter put together by hand."""
    plain = statement + b"\n" + to_base64url(signature).encode() + b"\n" + body
    return line + b"\n" + encrypt_bytes(plain, [to.recipient()])


def stated(line: bytes, members: dict[str, Any]) -> bytes:
    """A letter whose statement has these members, None standing for one that is not there."""
    kept = {name: value for name, value in members.items() if value is not None}
    statement = json.dumps(kept, separators=(",", ":")).encode()
    return composed(line, statement, ANA.sign(SignedKind.STATEMENT, statement))


def _refused(letter: bytes, statement: Statement) -> dict[str, bytes]:
    line, signed = address().encode(), statement.encode()
    good = ANA.sign(SignedKind.STATEMENT, signed)
    broken = bytes(64)
    relabelled = line.replace(b'"consent_version":3', b'"consent_version":4')
    other = HybridSigningKey.from_seed(KEYS["seed"]("mallory signing"))
    theirs = statement.model_copy(update={"signing_key": other.public().encode()}).encode()
    twice = signed[:-1] + b',"v":1}'
    late = _dated_late(statement)
    return {
        "tampered": letter[:-1] + bytes([letter[-1] ^ 1]),
        "tampered: cut short": letter[:-20],
        "not-a-recipient": composed(line, signed, good, to=EVE),
        "malformed: no address": b"{}\n" + letter.partition(b"\n")[2],
        "malformed: a member of the statement twice": composed(line, twice, ANA.sign(SignedKind.STATEMENT, twice)),
        "malformed: a signature line of another alphabet": line
        + b"\n"
        + encrypt_bytes(signed + b"\n+/+/\n" + BODY, [NOOR.recipient()]),
        "statement-mismatch: consent_version": composed(relabelled, signed, good),
        "statement-mismatch: address_sha256": composed(line.replace(b'"v":1,', b'"v": 1,'), signed, good),
        "statement-mismatch: signing_key": composed(line, theirs, other.sign(SignedKind.STATEMENT, theirs)),
        "signature: the Ed25519 half": composed(line, signed, broken + good[64:]),
        "signature: the ML-DSA-65 half": composed(
            line, signed, good[:64] + other.sign(SignedKind.STATEMENT, signed)[64:]
        ),
        "signature: of a receipt": composed(line, signed, ANA.sign(SignedKind.RECEIPT, signed)),
        "body: other bytes": composed(line, signed, good, BODY[:-2] + b"B\n"),
        "body: longer": composed(line, signed, good, BODY + b"x"),
        "body: shorter": composed(line, signed, good, BODY[:-1]),
        "revoked-device": composed(late.line, late.statement, ANA.sign(SignedKind.STATEMENT, late.statement)),
    }


@dataclass(frozen=True)
class _Late:
    """The same letter, dated after the device was revoked."""

    line: bytes
    statement: bytes


def _dated_late(statement: Statement) -> _Late:
    moment = START + 4 * HOUR
    line = address().model_copy(update={"sealed_at": moment}).encode()
    changed = {"sealed_at": moment, "address_sha256": hashlib.sha256(line).hexdigest()}
    return _Late(line, statement.model_copy(update=changed).encode())


def _forwarded(statement: Statement) -> dict[str, str]:
    """Noor's copy of Ana's signed statement, sealed anew to Eve."""
    signed = statement.encode()
    letter = composed(address().encode(), signed, ANA.sign(SignedKind.STATEMENT, signed), to=EVE)
    return {"reader": str(KEYS["identifier"]("eve")), "identity": EVE.encode(), "letter": to_base64url(letter)}


def _receipt(letter: bytes) -> dict[str, str]:
    receipt = {
        "v": 1,
        "letter": str(address().letter),
        "recipient": str(READER),
        "device": str(KEYS["identifier"]("noor device")),
        "letter_sha256": hashlib.sha256(letter).hexdigest(),
        "opened_at": "2026-11-23T13:00:00Z",
    }
    line = json.dumps(receipt, separators=(",", ":")).encode()
    signature = KEYS["signing_key"]("noor").sign(SignedKind.RECEIPT, line)
    return {"receipt": to_base64url(line), "signature": to_base64url(signature)}


def make() -> dict[str, Any]:
    """All of it."""
    letter, statement, signature = sealed(address())
    return {
        "reader": str(READER),
        "identity": NOOR.encode(),
        "address": address().encode().decode(),
        "address_sha256": statement.address_sha256,
        "statement": statement.encode().decode(),
        "signature": signature.decode(),
        "body": to_base64url(BODY),
        "letter": to_base64url(letter),
        "letter_sha256": hashlib.sha256(letter).hexdigest(),
        "receipt": _receipt(letter),
        "forwarded": _forwarded(statement),
        "refused": {why: to_base64url(each) for why, each in _refused(letter, statement).items()},
    }


if __name__ == "__main__":
    with (HERE / "letter.json").open("x") as file:
        file.write(json.dumps(make(), indent=1) + "\n")
