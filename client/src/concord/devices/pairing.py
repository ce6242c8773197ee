"""Pairing: what two devices of one owner say to each other through the directory, which is not to understand it.

Owns the code, what is derived from its secret, the request of the device that joins and the answer of the one that is
in. Refuses what was not made with the secret, and the secret in an argument, an error or `repr`. Specified in
`spec/keys.md`, "Pairing".

The secret goes from one screen to the other and never to the directory. Three keys come of it by HKDF-SHA-256 (RFC
5869): a credential, of which the directory knows the digest, and one key for either message. A message is sealed with
ChaCha20-Poly1305 (RFC 8439): who has not the secret neither reads it (it holds the recipient that only the owner's
devices may know) nor puts another in its place.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from concord_formats.key_entries import DeviceKeys
from concord_formats.signatures import HybridPublicKey, SignatureError, from_base64url, to_base64url
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import ValidationError

from ..age import AgeError, HybridRecipient, decrypt_bytes, encrypt_bytes, parse_recipient
from ..errors.devices import PairingCodeError, PairingForgedError
from ..invitation import is_private_way
from ..portable import Portable
from ..seeds import DeviceSeeds, read_seed

PREFIX = "concord-pairing:"
# 256 bits: nobody guesses it, so that neither a slow hash nor a count of tries is needed.
SECRET_BYTES = 32
# RFC 8439, section 2.3. Random, and at most a handful of messages are made under one key.
_NONCE_BYTES = 12
_INFO = b"concord/v1/pairing-"


@dataclass(frozen=True)
class PairingCode:
    """Where to ask, for which account, in which pairing, and the secret that proves it."""

    base_url: str
    account: UUID
    pairing: UUID
    secret: str = field(repr=False)

    def encode(self) -> str:
        """One line of text, for the other device's eyes only."""
        members = {name: str(value) for name, value in vars(self).items()}
        return PREFIX + to_base64url(json.dumps(members, separators=(",", ":")).encode("ascii"))

    @classmethod
    def read(cls, text: str) -> PairingCode:
        """Read the code. Raises `PairingCodeError` when it is not one, or names a way that others can listen to."""
        line = "".join(text.split())  # a mail program or a terminal may have wrapped it
        if not line.startswith(PREFIX):
            raise PairingCodeError(f"a pairing code starts with {PREFIX}")
        try:
            members = json.loads(from_base64url(line.removeprefix(PREFIX)))
            code = cls(
                str(members["base_url"]), UUID(members["account"]), UUID(members["pairing"]), str(members["secret"])
            )
            read_seed(code.secret, SECRET_BYTES)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise PairingCodeError("the pairing code is damaged") from None
        if not is_private_way(code.base_url):
            raise PairingCodeError("the pairing code names an address that is not https")
        return code

    @property
    def keys(self) -> PairingKeys:
        """What is derived from the secret."""
        return PairingKeys(read_seed(self.secret, SECRET_BYTES))


class PairingKeys:
    """What comes of a pairing's secret (32 bytes)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "<PairingKeys>"

    @property
    def credential(self) -> bytes:
        """What the joining device shows to the directory: 32 bytes."""
        return self._derive(b"credential")

    @property
    def verifier(self) -> str:
        """What the directory keeps of the credential: its SHA-256 in hexadecimal."""
        return hashlib.sha256(self.credential).hexdigest()

    def seal(self, kind: str, pairing: UUID, message: bytes) -> bytes:
        """Nonce (12 bytes), ciphertext, tag; `kind` is `request` or `answer`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher(kind).encrypt(nonce, message, _bound(kind, pairing))

    def open(self, kind: str, pairing: UUID, sealed: bytes) -> bytes:
        """The message. Raises `PairingForgedError` when it was not sealed so, for this pairing, in this direction."""
        try:
            return self._cipher(kind).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(kind, pairing))
        except (InvalidTag, ValueError):
            raise PairingForgedError(f"the {kind} was not made by a device that has the pairing code") from None

    def _cipher(self, kind: str) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(self._derive(kind.encode("ascii")))

    def _derive(self, use: bytes) -> bytes:
        return HKDF(SHA256(), 32, None, _INFO + use).derive(self._secret)


def _bound(kind: str, pairing: UUID) -> bytes:
    """What a sealed message is bound to: it stands for nothing in another pairing, or the other way round."""
    return _INFO + kind.encode("ascii") + b"\n" + str(pairing).encode("ascii")


def new_secret() -> str:
    """A pairing's secret, as its code holds it."""
    return to_base64url(secrets.token_bytes(SECRET_BYTES))


@dataclass(frozen=True)
class JoinRequest:
    """What a device that joins says of itself: its public keys, and where its answer is sealed to."""

    device: DeviceKeys
    transfer: str = field(repr=False)

    @classmethod
    def of(cls, seeds: DeviceSeeds) -> JoinRequest:
        """Of a device's own seeds."""
        return cls(seeds.public(), str(seeds.transfer_identity().recipient()))

    def seal(self, code: PairingCode) -> bytes:
        """For the directory to hand on; at most 16 KiB."""
        members: dict[str, Any] = {"v": 1, "device": self.device.model_dump(mode="json"), "transfer": self.transfer}
        return code.keys.seal("request", code.pairing, json.dumps(members).encode("ascii"))

    @classmethod
    def open(cls, sealed: bytes, code: PairingCode) -> JoinRequest:
        """Raises `PairingForgedError` when it was not made with the code, or is not whole."""
        message = code.keys.open("request", code.pairing, sealed)
        try:
            members = json.loads(message)
            recipient = parse_recipient(members["transfer"])
            if members["v"] != 1 or not isinstance(recipient, HybridRecipient):
                raise ValueError("of another version or type")
            device = DeviceKeys.model_validate(members["device"])
            _check_whole(device)
            return cls(device, members["transfer"])
        except (AgeError, SignatureError, ValidationError, ValueError, KeyError, TypeError, AttributeError):
            raise PairingForgedError("the request is not one of a Concord device") from None


def _check_whole(device: DeviceKeys) -> None:
    """What would be refused in a history is not shown to a person as a device."""
    HybridPublicKey.decode(device.signing)
    read_seed(device.authentication)  # as long as the seed: 32 bytes


def seal_answer(portable: Portable, request: JoinRequest, code: PairingCode) -> bytes:
    """The account, sealed to the device that asked, and again with the pairing's key. Raises `PortableError`."""
    sealed = encrypt_bytes(portable.encode(), [parse_recipient(request.transfer)])
    return code.keys.seal("answer", code.pairing, sealed)


def open_answer(sealed: bytes, seeds: DeviceSeeds, code: PairingCode) -> Portable:
    """The account. Raises `PairingForgedError` when it is not from the other device, or of another account."""
    message = code.keys.open("answer", code.pairing, sealed)
    try:
        portable = Portable.decode(decrypt_bytes(message, [seeds.transfer_identity()]))
    except AgeError:
        raise PairingForgedError("the answer is for another device") from None
    if portable.account != code.account:
        raise PairingForgedError("the answer is of another account than the code")
    return portable


__all__ = ["PREFIX", "JoinRequest", "PairingCode", "PairingKeys", "new_secret", "open_answer", "seal_answer"]
