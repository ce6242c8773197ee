"""Measurements for Prometheus: what every process counts, and the page that shows it.

Owns the names of what the chassis measures and the page. Refuses labels of unbounded range: a route is its rule, never
its path, and no label names a person, a letter or a consent. What is read from a database when somebody looks is each
service's `measures.py`, shown by its worker alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

# What is counted wherever in a process it happens; the embedded services share one process and this registry.
PROCESS = CollectorRegistry()

PROBLEMS = Counter("concord_problems", "Problem documents answered, by type", ("service", "type"), registry=PROCESS)
LOOP_FAILURES = Counter("concord_loop_failures", "Times a background loop failed", ("loop",), registry=PROCESS)
GATE_DECISIONS = Counter(
    "concord_gate_decisions", "What the gate decided of letters, by reason", ("outcome", "reason"), registry=PROCESS
)
# The process that is worst off: the others may answer meanwhile, but its requests hold their letters.
LEASE_RENEWED = Gauge(
    "concord_lease_renewed_timestamp_seconds",
    "When the process that is furthest behind asked for its last lease, or began to ask for one (Unix time)",
    ("feed",),
    registry=PROCESS,
    multiprocess_mode="livemin",
)
FEED_LAG = Gauge(
    "concord_feed_lag",
    "Changes that the authority had numbered and this follower not applied, when it last asked",
    ("feed",),
    registry=PROCESS,
    multiprocess_mode="livemax",
)
# From a few milliseconds, when messaging reports at once, to L + M and beyond, when it does not answer.
EFFECT_SECONDS = Histogram(
    "concord_change_effective_seconds",
    "Seconds from a change's commit until it was known to hold everywhere, by the event's type",
    ("type",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 6, 7, 10, 30, 60, 300),
    registry=PROCESS,
)


class Requests:
    """How many requests came and how long each took."""

    def __init__(self, service: str, registry: CollectorRegistry) -> None:
        labels = ("service", "method", "route")
        self._service = service
        self._count = Counter(
            "concord_requests", "Requests answered, by status", (*labels, "status"), registry=registry
        )
        self._seconds = Histogram("concord_request_seconds", "Seconds to the answer", labels, registry=registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        known = method if method in _METHODS else "other"
        self._count.labels(self._service, known, route, str(status)).inc()
        self._seconds.labels(self._service, known, route).observe(seconds)


# A client may invent methods without end, and each would be a time series.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def install(app: Flask, service: str) -> Requests:
    """Serve `/metrics`; count requests."""
    registry = CollectorRegistry()
    requests = Requests(service, registry)
    add_page(app, lambda: [registry, PROCESS])
    return requests


def add_page(app: Flask, registries: Callable[[], list[CollectorRegistry]]) -> None:
    """Serve `/metrics` with these registries, from all workers of a gunicorn when `PROMETHEUS_MULTIPROC_DIR` is set."""

    def page() -> Response:
        shown = registries()
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            shown = [CollectorRegistry()]
            MultiProcessCollector(shown[0])  # type: ignore[no-untyped-call]
        return Response(b"".join(map(generate_latest, shown)), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/metrics", endpoint="metrics", view_func=page)
