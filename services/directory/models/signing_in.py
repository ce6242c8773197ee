"""What signing in keeps: assertions that were used, and the keys of tokens.

Owns those rows. Refuses sessions: an access token is not stored.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import UtcDateTime

from .base import Base


class UsedAssertion(Base):
    """The id of an assertion that signed a device in, until it expires."""

    __tablename__ = "used_assertion"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    jti: Mapped[str] = mapped_column(String(128), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class TokenKey(Base):
    """A key that signs access tokens: the private JWK (RFC 8037), which only the directory's database holds."""

    __tablename__ = "token_key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    jwk: Mapped[str] = mapped_column(Text)
    signs_from: Mapped[datetime] = mapped_column(UtcDateTime)
