"""Clinicians with real keys, letters between them, and a hostile sealer, for the tests of the client."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO
from uuid import UUID, uuid4

from concord.age import HybridIdentity, HybridRecipient, decrypt_bytes, encrypt_bytes, parse_recipient
from concord.keyring import Keyring
from concord.letter import ConsentScope, Enclosed, OpenedLetter, SealedLetter, open_letter, seal
from concord.signing import HybridSigningKey, next_entry
from concord_formats.address import Address
from concord_formats.key_entries import DeviceKeys, KeyEntry, SignedEntry, read_history
from concord_formats.signatures import SignedKind, to_base64url
from concord_formats.vocabulary import PART_2_NOTICE, ConsentType, Information, Purpose, Sensitivity
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TOKEN = "pt_" + "a" * 26
CONSENT = UUID("c0115e27-0000-4000-8000-000000000001")
BODY = b"Thank you for seeing this patient. Sleep and panic symptoms since June.\n"


def new_device(signing: HybridSigningKey | None = None) -> DeviceKeys:
    """The public keys of a further device."""
    authentication = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    key = signing or HybridSigningKey.generate()
    return DeviceKeys(id=uuid4(), signing=key.public().encode(), authentication=to_base64url(authentication))


@dataclass
class Clinician:
    """One clinician: the keyring of the first device, and the whole key history."""

    keyring: Keyring = field(default_factory=lambda: Keyring.create(uuid4()))
    history: list[SignedEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = self.history or [self.keyring.first_entry]

    @property
    def id(self) -> UUID:
        """The practitioner's id."""
        return self.keyring.account

    @property
    def entry(self) -> KeyEntry:
        """The newest entry."""
        return read_history(self.history)

    @property
    def recipient(self) -> HybridRecipient:
        """The newest encryption key."""
        return self.keyring.encryption_identities()[0].recipient()

    def change(self, **change: Any) -> None:
        """Append an entry to the history."""
        self.history.append(next_entry(self.keyring.identity_key(), self.history[-1], **change))

    def rotate(self) -> None:
        """Take a new encryption key, and publish it."""
        self.keyring = self.keyring.with_new_encryption_key().with_published_key()
        self.change(encryption_recipient=str(self.recipient))

    def keys_of(self, *people: Clinician) -> Callable[[UUID], list[SignedEntry]]:
        """A resolver of these people's histories."""
        return {person.id: person.history for person in (self, *people)}.__getitem__


def address(sender: Clinician, /, *recipients: Clinician, **changed: Any) -> Address:
    """An address of a letter."""
    letter = uuid4()
    values: dict[str, Any] = {
        "v": 1,
        "letter": letter,
        "sender": sender.id,
        "device": sender.keyring.device,
        "recipients": tuple(person.id for person in recipients),
        "patient": TOKEN,
        "consent": CONSENT,
        "consent_version": 1,
        "purpose": Purpose.TREATMENT,
        "information": frozenset({Information.DIAGNOSES, Information.MEDICATIONS}),
        "sensitivity": frozenset({Sensitivity.GENERAL}),
        "thread": letter,
        "sealed_at": datetime.now(UTC),
    }
    return Address(**(values | changed))


def write_letter(
    sender: Clinician,
    *recipients: Clinician,
    body: bytes | BinaryIO = BODY,
    media_type: str = "text/plain",
    enclosed: Enclosed = Enclosed(),  # noqa: B008 - frozen
    **changed: Any,
) -> tuple[bytes, SealedLetter]:
    """A letter's bytes, and what `seal` says of it."""
    target = io.BytesIO()
    sealed = seal(
        target,
        body=io.BytesIO(body) if isinstance(body, bytes) else body,
        media_type=media_type,
        address=address(sender, *recipients, **changed),
        signing_key=sender.keyring.signing_key(),
        recipients={person.id: person.entry for person in recipients},
        own_entry=sender.entry,
        enclosed=enclosed,
    )
    return target.getvalue(), sealed


def read_letter(letter: bytes, reader: Clinician, sender: Clinician) -> tuple[OpenedLetter, bytes]:
    """Open a letter; what is known of it, and its body."""
    target = io.BytesIO()
    opened = open_letter(
        io.BytesIO(letter),
        identities=reader.keyring.encryption_identities(),
        reader=reader.id,
        sender_history=reader.keys_of(sender),
        target=target,
    )
    return opened, target.getvalue()


def scope(sender: Clinician, to: Clinician, /, **changed: Any) -> ConsentScope:
    """The scope of a Part 2 consent that covers an ordinary letter of the one to the other."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "type": ConsentType.PART_2_CONSENT,
        "discloser": f"practitioner:{sender.id}",
        "recipient": f"practitioner:{to.id}",
        "purposes": frozenset({Purpose.TREATMENT}),
        "information": frozenset({Information.DIAGNOSES, Information.MEDICATIONS, Information.ATTENDANCE}),
        "sensitivity": frozenset({Sensitivity.GENERAL, Sensitivity.SUBSTANCE_USE, Sensitivity.PART_2}),
        "valid_from": now - timedelta(days=1),
        "valid_until": now + timedelta(days=365),
    }
    return ConsentScope(**(values | changed))


def part_2_letter(sender: Clinician, to: Clinician, /, **changed: Any) -> Parts:
    """A good letter of Part 2 records, taken apart by its recipient; `left_out` are labels not declared."""
    enclosed = Enclosed(scope(sender, to), PART_2_NOTICE, changed.pop("left_out", frozenset()))
    labels = frozenset({Sensitivity.PART_2})
    letter, _ = write_letter(sender, to, sensitivity=labels, enclosed=enclosed, **changed)
    return Parts.of(letter, to.keyring.encryption_identities()[0])


@dataclass
class Parts:
    """A letter taken apart, by somebody who can open it, to be put together otherwise."""

    address_line: bytes
    statement: bytes
    signature: bytes
    body: bytes

    @classmethod
    def of(cls, letter: bytes, identity: HybridIdentity) -> Parts:
        """Take a letter apart."""
        address_line, _, sealed = letter.partition(b"\n")
        statement, signature, body = decrypt_bytes(sealed, [identity]).split(b"\n", 2)
        return cls(address_line, statement, base64.urlsafe_b64decode(signature + b"=="), body)

    def signed_anew(self, key: HybridSigningKey, **changed: Any) -> Parts:
        """The statement with some members changed (None: removed), signed by this key."""
        members = json.loads(self.statement) | changed
        line = json.dumps({name: value for name, value in members.items() if value is not None}).encode()
        return replace(self, statement=line, signature=key.sign(SignedKind.STATEMENT, line))

    def readdressed(self, **changed: Any) -> Parts:
        """The address line with some members changed."""
        return replace(self, address_line=json.dumps(json.loads(self.address_line) | changed).encode())

    def sealed_to(self, *people: Clinician) -> bytes:
        """The bytes of a letter."""
        signature = to_base64url(self.signature).encode()
        plain = b"\n".join((self.statement, signature, self.body))
        recipients = [parse_recipient(person.entry.encryption) for person in people]
        return self.address_line + b"\n" + encrypt_bytes(plain, recipients)


def moments(start: datetime, count: int) -> list[datetime]:
    """Moments an hour apart."""
    return [start + timedelta(hours=hour) for hour in range(count)]
