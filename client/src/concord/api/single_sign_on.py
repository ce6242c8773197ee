"""Single sign-on: where an organization wants each new device confirmed by its own provider, the person does that.

Owns the way from a refusal (`single-sign-on-required`) over a browser to the same request once more, which passes then.
Refuses an address that is no https: a directory must not have a browser open files or scripts. Who shows the address to
the person is a matter of the whole run, as whose terminal it is: `shown_by` says it once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from concord_formats.key_entries import SignedEntry

from ..errors import ServiceError, SingleSignOnError
from ..transport import Transport
from .shapes import Answer, readable

Result = TypeVar("Result")
# Shows an address to the person, or opens it; `None` where nobody is there.
Show = Callable[[str], object]
REQUIRED = "single-sign-on-required"
ASK_SECONDS = 1.0
# A session is good for ten minutes; who asks for longer asks a directory that does not say so.
GIVE_UP_SECONDS = 660.0
_PATH = "/directory/v1/single-sign-on"
_SHOW: ContextVar[Show | None] = ContextVar("who shows the address of a single sign-on", default=None)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WHY = {
    "refused-by-provider": "your organization's single sign-on did not let you through",
    "provider-unreachable": "your organization's single sign-on did not answer",
    "invalid-answer": "the answer of your organization's single sign-on is not one to rely on",
    "other-person": "whoever signed on is not the owner of this account",
    "provider-changed": "your organization uses another single sign-on now",
}


class Begun(Answer):
    """A session, and the address where the person signs on."""

    session: UUID
    authorization_url: str
    expires_at: datetime


class Status(Answer):
    """Where a session stands: `status` is waiting, done or failed."""

    status: str
    reason: str | None = None


@contextmanager
def shown_by(show: Show) -> Iterator[None]:
    """While this lasts, `show` is given the address of every sign-on."""
    before = _SHOW.set(show)
    try:
        yield
    finally:
        _SHOW.reset(before)


def confirmed(
    transport: Transport,
    entry: SignedEntry,
    by: Mapping[str, str],
    act: Callable[[], Result],
    wait: Callable[[float], object] = time.sleep,
) -> Result:
    """Do `act`, which records `entry`; where single sign-on is required, once the person has signed on, again.

    `by` says to the directory whose entry it is: `purpose`, `practitioner`, and a `secret` where no device signs in.
    Raises `SingleSignOnError`, and what `act` raises; nobody who shows an address: the refusal as it came.
    """
    try:
        return act()
    except ServiceError as refused:
        show = _SHOW.get()
        if refused.type != REQUIRED or show is None:
            raise
    _sign_on(transport, dict(by) | {"entry_sha256": entry.digest}, show, wait)
    return act()


def _sign_on(transport: Transport, body: Mapping[str, str], show: Show, wait: Callable[[float], object]) -> None:
    """The person signs on for one key entry."""
    ask: Callable[..., Any] = transport.json if body["purpose"] == "device" else transport.anonymous
    answer = ask("POST", _PATH, json=dict(body))
    with readable():
        begun = Begun.model_validate(answer)
    _check_address(begun.authorization_url)
    show(begun.authorization_url)
    end = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < end:
        found = _status(transport, begun.session)
        if found.status == "done":
            return
        if found.status != "waiting":
            raise SingleSignOnError(_WHY.get(found.reason or "", "the single sign-on failed"), reason=found.reason)
        wait(ASK_SECONDS)
    raise _over()


def _status(transport: Transport, session: UUID) -> Status:
    try:
        answer = transport.anonymous("GET", f"{_PATH}/{session}")
    except ServiceError as refused:
        if refused.type == "not-found":
            raise _over() from None
        raise
    with readable():
        return Status.model_validate(answer)


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    good = host and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))
    if not good or not address.isprintable() or "@" in parts.netloc:
        raise SingleSignOnError(
            "the directory gave an address for single sign-on that is none", "Open it nowhere. Tell its operator."
        )


def _over() -> SingleSignOnError:
    return SingleSignOnError("nobody signed on within ten minutes", "Do the same again; your keys are kept.")


__all__ = ["Begun", "Status", "confirmed", "shown_by"]
