"""The names and arguments of exchanges and queues.

Owns what a deployment's broker looks like. Refuses surprises: every limit is explicit, for RabbitMQ's own defaults
changed between 3 and 4.
"""

from __future__ import annotations

from typing import Any

from pika.adapters.blocking_connection import BlockingChannel

from ..bus import Subscription
from ..delivery import DELIVERY_LIMIT

# Looking at a dead letter counts as a delivery. RabbitMQ 4 drops a message after 20 unless told otherwise, and what it
# offers for "never" RabbitMQ 3 does not know; this number both know.
NEVER = 1_000_000_000


class Topology:
    """One topic exchange for events; a quorum queue for each subscription, and one for its dead letters behind an
    exchange of their own.

    What lies among the dead letters is put back one day, past the question who may tell such an event. So nobody but
    the subscription's own user writes there.
    """

    def __init__(self, prefix: str) -> None:
        self.events = f"{prefix}.events"
        self._prefix = prefix

    def queue(self, name: str) -> str:
        """The queue of a subscription."""
        return f"{self._prefix}.{name}"

    def dead_queue(self, name: str) -> str:
        """Where its dead letters lie, and the name of the exchange in front."""
        return f"{self._prefix}.{name}.dead"

    def again(self, channel: BlockingChannel, name: str) -> str:
        """An exchange that leads to this queue alone, for what is put back; made if it is not there.

        Not the default exchange: to write there is to write to every queue, which no service's user may.
        """
        exchange, queue = f"{self._prefix}.{name}.again", self.queue(name)
        channel.exchange_declare(exchange, exchange_type="direct", durable=True)
        channel.queue_bind(queue, exchange, routing_key=queue)
        return exchange

    def declare(self, channel: BlockingChannel, subscription: Subscription) -> None:
        """Make everything a subscription needs; what is there already stays."""
        channel.exchange_declare(self.events, exchange_type="topic", durable=True)
        queue, dead = self.queue(subscription.queue), self.dead_queue(subscription.queue)
        channel.exchange_declare(dead, exchange_type="direct", durable=True)
        channel.queue_declare(dead, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": NEVER})
        channel.queue_bind(dead, dead, routing_key=queue)
        channel.queue_declare(queue, durable=True, arguments=_arguments(queue, dead))
        for type_ in sorted(subscription.types):
            channel.queue_bind(queue, self.events, routing_key=type_)


def _arguments(queue: str, dead: str) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        # One active consumer keeps the order of a feed; the next takes over when it is gone.
        "x-single-active-consumer": True,
        # A consumer tries an event itself; this counts the times that it died over it.
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": dead,
        "x-dead-letter-routing-key": queue,
        # By default a dead letter may get lost on its way; this keeps it until the other queue has confirmed it, and
        # demands the next line.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
