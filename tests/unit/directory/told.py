"""What a directory has said: in its feed of somebody, among all that it said, and in a list, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.chassis import outbox
from services.chassis.event import Event
from tests.unit.directory.house import House, Person


def told(house: House, kind: str, **data: UUID | str) -> list[Event]:
    """The events of this kind about these, in order."""
    named = {name: str(id_) for name, id_ in data.items()}
    return [
        event for event in house.events() if event.type.endswith(f".{kind}.v1") and named.items() <= event.data.items()
    ]


def rings(house: House, call: Callable[[], Any]) -> bool:
    """Whether the relay is woken by this."""
    with house.deps.notifier.listening(outbox.CHANNEL) as bell:
        call()
        return bell.wait(0)


def facts(house: House, kind: str) -> list[dict[str, Any]]:
    """The facts of this kind in the snapshot."""
    headers = {"Authorization": house.signer("messaging").authorization("directory")}
    lines = house.client.get("/v1/feed/snapshot", headers=headers).get_data(as_text=True).splitlines()
    return [fact for fact in map(json.loads, lines) if fact.get("kind") == kind]


def pages(by: Person, path: str, member: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list, in order; at most ten, so that a list without an end fails."""
    found: list[list[dict[str, Any]]] = []
    while "cursor" not in query or query["cursor"] is not None:
        page = by.request("GET", path, query_string=query).get_json()
        found.append(page[member])
        assert len(found) <= 10, "pages without an end"
        query["cursor"] = page["next"]
    return found
