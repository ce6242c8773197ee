"""The JSON about backups, and about the way back by a recovery code.

Owns the shapes. Refuses to open what is sealed: it goes in and out as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from concord_formats.signatures import to_base64url
from pydantic import Field

from services.chassis.web import Answer, Body

from .. import models
from ..devices_shapes import CredentialBody, Sealed, Sha256Text
from ..rules.backups import MAX_GENERATION
from ..shapes import EntryAnswer, SignedEntryBody
from .recoveries import Recovered


class BackupBody(Body):
    """A backup that takes the place of an older generation; `verifier` is the SHA-256 of the recovery credential."""

    backup: Sealed
    verifier: Sha256Text
    generation: Annotated[int, Field(ge=1, le=MAX_GENERATION)]


class GenerationAnswer(Answer):
    """The generation that is stored."""

    generation: int


class BackupAnswer(Answer):
    """What is known of one's backup, but not the backup itself.

    `failed` counts wrong credentials since they were last acknowledged; `used_at` is when a right one came.
    """

    generation: int
    verifier: str
    stored_at: datetime
    failed: int
    last_failed_at: datetime | None
    used_at: datetime | None

    @classmethod
    def of(cls, row: models.Backup) -> BackupAnswer:
        """From its row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class RecoveryBody(CredentialBody):
    """The account, and the credential of its recovery code."""

    account: UUID


class RecoveryEntryBody(SignedEntryBody, RecoveryBody):
    """The same, and the entry that adds a device."""


class RecoveryAnswer(Answer):
    """The backup, sealed, and the account's key history."""

    backup: str
    generation: int
    entries: list[EntryAnswer]

    @classmethod
    def of(cls, recovered: Recovered) -> RecoveryAnswer:
        """From what was recovered."""
        entries = [EntryAnswer.of(signed) for signed in recovered.entries]
        return cls(backup=to_base64url(recovered.backup), generation=recovered.generation, entries=entries)
