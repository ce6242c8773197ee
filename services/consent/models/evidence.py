"""Sealed evidence, on its way in or stored.

Owns its rows. Refuses content: the bytes are an age file, as a client sealed it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import UtcDateTime

from .base import Base


class EvidenceUpload(Base):
    """Sealed evidence on its way in, or stored: it counts once a version names it, and is swept when none does."""

    __tablename__ = "evidence_upload"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    consent: Mapped[UUID] = mapped_column(Uuid)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class EvidenceChunk(Base):
    """At most 1 MiB of sealed evidence."""

    __tablename__ = "evidence_chunk"

    upload: Mapped[UUID] = mapped_column(ForeignKey("evidence_upload.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
