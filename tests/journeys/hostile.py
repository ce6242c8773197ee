"""What an attacker on the way, or with a valid token, can do to a letter.

Owns a transport that changes answers, and letters put together by hand. Refuses keys that an attacker would not have.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
from concord.age import encrypt_bytes, parse_recipient
from concord.api.messaging import LETTER_TYPE
from concord.client import Client
from concord.letters import Draft
from concord_formats.signatures import to_base64url

from tests.unit.client.people import Parts

Change = Callable[[bytes], bytes]


class Altered(httpx.BaseTransport):
    """Changes the body of every answer whose path ends so."""

    def __init__(self, inner: httpx.BaseTransport, path: str, change: Change) -> None:
        self._inner = inner
        self._path = path
        self._change = change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Forward one request, and change what comes back."""
        response = self._inner.handle_request(request)
        if not request.url.path.endswith(self._path) or response.status_code != 200:
            return response
        body = self._change(response.read())
        response.close()
        kept = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
        return httpx.Response(response.status_code, headers=kept, content=body)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def sealed(person: Client, draft: Draft) -> tuple[UUID, bytes]:
    """A letter that is sealed and not sent: its id and its bytes."""
    letter = person.letters.seal(draft)
    content = (person.profile.outgoing / f"{letter}.letter").read_bytes()
    (person.profile.outgoing / f"{letter}.letter").unlink()
    return letter, content


def put(person: Client, letter: UUID, content: bytes) -> Any:
    """Hand over any bytes as a letter, with this person's own valid token."""
    return person.letters.api.put(letter, lambda: iter([content]))


def readdressed(content: bytes, **changed: object) -> bytes:
    """A letter whose clear address has some members changed; what is sealed stays as it is."""
    line, _, rest = content.partition(b"\n")
    return json.dumps(json.loads(line) | changed).encode() + b"\n" + rest


def restated(content: bytes, opener: Client, reader: Client, **changed: object) -> bytes:
    """What a recipient could do who can open a letter: change its statement and seal it again, to anybody."""
    parts = Parts.of(content, opener.keyring.encryption_identities()[0])
    statement = json.dumps(json.loads(parts.statement) | changed).encode() if changed else parts.statement
    plain = b"\n".join((statement, to_base64url(parts.signature).encode(), parts.body))
    entry = opener.colleagues.entry(reader.practitioner)
    return parts.address_line + b"\n" + encrypt_bytes(plain, [parse_recipient(entry.encryption)])


def flipped(content: bytes, place: int) -> bytes:
    """One bit changed."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def opens(person: Client, letter: UUID) -> bytes:
    """The document, when it opens; a failure must leave no byte of it behind."""
    body = io.BytesIO()
    try:
        person.letters.open(letter, body)
    except Exception:
        assert body.getvalue() == b"", "unverified text was written"
        raise
    return body.getvalue()


__all__ = ["LETTER_TYPE", "Altered", "flipped", "opens", "put", "readdressed", "restated", "sealed"]
