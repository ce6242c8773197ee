"""Who was checked, and how, before they were invited.

Owns the word of whoever checked, as it was signed. Refuses copies of what was looked at: no document, no number of one.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from concord_formats.identity_checks import Checked
from sqlalchemy import Date, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import UtcDateTime

from .base import Base, one_of


class IdentityCheckRow(Base):
    """The identity check of an account's latest invitation.

    An administrator's has the attestor, their device, the exact line and its signature; the operator's, of an
    organization's first administrator, has none of these.
    """

    __tablename__ = "identity_check"

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    how: Mapped[str] = mapped_column(String(32))
    checked_on: Mapped[date] = mapped_column(Date)
    attestor_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    line: Mapped[bytes | None] = mapped_column(LargeBinary)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (one_of("how", Checked),)
