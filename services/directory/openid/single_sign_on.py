"""Single sign-on: sessions, in which an organization's provider says who stands behind a key entry.

Owns their way: begun for one key entry, answered once by the provider, and confirmed by the device that began it with
the code that the person's browser shows. Refuses an answer that comes a second time,
too late, or from a provider that the organization has left meanwhile. What a session is good for is
`single_sign_on_admission.py`'s.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from services.chassis import logs
from services.chassis.problems import Problem, not_found

from ..deps import Deps
from ..models import IdentityProvider, Practitioner, SignOnSession
from ..rules import single_sign_on as rules
from ..rules.single_sign_on import Purpose, Reason, State
from .oidc import Asked, ProviderError, ProviderUnreachableError
from .single_sign_on_admission import may_be
from .single_sign_on_requirement import party, provider_of, unreliable


@dataclass(frozen=True)
class Begun:
    """A session, and where its person has to go."""

    session: UUID
    authorization_url: str
    expires_at: datetime


def begin(deps: Deps, practitioner: UUID, purpose: Purpose, entry_sha256: str) -> Begun:
    """Begin a sign-on for one key entry, for who has shown that they may make it (`single_sign_on_claims.py`).

    Raises problem 409 `single-sign-on-not-required` or `too-many-sign-ons`, 502 or 503 of the provider.
    """
    with deps.database.transaction() as session:
        organization = session.get_one(Practitioner, practitioner).organization_id
        provider = provider_of(session, organization)
    if provider is None:
        raise _not_required()
    asked = Asked(*(secrets.token_urlsafe(rules.STATE_BYTES) for _ in range(3)))
    try:
        address = party(deps, provider).address(asked)
    except ProviderError as error:
        raise unreliable(error) from None
    expires_at = deps.clock.now() + rules.VALID_FOR
    made = SignOnSession(
        id=uuid4(),
        practitioner_id=practitioner,
        purpose=purpose,
        entry_sha256=entry_sha256,
        issuer=provider.issuer,
        state_sha256=rules.digest(asked.state),
        nonce=asked.nonce,
        verifier=asked.verifier,
        state=State.WAITING,
        code_tries=0,
        expires_at=expires_at,
    )
    with deps.database.transaction() as session:
        _make_room(deps, session, practitioner, entry_sha256)
        session.add(made)
    return Begun(made.id, address, expires_at)


def _make_room(deps: Deps, session: Session, practitioner: UUID, entry_sha256: str) -> None:
    """One that was begun for the same entry, and given up, makes way for the next."""
    session.get_one(Practitioner, practitioner, with_for_update={"of": Practitioner})
    mine = SignOnSession.practitioner_id == practitioner
    same = (mine, SignOnSession.entry_sha256 == entry_sha256, SignOnSession.state == State.WAITING)
    session.execute(delete(SignOnSession).where(*same))
    waiting = (mine, SignOnSession.state == State.WAITING, SignOnSession.expires_at > deps.clock.now())
    if (session.scalar(select(func.count()).select_from(SignOnSession).where(*waiting)) or 0) >= rules.WAITING_AT_ONCE:
        raise _too_many()


@dataclass(frozen=True)
class Returned:
    """A session that somebody came back from, as it stands then, and the code that their browser shows."""

    session: SignOnSession
    code: str | None = field(repr=False)


def returned(deps: Deps, organization: UUID, state: str, code: str | None) -> Returned | None:
    """Somebody came back from an organization's provider. None: no session waits there for that.

    Without a code the provider has refused. What comes back a second time is nothing any more.
    """
    with deps.database.transaction() as session:
        row = _taken(deps, session, organization, state)
        if row is None:
            return None
        known = provider_of(session, organization)
    subject, reason = _asked_provider(deps, row, known, state, code)
    with deps.database.transaction() as session:
        found = session.get(SignOnSession, row.id)
        if found is None:  # it was over, and swept, while the provider was asked
            return None
        if subject is not None and not may_be(session, found, subject):
            reason = Reason.OTHER_PERSON
        return _told(found, subject, reason)


def _told(row: SignOnSession, subject: str | None, reason: Reason | None) -> Returned:
    """What the provider said stands in the session. Who came back may have been sent there by somebody else, whose
    device it is: only the code that their browser shows, given by that device, makes it count.
    """
    row.subject = subject
    if reason is not None:
        row.state, row.reason = State.FAILED, reason
        return Returned(row, None)
    shown_code = rules.new_code()
    row.state, row.code_sha256 = State.ANSWERED, rules.code_digest(row.id, shown_code)
    return Returned(row, shown_code)


def confirm(deps: Deps, id_: UUID, code: str) -> SignOnSession:
    """The device that began a session gives the code that the person's browser shows: it is done.

    Given again it changes nothing. Raises problem 403 `sign-on-code-refused`, 404, 409 `sign-on-not-answered`.
    """
    with deps.database.transaction() as session:
        row = session.get(SignOnSession, id_, with_for_update=True)
        if row is None or row.expires_at <= deps.clock.now():
            raise not_found("single sign-on")
        if row.state not in (State.ANSWERED, State.DONE, State.USED):
            raise _not_answered()
        right = rules.is_code(row.id, code, row.code_sha256)
        if row.state == State.ANSWERED:
            _count(row, right)
    if not right:
        raise _wrong_code()
    return row


def _count(row: SignOnSession, right: bool) -> None:
    if right:
        row.state = State.DONE
        return
    row.code_tries += 1
    if row.code_tries >= rules.CODE_TRIES:
        row.state, row.reason = State.FAILED, Reason.WRONG_CODE


def _taken(deps: Deps, session: Session, organization: UUID, state: str) -> SignOnSession | None:
    """The session that waits for this state at this organization's provider, taken once: replayed, it finds nothing."""
    of_organization = select(Practitioner.id).where(Practitioner.organization_id == organization)
    waits = (
        SignOnSession.state_sha256 == rules.digest(state),
        SignOnSession.practitioner_id.in_(of_organization),
        SignOnSession.state == State.WAITING,
        SignOnSession.expires_at > deps.clock.now(),
    )
    taking = update(SignOnSession).where(*waits).values(state=State.RETURNED)
    taken = session.execute(taking.execution_options(synchronize_session=False))
    if cast(CursorResult[Any], taken).rowcount != 1:
        return None
    return session.scalars(select(SignOnSession).where(SignOnSession.state_sha256 == rules.digest(state))).one()


