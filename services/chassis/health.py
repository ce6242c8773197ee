"""Health: is this process alive, and can it do its work now.

Owns `/livez` and `/readyz`. Refuses reasons beyond the names of what is missing: the page is open to whoever probes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask, Response, jsonify
from sqlalchemy import text

from .db import Database


def install(app: Flask, ready: Callable[[], Mapping[str, bool]]) -> None:
    """Serve both pages: `/livez` always answers 200, `/readyz` 503 while anything that `ready` names is missing."""

    def readyz() -> Response:
        checks = dict(ready())
        response = jsonify({"ready": all(checks.values()), "checks": checks})
        response.status_code = 200 if all(checks.values()) else 503
        return response

    app.add_url_rule("/livez", endpoint="livez", view_func=lambda: {"alive": True})
    app.add_url_rule("/readyz", endpoint="readyz", view_func=readyz)


def database_answers(database: Database) -> bool:
    """Whether the database answers a question now."""
    try:
        with database.transaction() as session:
            session.execute(text("SELECT 1"))
    except Exception:
        return False
    return True
