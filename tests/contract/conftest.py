"""The two buses, for one suite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from uuid import uuid4

import pika
import pytest

from services.chassis.bus import Bus, LocalBus
from services.chassis.bus_rabbitmq import RabbitBus
from services.chassis.bus_rabbitmq.topology import Topology

QUEUE = "tested"
PutRaw = Callable[[bytes], None]


@pytest.fixture(params=["local", "rabbitmq"])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    """An empty bus, once of each kind."""
    if request.param == "local":
        local = LocalBus()
        yield local
        local.close()
        return
    url = request.getfixturevalue("amqp_url")
    prefix = f"concord-test-{uuid4().hex[:8]}"
    rabbit = RabbitBus(url, prefix=prefix)
    rabbit.test_url, rabbit.test_prefix = url, prefix  # type: ignore[attr-defined]
    yield rabbit
    rabbit.close()
    topology = Topology(prefix)
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        for delete, name in (
            (lambda c, n: c.queue_delete(n), topology.queue(QUEUE)),
            (lambda c, n: c.queue_delete(n), topology.dead_queue(QUEUE)),
            (lambda c, n: c.exchange_delete(n), topology.events),
            (lambda c, n: c.exchange_delete(n), topology.dead),
        ):
            with contextlib.suppress(pika.exceptions.AMQPError):
                delete(connection.channel(), name)


@pytest.fixture
def put_raw(bus: Bus) -> PutRaw:
    """Puts bytes into the queue as they are, past the envelope."""

    def put(body: bytes) -> None:
        if isinstance(bus, LocalBus):
            bus.put_raw(QUEUE, body)
            return
        url, prefix = bus.test_url, bus.test_prefix  # type: ignore[attr-defined]
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            connection.channel().basic_publish("", Topology(prefix).queue(QUEUE), body)

    return put
