"""What only a broker can do: go away, and come back."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from uuid import uuid4

import pika
import pytest

from services.chassis.bus import BusUnavailableError, Subscription
from services.chassis.bus_rabbitmq import RabbitBus
from services.chassis.bus_rabbitmq.publisher import Publisher
from services.chassis.bus_rabbitmq.topology import Topology
from services.chassis.event import Event

TYPE = "care.concord.test.happened.v1"


def _event() -> Event:
    return Event.create("test", TYPE, {}, time=datetime.now(UTC))


def test_a_broker_that_is_away_is_told_as_such() -> None:
    bus = RabbitBus("amqp://guest:guest@127.0.0.1:1/%2F")
    with pytest.raises(BusUnavailableError):
        bus.publish([_event()])
    with pytest.raises(BusUnavailableError):
        bus.declare(Subscription("q", frozenset({TYPE})))


def test_publishing_goes_on_after_the_connection_was_lost(amqp_url: str) -> None:
    """The connection is cut under the publisher: one batch may fail, the next goes through."""
    prefix = f"concord-test-{uuid4().hex[:8]}"
    bus = RabbitBus(amqp_url, prefix=prefix)
    subscription = Subscription("cut", frozenset({TYPE}))
    bus.declare(subscription)
    bus.publish([_event()])
    publisher: Publisher = bus._publisher
    assert publisher._session is not None
    publisher._session._connection._transport.abort()
    failures = 0
    for _ in range(3):
        try:
            bus.publish([_event()])
            break
        except BusUnavailableError:
            failures += 1
    assert failures <= 1
    bus.close()
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        count = channel.queue_declare(Topology(prefix).queue("cut"), passive=True).method.message_count
        channel.queue_delete(Topology(prefix).queue("cut"))
        channel.queue_delete(Topology(prefix).dead_queue("cut"))
        for exchange in (Topology(prefix).events, Topology(prefix).dead):
            channel.exchange_delete(exchange)
    assert count >= 2


def test_only_the_bus_room_imports_pika() -> None:
    """The import rules say so as well; here without their tool."""
    found = subprocess.run(
        ["grep", "-rlE", "^(import|from) pika", "services"], capture_output=True, text=True, check=False
    ).stdout.split()
    assert found
    assert all(path.startswith("services/chassis/bus_rabbitmq/") for path in found)
