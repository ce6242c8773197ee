"""Alarms of the account of disclosures: which there are, and that a person has settled one.

Owns `concord-server account-alarms`. Refuses to take an alarm away: it is kept with the moment at which it was settled,
and rings again when what it tells of is found once more.
"""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer

from services.chassis.clock import SystemClock
from services.chassis.config import load_settings
from services.chassis.db import Database

from .output import AsJson, fail, show

app = typer.Typer(no_args_is_help=True, help="What must not be in the account of disclosures, and who has looked.")
Sure = Annotated[bool, typer.Option("--yes", help="Its cause is known and written down.")]


@app.command("list")
def list_(
    settled: Annotated[bool, typer.Option("--settled", help="Those that are settled as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the alarms that nobody has settled: kind, what it is about, and since when."""
    found = [each for each in _alarms().all() if settled or each.settled_at is None]
    value = [
        {
            "alarm": each.id,
            "kind": each.kind,
            "subject": each.subject,
            "at": each.at.isoformat(),
            "settled_at": each.settled_at and each.settled_at.isoformat(),
        }
        for each in found
    ]
    show(value, "\n".join(map(_line, found)) or "No alarms.", as_json)


@app.command()
def settle(
    alarm: Annotated[str, typer.Argument(help="As `account-alarms list` shows it.")],
    yes: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Say that a person knows the cause of an alarm: it rings no more."""
    if not yes:
        fail("this silences an alarm", "say --yes once its cause is known and written down")
    if not _alarms().settle(alarm):
        fail(f"{alarm}: no alarm that rings", "concord-server account-alarms list")
    show({"settled": alarm}, f"{alarm} is settled.", as_json)


def _alarms() -> Any:
    module = importlib.import_module("services.consent.account_alarm")  # loaded when a command needs it
    return module.Alarms(Database(load_settings("consent").database_url), SystemClock())


def _line(alarm: Any) -> str:
    settled = f", settled {alarm.settled_at:%Y-%m-%d %H:%M}" if alarm.settled_at else ""
    return f"{alarm.id}  {alarm.kind:13}  {alarm.subject}  since {alarm.at:%Y-%m-%d %H:%M} UTC{settled}"
