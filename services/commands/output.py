"""What the operator's commands print, and how they end.

Owns `error:`, `hint:` and the choice between text and JSON. Refuses values of settings and bodies of events.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, NoReturn

import typer

from services.chassis.config import SERVICES, Service

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ServiceName = Annotated[str, typer.Argument(help="directory, consent or messaging.")]


def show(value: Any, text: str, as_json: bool) -> None:
    """Print a value: as JSON, or as text for people."""
    typer.echo(json.dumps(value) if as_json else text)


def fail(message: str, hint: str = "") -> NoReturn:
    """End with status 1, saying what is wrong and what to do."""
    typer.echo(f"error: {message}", err=True)
    if hint:
        typer.echo(f"hint: {hint}", err=True)
    sys.exit(1)


def service(name: str) -> Service:
    """A service by its name. Raises BadParameter."""
    if name not in SERVICES:
        raise typer.BadParameter(f"is one of: {', '.join(SERVICES)}", param_hint="SERVICE")
    return name
