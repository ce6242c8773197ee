"""Dead letters: events that a service could not handle, looked at and put back by its operator.

Owns `concord-server dead-letters`. Refuses to show what an event says: the envelope tells which code to look at and in
which order things happened; the rest may be about a patient. Refuses to drop any: an event of a feed that is missing
stops nothing, since followers ask for it again, but a person should know why it could not be handled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from services.chassis.bus import Bus, BusUnavailableError
from services.chassis.bus_rabbitmq import RabbitBus
from services.chassis.config import load_settings
from services.chassis.event import Event, EventError

from .checks.deployment import QUEUES
from .output import AsJson, ServiceName, fail, service, show

app = typer.Typer(no_args_is_help=True, help="Events that a service could not handle.")


@app.command("list")
def list_(
    name: ServiceName,
    limit: Annotated[int, typer.Option(help="Show at most so many.", min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the envelope of each dead letter of a service's queue, never what it says."""
    with _bus(name) as bus:
        found = [envelope(body) for body in bus.dead_letters(name, limit)]
    lines = [line(each) for each in found]
    show(found, "\n".join(lines) if lines else "No dead letters.", as_json)


@app.command()
def replay(name: ServiceName, as_json: AsJson = False) -> None:
    """Put every dead letter back into its queue, once what it could not get past is mended."""
    with _bus(name) as bus:
        count = bus.replay_dead_letters(name)
    show({"replayed": count}, f"{count} put back.", as_json)


def envelope(body: bytes) -> dict[str, Any]:
    """What may be shown of a dead letter: what kind it is of, where it stands, how large it is."""
    try:
        event = Event.decode(body)
    except EventError:
        return {"event": None, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    shown = {"event": str(event.id), "type": event.type, "source": event.source, "time": event.time.isoformat()}
    feed = {"epoch": str(event.epoch), "sequence": event.sequence} if event.epoch else {}
    return shown | feed | {"bytes": len(body)}


def line(each: dict[str, Any]) -> str:
    """One dead letter for people."""
    if each["event"] is None:
        return f"not an event  {each['bytes']} bytes  sha256 {each['sha256'][:16]}…"
    number = f"  number {each['sequence']}" if "sequence" in each else ""
    return f"{each['time']}  {each['type']}  {each['event']}  {each['bytes']} bytes{number}"


@contextmanager
def _bus(name: str) -> Iterator[Bus]:
    chosen = service(name)
    if not QUEUES[chosen]:
        handling = ", ".join(each for each, queues in QUEUES.items() if queues)
        fail(f"{chosen} has no queue: it handles no events of others", f"one of: {handling}")
    settings = load_settings(chosen)
    if settings.amqp_url is None:
        fail("CONCORD_AMQP_URL: needed for this", "run it in the worker's container, or set it")
    bus = RabbitBus(settings.amqp_url, prefix=settings.amqp_prefix)
    try:
        if chosen not in bus.depths([chosen]):
            fail(f"the broker has no queue for {chosen} yet", f"its worker declares it: concord-server worker {chosen}")
        yield bus
    except BusUnavailableError:
        fail("the broker does not answer", "is it up, and are user and password in CONCORD_AMQP_URL right?")
    finally:
        bus.close()
