"""Health: is this process alive, and can it do its work now.

Owns `/livez` and `/readyz`. Refuses reasons beyond the names of what is missing: the page is open to whoever probes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask, Response, jsonify
from sqlalchemy import text

from .db import Database
from .questions import Question, answers

# Whoever probes waits four seconds (docker-compose.yml) and is told before that: connecting alone may take longer, and
# packets that are swallowed for ever.
READY_SECONDS = 3.0


def install(app: Flask, ready: Callable[[], Mapping[str, bool]]) -> None:
    """Serve both pages: `/livez` always answers 200, `/readyz` 503 while anything that `ready` names is missing."""

    def readyz() -> Response:
        checks = dict(ready())
        response = jsonify({"ready": all(checks.values()), "checks": checks})
        response.status_code = 200 if all(checks.values()) else 503
        return response

    app.add_url_rule("/livez", endpoint="livez", view_func=lambda: {"alive": True})
    app.add_url_rule("/readyz", endpoint="readyz", view_func=readyz)


def in_time(checks: Mapping[str, Callable[[], bool]]) -> Callable[[], Mapping[str, bool]]:
    """What `install` asks: each of these checks, beside each other, and false for those that gave no answer in time."""
    questions = [Question(check) for check in checks.values()]

    def ready() -> Mapping[str, bool]:
        found = answers(questions, READY_SECONDS)
        return {name: bool(answer) for name, answer in zip(checks, found, strict=True)}

    return ready


def of(database: Database) -> Callable[[], Mapping[str, bool]]:
    """What `install` asks where a database is all that is needed."""
    return in_time({"database": lambda: database_answers(database)})


def database_answers(database: Database) -> bool:
    """Whether the database answers a question now."""
    try:
        with database.transaction() as session:
            session.execute(text("SELECT 1"))
    except Exception:
        return False
    return True
