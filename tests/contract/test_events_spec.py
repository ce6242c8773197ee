"""`spec/events.md` and the services say the same about who tells what to whom."""

from __future__ import annotations

import json
import re
from pathlib import Path

from services.chassis.bus import DELIVERY_LIMIT
from services.chassis.bus_rabbitmq.topology import NEVER
from services.chassis.event import Event
from services.chassis.inbox import REMEMBERED_DAYS
from services.chassis.outbox import BATCH
from services.consent import account
from services.consent import events as consent
from services.directory import events as directory
from services.messaging import events as messaging
from services.messaging import peers

SPEC = (Path(__file__).resolve().parents[2] / "spec" / "events.md").read_text()
# Handled, so that it may be spoken one day without stopping a feed; spoken by nobody yet.
RESERVED = {"care.concord.directory.practitioner-changed.v1"}


def _listed(service: str) -> set[str]:
    return set(re.findall(rf"^\| `(care\.concord\.{service}\.[a-z0-9.-]+)`", SPEC, re.MULTILINE))


def test_every_event_that_a_service_speaks_is_listed_and_no_other() -> None:
    spoken = {value for name, value in vars(directory).items() if name.isupper() and str(value).endswith(".v1")}
    assert _listed("directory") == spoken | RESERVED
    assert _listed("consent") == {consent.ACTIVATED, consent.REVOKED}
    assert _listed("messaging") == {fact.value for fact in messaging.Fact}


def test_every_event_is_handled_by_the_consumer_that_is_named() -> None:
    assert peers.SUBSCRIPTION.types == _listed("directory") | _listed("consent")
    assert set(account.HANDLERS) == _listed("messaging")


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
