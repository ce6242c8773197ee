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
# Shows an address to the person, or opens it.
Show = Callable[[str], object]
# Asks the person for the code that their browser shows at the end.
Ask = Callable[[], str]
REQUIRED = "single-sign-on-required"
ASK_SECONDS = 1.0
# A session is good for ten minutes; who asks for longer asks a directory that does not say so.
GIVE_UP_SECONDS = 660.0
_PATH = "/directory/v1/single-sign-on"
# `None` where nobody is there.
_PERSON: ContextVar[tuple[Show, Ask] | None] = ContextVar("who is there for a single sign-on", default=None)
# The directory takes five.
CODE_TRIES = 5
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WHY = {
    "refused-by-provider": "your organization's single sign-on did not let you through",
    "provider-unreachable": "your organization's single sign-on did not answer",
    "invalid-answer": "the answer of your organization's single sign-on is not one to rely on",
    "other-person": "whoever signed on is not the owner of this account",
    "wrong-code": "five codes were given that the browser does not show",
    "provider-changed": "your organization uses another single sign-on now",
}


class Begun(Answer):
    """A session, and the address where the person signs on."""

    session: UUID
    authorization_url: str
    expires_at: datetime


class Status(Answer):
    """Where a session stands: `status` is waiting, answered, done or failed."""

    status: str
    reason: str | None = None


@contextmanager
def shown_by(show: Show, ask: Ask) -> Iterator[None]:
    """While this lasts, `show` is given the address of every sign-on, and `ask` gets the code at its end."""
    before = _PERSON.set((show, ask))
    try:
        yield
    finally:
        _PERSON.reset(before)


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
        person = _PERSON.get()
        if refused.type != REQUIRED or person is None:
            raise
    _sign_on(transport, dict(by) | {"entry_sha256": entry.digest}, person, wait)
    return act()


def _sign_on(
    transport: Transport, body: Mapping[str, str], person: tuple[Show, Ask], wait: Callable[[float], object]
) -> None:
    """The person signs on for one key entry, and says so here by the code that they are shown."""
    show, ask_code = person
    ask: Callable[..., Any] = transport.json if body["purpose"] == "device" else transport.anonymous
    answer = ask("POST", _PATH, json=dict(body))
    with readable():
        begun = Begun.model_validate(answer)
    _check_address(begun.authorization_url)
    show(begun.authorization_url)
    end = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < end:
        found = _status(transport, begun.session)
        if found.status == "answered":
            return _confirm(transport, begun.session, ask_code)
        if found.status != "waiting":
            raise _failed(found.reason)
        wait(ASK_SECONDS)
    raise _over()


def _confirm(transport: Transport, session: UUID, ask_code: Ask) -> None:
    """The code goes from the person's browser to the directory by way of this device. It is asked for until right."""
    for _ in range(CODE_TRIES):
        typed = ask_code().strip()[:64]
        if not typed:  # Enter was pressed while looking for it: no try of the five
            continue
        try:
            transport.anonymous("POST", f"{_PATH}/{session}/confirmation", json={"code": typed})
        except ServiceError as refused:
            if refused.type == "not-found":
                raise _over() from None
            if refused.type != "sign-on-code-refused":
                raise
        else:
            return
    raise _failed("wrong-code")


def _failed(reason: str | None) -> SingleSignOnError:
    return SingleSignOnError(_WHY.get(reason or "", "the single sign-on failed"), reason=reason)


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
