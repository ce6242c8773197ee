"""Messaging's calls: letters out, letters in, receipts.

Owns the shapes of those answers. Refuses to open anything: a letter passes through here sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from concord_formats.address import Address, parse_address
from concord_formats.signatures import from_base64url, to_base64url

from ..transport import Transport
from .shapes import Answer

LETTER_TYPE = "application/vnd.concord.letter"


class SignedReceipt(Answer):
    """A recipient's signed word that they opened a letter: exact bytes and signature, both base64url."""

    receipt: str
    signature: str


class Delivery(Answer):
    """Where one recipient's copy of a letter stands; `state` is released, held, refused or expired."""

    recipient: UUID
    state: str
    reason: str | None = None
    released_at: datetime | None = None
    fetched_at: datetime | None = None
    opened_at: datetime | None = None
    receipt: SignedReceipt | None = None


class _Addressed(Answer):
    letter: UUID
    address: str

    @property
    def parsed_address(self) -> Address:
        """The address, read strictly from its exact bytes. Raises `AddressError`, `SignatureError`."""
        return parse_address(from_base64url(self.address))


class LetterStatus(_Addressed):
    """A letter as its sender or a recipient sees it."""

    deliveries: list[Delivery]
    deleted_at: datetime | None = None


class InboxEntry(_Addressed):
    """A letter that waits for the reader."""

    cursor: str
    size: int
    released_at: datetime
    fetched_at: datetime | None = None
    opened_at: datetime | None = None
    deleted_at: datetime | None = None


class MessagingApi:
    """Calls to `/messaging`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def put(self, letter: UUID, content: Callable[[], Iterator[bytes]]) -> dict[str, Any]:
        """Hand over a sealed letter; `content` gives its bytes afresh at each call. Doing it again changes nothing."""
        headers = {"Content-Type": LETTER_TYPE}
        return dict(self._json("PUT", f"/letters/{letter}", content=content, headers=headers))

    def inbox(
        self, *, after: str | None = None, wait: float = 0, limit: int = 50
    ) -> tuple[list[InboxEntry], str | None]:
        """Letters released to the reader after a cursor, and the cursor to go on from."""
        query = {"limit": str(limit)} | ({"after": after} if after else {}) | ({"wait": str(wait)} if wait else {})
        page = self._json("GET", "/inbox", params=query)
        return [InboxEntry.model_validate(each) for each in page["letters"]], page.get("next")

    @contextmanager
    def content(self, letter: UUID) -> Iterator[httpx.Response]:
        """The sealed letter, streamed through the gate."""
        with self._transport.stream("GET", f"/messaging/v1/letters/{letter}/content") as response:
            yield response

    def status(self, letter: UUID) -> LetterStatus:
        """Where a letter stands."""
        return LetterStatus.model_validate(self._json("GET", f"/letters/{letter}"))

    def sent(
        self, *, after: str | None = None, limit: int = 50, on_behalf: bool = False
    ) -> tuple[list[LetterStatus], str | None]:
        """Letters one has sent, or `on_behalf`: that others sent in one's name; newest last, and the cursor to go on
        from.
        """
        query = {"limit": str(limit)} | ({"after": after} if after else {})
        page = self._json("GET", "/sent", params=query | ({"on_behalf": "true"} if on_behalf else {}))
        return [LetterStatus.model_validate(each) for each in page["letters"]], page.get("next")

    def post_receipt(self, letter: UUID, receipt: bytes, signature: bytes) -> None:
        """Tell the sender, signed, that the letter was opened."""
        body = {"receipt": to_base64url(receipt), "signature": to_base64url(signature)}
        self._json("POST", f"/letters/{letter}/receipt", json=body)

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._transport.json(method, "/messaging/v1" + path, **request)
