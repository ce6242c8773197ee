"""The names and arguments of exchanges and queues.

Owns what a deployment's broker looks like. Refuses surprises: every limit is explicit, for RabbitMQ's own defaults
changed between 3 and 4.
"""

from __future__ import annotations

from typing import Any

from pika.adapters.blocking_connection import BlockingChannel

from ..bus import DELIVERY_LIMIT, Subscription

# Looking at a dead letter counts as a delivery. RabbitMQ 4 drops a message after 20 unless told otherwise, and what it
# offers for "never" RabbitMQ 3 does not know; this number both know.
NEVER = 1_000_000_000


class Topology:
    """One topic exchange for events, one for dead letters, a quorum queue and a dead-letter queue for each
    subscription.
    """

    def __init__(self, prefix: str) -> None:
        self.events = f"{prefix}.events"
        self.dead = f"{prefix}.dead"
        self._prefix = prefix

    def queue(self, name: str) -> str:
        """The queue of a subscription."""
        return f"{self._prefix}.{name}"

    def dead_queue(self, name: str) -> str:
        """Where its dead letters lie."""
        return f"{self._prefix}.{name}.dead"

    def declare(self, channel: BlockingChannel, subscription: Subscription) -> None:
        """Make everything a subscription needs; what is there already stays."""
        channel.exchange_declare(self.events, exchange_type="topic", durable=True)
        channel.exchange_declare(self.dead, exchange_type="direct", durable=True)
        queue, dead = self.queue(subscription.queue), self.dead_queue(subscription.queue)
        channel.queue_declare(dead, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": NEVER})
        channel.queue_bind(dead, self.dead, routing_key=queue)
        channel.queue_declare(queue, durable=True, arguments=self._arguments(queue))
        for type_ in sorted(subscription.types):
            channel.queue_bind(queue, self.events, routing_key=type_)

    def _arguments(self, queue: str) -> dict[str, Any]:
        return {
            "x-queue-type": "quorum",
            # One active consumer keeps the order of a feed; the next takes over when it is gone.
            "x-single-active-consumer": True,
            # A consumer tries an event itself; this counts the times that it died over it.
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.dead,
            "x-dead-letter-routing-key": queue,
            # By default a dead letter may get lost on its way; this keeps it until the other queue has confirmed it,
            # and demands the next line.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
