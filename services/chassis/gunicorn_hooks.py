"""What gunicorn does besides serving.

Owns its hooks. Refuses settings, which `concord-server api` gives as arguments.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import multiprocess

from . import tracing


def worker_exit(_server: Any, _worker: Any) -> None:
    """In the process that ends: send its last spans, within their bound."""
    tracing.stop()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a process that is gone: its lease must not look like one that has aged."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
