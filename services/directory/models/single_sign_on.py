"""Single sign-on: an organization's provider, who at it is which account, and the sessions that wait.

Owns their rows. Refuses tokens of a provider: none is stored.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import UtcDateTime

from ..rules.single_sign_on import MAX_URL, Purpose, Reason, State
from .base import Base, one_of


class IdentityProvider(Base):
    """The OpenID Connect provider that an organization requires. Without a `client_secret` we are a public client."""

    __tablename__ = "identity_provider"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(MAX_URL))
    client_id: Mapped[str] = mapped_column(String(300))
    client_secret: Mapped[str | None] = mapped_column(String(1000))
    required_since: Mapped[datetime] = mapped_column(UtcDateTime)


class SignOnSubject(Base):
    """Who an account is at its organization's provider: the subject that enrolled it, one account each."""

    __tablename__ = "sign_on_subject"

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    issuer: Mapped[str] = mapped_column(String(MAX_URL))
    subject: Mapped[str] = mapped_column(String(255))
    known_since: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("organization_id", "issuer", "subject", name="uq_sign_on_subject"),)


class SignOnSession(Base):
    """One sign-on at a provider, for the key entry whose digest is `entry_sha256`.

    `state_sha256` is of what comes back in the address; `nonce` of what comes back in the ID token; `verifier` is that
    of PKCE (RFC 7636). All three are worth nothing once the session was answered. `code_sha256` is of the code that the
    browser shows then; `code_tries` counts those that were wrong.
    """

    __tablename__ = "sign_on_session"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    purpose: Mapped[str] = mapped_column(String(16))
    entry_sha256: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(String(MAX_URL))
    state_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    subject: Mapped[str | None] = mapped_column(String(255))
    code_sha256: Mapped[str | None] = mapped_column(String(64))
    code_tries: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    __table_args__ = (
        one_of("purpose", Purpose),
        one_of("state", State),
        one_of("reason", Reason),
        Index("ix_sign_on_session_entry", "practitioner_id", "entry_sha256"),
    )
