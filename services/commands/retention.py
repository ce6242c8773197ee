"""Retention by command: what the policy would delete, and doing it now.

Owns `concord-server retention`. Refuses a policy of its own: the settings say it.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer

from services.chassis.clock import SystemClock
from services.chassis.config import load_settings
from services.chassis.db import Database

from .output import AsJson, show

app = typer.Typer(no_args_is_help=True, help="How long messaging keeps the bytes of letters.")


@app.command("show")
def show_(as_json: AsJson = False) -> None:
    """Show the policy in force, and how many letters it would delete now."""
    retention = _retention()
    due, policy = retention.due(), retention.policy
    kept = [f"opened by all: {_days(policy.opened_days)}", f"in any case: {_days(policy.unopened_days)}"]
    value = {"opened_days": policy.opened_days, "unopened_days": policy.unopened_days, "due": due}
    show(value, "\n".join([*kept, f"due now: {due} letters"]), as_json)


@app.command()
def apply(as_json: AsJson = False) -> None:
    """Delete what is due, all of it, without waiting for the worker's rounds."""
    retention, deleted = _retention(), 0
    while count := retention.apply():
        deleted += count
    show({"deleted": deleted}, f"{deleted} letters deleted.", as_json)


def _retention() -> Any:
    module = importlib.import_module("services.messaging.retention")  # loaded when a command needs it
    settings = load_settings("messaging")
    return module.Retention(Database(settings.database_url), SystemClock(), module.Policy.of(settings))


def _days(days: int) -> str:
    return f"after {days} days" if days else "kept"
