"""The JSON of identity checks.

Owns how a recorded check is shown. Refuses to show what was looked at: nobody recorded that.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from concord_formats.identity_checks import Checked
from concord_formats.signatures import to_base64url

from services.chassis.web import Answer

from . import models


class IdentityAnswer(Answer):
    """How an account's identity was checked before it was invited, and by whom.

    `line` and `signature` are the administrator's signed word, base64url of the exact bytes; null, as `attestor`, where
    the operator invited.
    """

    practitioner: UUID
    how: Checked
    checked_on: date
    by: Literal["administrator", "operator"]
    attestor: UUID | None
    line: str | None
    signature: str | None
    recorded_at: datetime

    @classmethod
    def of(cls, row: models.IdentityCheckRow) -> IdentityAnswer:
        """From its row."""
        return cls(
            practitioner=row.practitioner_id,
            how=Checked(row.how),
            checked_on=row.checked_on,
            by="administrator" if row.attestor_id else "operator",
            attestor=row.attestor_id,
            line=None if row.line is None else to_base64url(row.line),
            signature=None if row.signature is None else to_base64url(row.signature),
            recorded_at=row.recorded_at,
        )
