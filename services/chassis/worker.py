"""A worker process, from its settings to its end: what the three services' workers have in common.

Owns the start and the graceful stop. Refuses the loops themselves: each service's `worker.py` starts its own.
"""

from __future__ import annotations

from collections.abc import Callable

from . import logs
from .bus import Bus
from .bus_rabbitmq import RabbitBus
from .config import Service, Settings, load_settings
from .process import Background, run_until_signalled, started

Start = Callable[[Settings, Bus, Background], None]


def run(service: Service, start: Start) -> None:
    """Run until told to stop. Raises pydantic's `ValidationError` for settings that are missing."""
    logs.configure(service)
    settings = load_settings(service)
    if settings.amqp_url is None:
        hint = "docs/operations.md lists the settings"
        raise SystemExit(f"error: CONCORD_AMQP_URL: the worker needs a broker\nhint: {hint}")
    bus = RabbitBus(settings.amqp_url, prefix=settings.amqp_prefix)
    background = Background()
    start(settings, bus, background)
    started()
    run_until_signalled(background)
    bus.close()
