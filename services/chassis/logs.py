"""Logs: one JSON object a line on standard error, with a closed list of members.

Owns the list and the shape. Refuses everything that is not on the list, the messages of exceptions and the arguments of
other people's log lines among it: any of those may hold a name, a token or a piece of a letter.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

# A member is added here only when no value of it can tell who a patient is or let anybody in.
ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "service",
        "request",
        "method",
        "route",
        "status",
        "milliseconds",
        "error",
        "stack",
        "queue",
        "type",
        "sequence",
        "epoch",
        "count",
        "seconds",
        "loop",
        "feed",
        "peer",
        "reason",
        "signal",
        # A letter's id is random and says nothing by itself; so is a trace's.
        "letter",
        "trace",
    }
)


def configure(service: str) -> None:
    """Name this process's service in each of its lines, and write the lines of libraries as JSON too."""
    _process["service"] = service
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_ForeignFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def logger(name: str) -> Any:
    """A logger with `info`, `warning` and `error`, whose keyword members are filtered by `ALLOWED`."""
    return structlog.wrap_logger(_StandardError(), processors=_PROCESSORS).bind(logger=name)


def stack_of(error: BaseException) -> list[str]:
    """Where an exception came from, as `file:line function`, without source text and without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


def _only_allowed(_logger: Any, _method: str, members: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in members.items() if name in ALLOWED}


class _StandardError:
    """Writes a line to whatever standard error is at that moment."""

    def _write(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is where logs go

    debug = info = warning = error = _write


_process: dict[str, str] = {}


def _of_this_process(_logger: Any, _method: str, members: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**_process, **members}


def _only_what_is_wrong(_logger: Any, method: str, members: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A process that serves nobody, such as a demonstration, does not tell the way of each letter."""
    if method in ("debug", "info") and not _process:
        raise structlog.DropEvent
    return members


_PROCESSORS: list[Any] = [
    _only_what_is_wrong,
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _of_this_process,
    _only_allowed,
    structlog.processors.JSONRenderer(),
]


class _ForeignFormatter(logging.Formatter):
    """A library's line: its template without the arguments, which may hold an address with a query or a value."""

    def format(self, record: logging.LogRecord) -> str:
        members = {"event": str(record.msg)[:200], "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            members["error"] = type(record.exc_info[1]).__name__
        return json.dumps(members)
