"""A worker's page: `/livez`, `/readyz` and `/metrics`, where nobody but the deployment's own network reaches it.

Owns the listener. Refuses everything else: a worker answers no requests of clients.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from flask import Flask
from prometheus_client import CollectorRegistry
from werkzeug.serving import WSGIRequestHandler, make_server

from . import health, metrics


def create_page(service: str, ready: Callable[[], Mapping[str, bool]], registry: CollectorRegistry) -> Flask:
    """The page's app: `ready` names what the worker needs, `registry` what is read when somebody looks."""
    app = Flask(f"concord-{service}-worker", static_folder=None)
    health.install(app, ready)
    metrics.add_page(app, lambda: [metrics.PROCESS, registry])
    return app


def serve(page: Flask, bind: str) -> None:
    """Serve a page at `host:port` until the process ends. Raises OSError when the port is taken."""
    host, _, port = bind.rpartition(":")
    server = make_server(host, int(port), page, threaded=True, request_handler=_Silent)
    threading.Thread(target=server.serve_forever, name="worker page", daemon=True).start()


class _Silent(WSGIRequestHandler):
    """Writes no log lines: a probe every few seconds is no news."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's own name
        """Nothing."""
