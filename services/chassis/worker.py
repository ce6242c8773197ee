"""A worker process, from its settings to its end: what the three services' workers have in common.

Owns the start and the graceful stop. Refuses the loops themselves: each service's `worker.py` starts its own.
"""

from __future__ import annotations

from collections.abc import Callable

from . import logs, tracing, worker_page
from .bus import Bus
from .bus_rabbitmq import RabbitBus
from .config import Service, Settings, load_settings
from .measures import Measures
from .process import Background, run_until_signalled, started

Start = Callable[[Settings, Bus, Background], Measures]
"""Starts a worker's loops; what it can tell of its service."""


def run(service: Service, start: Start) -> None:
    """Run until told to stop. Raises pydantic's `ValidationError` for settings that are missing."""
    logs.configure(service)
    settings = load_settings(service)
    if settings.amqp_url is None:
        hint = "docs/operations.md lists the settings"
        raise SystemExit(f"error: CONCORD_AMQP_URL: the worker needs a broker\nhint: {hint}")
    tracing.configure(settings)
    bus = RabbitBus(settings.amqp_url, prefix=settings.amqp_prefix)
    background = Background()
    measures = start(settings, bus, background)
    if settings.worker_bind:
        page = worker_page.create_page(
            service, lambda: {**measures.ready(), "loops": background.alive()}, measures.registry()
        )
        worker_page.serve(page, settings.worker_bind)
    started()
    run_until_signalled(background)
    bus.close()
    tracing.stop()
