"""The patient's own page: codes, sessions, guesses, and what an organization is called there.

Owns their rows. Refuses a code, a cookie or an address in the clear: of each there is a digest.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import GuessesRow, UtcDateTime

from .base import Base


class PatientCodeRow(Base):
    """The code that one party gave a patient: one at a time. It opens what that party may see, and no more.

    `issued_by` is nobody when the patient changed it themselves.
    """

    __tablename__ = "patient_code"

    patient: Mapped[str] = mapped_column(ForeignKey("patient.token"), primary_key=True)
    practitioner: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization: Mapped[UUID] = mapped_column(Uuid)
    code_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_by: Mapped[UUID | None] = mapped_column(Uuid)


class PatientSessionRow(Base):
    """A patient who showed their code. `csrf` stands in every form of the session."""

    __tablename__ = "patient_session"

    cookie_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    patient: Mapped[str] = mapped_column(String(40), index=True)
    practitioner: Mapped[UUID] = mapped_column(Uuid)
    organization: Mapped[UUID] = mapped_column(Uuid)
    csrf: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class GuessRow(GuessesRow, Base):
    """How many wrong codes came from one address."""

    __tablename__ = "patient_guess"

    source_sha256: Mapped[str] = mapped_column("address_sha256", String(64), primary_key=True)


class NeutralNameRow(Base):
    """What an organization is called on the patient's page, where its own name would tell too much."""

    __tablename__ = "neutral_name"

    organization: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
    set_by: Mapped[UUID] = mapped_column(Uuid)
