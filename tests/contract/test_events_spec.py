"""`spec/events.md` and the code say the same about the envelope and the numbers; its types have a test of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

from services.chassis.bus_rabbitmq.topology import NEVER
from services.chassis.delivery import DELIVERY_LIMIT
from services.chassis.event import Event
from services.chassis.inbox import REMEMBERED_DAYS
from services.chassis.outbox import BATCH
from services.consent import events as consent

SPEC = (Path(__file__).resolve().parents[2] / "spec" / "events.md").read_text()


def test_the_example_is_an_event() -> None:
    (example,) = re.findall(r"```json\n(.+?)\n```", SPEC, re.DOTALL)
    event = Event.decode(example.encode())
    assert json.loads(event.encode()) == json.loads(example)
    assert event.type == consent.REVOKED


def test_the_members_of_the_envelope_are_listed_and_no_others() -> None:
    table = SPEC.split("## Envelope")[1].split("```")[0]
    assert set(re.findall(r"^\| `([a-z]+)`", table, re.MULTILINE)) == set(Event.model_fields)


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"up to {BATCH} at once" in SPEC
    assert f"Ids are kept for {REMEMBERED_DAYS} days" in SPEC
    assert f"up to {DELIVERY_LIMIT} times in all" in SPEC
    assert f"`x-delivery-limit` {DELIVERY_LIMIT} " in SPEC
    assert f"`x-delivery-limit` {NEVER:,}:".replace(",", " ") in SPEC