def _asked_provider(
    deps: Deps, row: SignOnSession, known: IdentityProvider | None, state: str, code: str | None
) -> tuple[str | None, Reason | None]:
    """Who came back, or why nobody did. Outside any transaction: a provider may take its time."""
    if code is None:
        return None, Reason.REFUSED
    if known is None or known.issuer != row.issuer:
        return None, Reason.CHANGED
    try:
        asked = Asked(state, row.nonce, row.verifier)
        return party(deps, known).subject(code, asked, deps.clock.now().timestamp()), None
    except ProviderError as error:
        # For the operator, who has to find out; in the words of `oidc.py`, which hold nothing that was answered.
        logs.logger("single sign-on").warning("not signed on", peer=row.issuer, reason=str(error))
        return None, Reason.UNREACHABLE if isinstance(error, ProviderUnreachableError) else Reason.INVALID


def shown(deps: Deps, id_: UUID) -> SignOnSession:
    """A session, for who began it: its id is known to nobody else. Raises problem 404, also for one that is over."""
    with deps.database.transaction() as session:
        row = session.get(SignOnSession, id_)
        if row is None or row.expires_at <= deps.clock.now():
            raise not_found("single sign-on")
    return row


def sweep(session: Session, now: datetime) -> None:
    """Remove the sessions that are over."""
    session.execute(delete(SignOnSession).where(SignOnSession.expires_at <= now))


def _not_required() -> Problem:
    detail = "The organization does not require single sign-on. Send the key entry without it."
    return Problem(409, "single-sign-on-not-required", "Single sign-on not required", detail)


def _too_many() -> Problem:
    detail = "Several sign-ons of this account wait already. Finish one, or wait ten minutes."
    return Problem(409, "too-many-sign-ons", "Too many sign-ons", detail)


def _not_answered() -> Problem:
    detail = "No code is wanted: nobody has come back from the provider yet, or the sign-on failed. See its status."
    return Problem(409, "sign-on-not-answered", "Nobody signed on", detail)


def _wrong_code() -> Problem:
    detail = "This is not the code that the browser shows at the end of this sign-on. After five, begin again."
    return Problem(403, "sign-on-code-refused", "Code not accepted", detail)
