"""The JSON about devices, pairings and transfers.

Owns the shapes and the sizes. Refuses to open what is sealed: it goes in and out as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from concord_formats.signatures import from_base64url, to_base64url
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.chassis.web import Answer, Body

from . import models
from .devices import Listed
from .pairings import Shown
from .rules.credentials import CREDENTIAL_BYTES
from .rules.pairings import State
from .rules.people import DeviceStatus
from .shapes import Base64Url

# A keyring and the sealed store that belongs to an account: an address book of some ten thousand patients.
MAX_SEALED_BYTES = 4 * 1024 * 1024
# A device's public keys, and what seals and proves them.
MAX_REQUEST_BYTES = 16 * 1024
# A sealed value in base64url, and the members beside it.
MAX_BODY_BYTES = MAX_SEALED_BYTES * 4 // 3 + 1024


def _exactly(size: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if len(from_base64url(text)) != size:
            raise ValueError(f"must be {size} bytes in base64url")
        return text

    return check


def _at_most(size: int) -> Any:
    return Field(max_length=(size * 4 + 2) // 3)


Sealed = Annotated[Base64Url, _at_most(MAX_SEALED_BYTES)]
Sha256Text = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Credential = Annotated[Base64Url, Field(max_length=43), AfterValidator(_exactly(CREDENTIAL_BYTES))]


def _text(sealed: bytes | None) -> str | None:
    return None if sealed is None else to_base64url(sealed)


class DeviceAnswer(Answer):
    """One of one's own devices."""

    id: UUID
    status: DeviceStatus
    added_at: datetime
    last_signed_in_at: datetime | None


class DevicesAnswer(Answer):
    """Every device that one ever had, oldest first."""

    devices: list[DeviceAnswer]

    @classmethod
    def of(cls, listed: list[Listed]) -> DevicesAnswer:
        """From the list."""
        shown = [DeviceAnswer(**vars(device)) for device in listed]
        return cls(devices=shown)


class TransferBody(Body):
    """What is left for a device."""

    transfer: Sealed


class TransferAnswer(Answer):
    """What was left for this device, if anything was."""

    transfer: str | None
    stored_at: datetime | None

    @classmethod
    def of(cls, row: models.Transfer | None) -> TransferAnswer:
        """From its row."""
        return cls(transfer=_text(row.transfer if row else None), stored_at=row.stored_at if row else None)


class TakenQuery(BaseModel):
    """Which transfer was read (SHA-256): a later one stays. Without it, whatever is there goes."""

    model_config = ConfigDict(extra="forbid")
    digest: Sha256Text | None = None


class ByPairing(BaseModel):
    """A path with a pairing's id."""

    pairing: UUID


class OpenPairing(Body):
    """The SHA-256 of the credential that the joining device will show."""

    verifier: Sha256Text


class OpenedAnswer(Answer):
    """A pairing that waits."""

    pairing: UUID
    expires_at: datetime


class CredentialBody(Body):
    """Who knows this is who the pairing waits for."""

    credential: Credential

    def secret(self) -> bytes:
        """The bytes."""
        return from_base64url(self.credential)


class PairingRequest(CredentialBody):
    """What the joining device says of itself, sealed."""

    request: Annotated[Base64Url, _at_most(MAX_REQUEST_BYTES)]


class PairingAnswer(Answer):
    """Where a pairing stands, for its owner."""

    state: State
    request: str | None

    @classmethod
    def of(cls, shown: Shown) -> PairingAnswer:
        """From what is shown."""
        return cls(state=shown.state, request=_text(shown.request))


class AnswerBody(Body):
    """What the joining device gets, sealed to it."""

    answer: Sealed


class TakenAnswer(Answer):
    """What the joining device gets; null while nothing is there."""

    answer: str | None
