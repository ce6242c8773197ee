"""Measurements for Prometheus: requests by route and status, how long they took.

Owns the names of the metrics and the page that shows them. Refuses labels of unbounded range: a route is its rule,
never its path.
"""

from __future__ import annotations

import os

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


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


_EXTENSION = "concord.metrics"
# A client may invent methods without end, and each would be a time series.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def install(app: Flask, service: str) -> Requests:
    """Serve `/metrics`, from all workers of a gunicorn when `PROMETHEUS_MULTIPROC_DIR` names their directory."""
    registry = CollectorRegistry()
    requests = Requests(service, registry)

    def page() -> Response:
        shown = registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            shown = CollectorRegistry()
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        pages = [generate_latest(each) for each in (shown, *app.extensions[_EXTENSION])]
        return Response(b"".join(pages), content_type=CONTENT_TYPE_LATEST)

    app.extensions[_EXTENSION] = []
    app.add_url_rule("/metrics", endpoint="metrics", view_func=page)
    return requests


def add(app: Flask, registry: CollectorRegistry) -> None:
    """Show a service's own metrics on the page as well: those that are read when somebody looks."""
    app.extensions[_EXTENSION].append(registry)
