"""A directory that lies: it holds the log's own key, and shows each client what it likes.

Owns the answers that it forges on the way to one client. Refuses to forge what it could not: signatures of people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import httpx
from concord.client import Client
from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import to_base64url
from concord_formats.tiles import TILE_WIDTH, encode_bundle, parse_entries_path

from services.chassis.log_key import read_log_key
from tests.journeys.world import EmbeddedWorld
from tests.unit.client.key_log.fake_log import FakeLog

Change = Callable[[dict[str, Any]], dict[str, Any]]
_LOG = "/directory/log"
_PEOPLE = "/directory/v1/practitioners"
_ENTRIES = f"{_LOG}/tile/entries/"


class LyingDirectory(httpx.BaseTransport):
    """The honest services, but for what this directory shows its one victim.

    `log` is the log that it shows, signed with the true key; `histories` are key histories that it shows; `people`
    changes what it says of somebody. It lies once there is something in them.
    """

    def __init__(self, world: EmbeddedWorld, honest: Client) -> None:
        self._inner = world.transport()
        self.log: FakeLog | None = None
        self.histories: dict[UUID, Sequence[SignedEntry]] = {}
        self.people: dict[UUID, dict[str, Any]] = {}
        self._true = _true_log(world, honest)

    def lie(self) -> FakeLog:
        """From now on it shows this log: the true one, with whatever is done to it."""
        self.log = self._true
        return self.log

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or have the honest services answer."""
        path = request.url.path
        if self.log and path.startswith(_LOG):
            return self._of_log(self.log, path)
        response = self._inner.handle_request(request)
        if not path.startswith(_PEOPLE) or response.status_code != 200:
            return response
        return _changed(response, lambda answer: self._of_people(path, answer))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _of_log(self, log: FakeLog, path: str) -> httpx.Response:
        if path == f"{_LOG}/checkpoint":
            return httpx.Response(200, text=log.checkpoint())
        if path == f"{_LOG}/key":
            return httpx.Response(200, text=log.key().model_dump_json())
        index, width = parse_entries_path(path.removeprefix(_ENTRIES))
        return httpx.Response(200, content=encode_bundle(log.bundle(index, width)))

    def _of_people(self, path: str, answer: dict[str, Any]) -> dict[str, Any]:
        for person, history in self.histories.items():
            if path == f"{_PEOPLE}/{person}/keys":
                return {"entries": [_encoded(signed) for signed in history]}
        for shown in [answer, *answer.get("practitioners", ())]:
            if "id" in shown:
                shown.update(self.people.get(UUID(shown["id"]), {}))
        return answer


class _Changed(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, path: str, change: Change) -> None:
        self._inner, self._path, self._change = inner, path, change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path  # the way there may be another one
        response = self._inner.handle_request(request)
        if path != self._path or response.status_code != 200:
            return response
        return _changed(response, self._change)

    def close(self) -> None:
        self._inner.close()


def changed_answer(inner: httpx.BaseTransport, path: str, change: Change) -> httpx.BaseTransport:
    """The honest services, but for what is answered at one path."""
    return _Changed(inner, path, change)


def _true_log(world: EmbeddedWorld, honest: Client) -> FakeLog:
    key = read_log_key(world.data / "keys" / "key-log.jwk")[0]
    pinned = honest.key_log.refresh(within=0)
    size = pinned.checkpoint.size
    lines: list[bytes] = []
    for index in range(-(-size // TILE_WIDTH)):
        lines += honest.key_log.api.bundle(index, min(TILE_WIDTH, size - index * TILE_WIDTH))
    return FakeLog(signing=key, lines=lines, base_url=world.base_url, name=pinned.checkpoint.origin)


def _encoded(signed: SignedEntry) -> dict[str, str]:
    return {"entry": to_base64url(signed.entry), "signature": to_base64url(signed.signature)}


def _changed(response: httpx.Response, change: Change) -> httpx.Response:
    body = json.dumps(change(json.loads(response.read()))).encode()
    response.close()
    kept = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
    return httpx.Response(response.status_code, headers=kept, content=body)
