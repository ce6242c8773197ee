"""Who follows a feed: an enforcement point that is gone for good is forgotten by an operator's word.

Owns `concord-server forget`. Refuses to guess: one that merely stands still may come back and act on what it knew.
"""

from __future__ import annotations

import importlib
from typing import Annotated
from uuid import UUID

import typer

from services.chassis.config import load_settings

from .output import ServiceName, fail, service

Sure = Annotated[bool, typer.Option("--yes", help="Its database is gone for good, and none of its processes runs.")]


def forget(
    name: ServiceName,
    enforcement_point: Annotated[UUID, typer.Argument(help="As `concord-server doctor` shows it.")],
    yes: Sure = False,
) -> None:
    """Forget an enforcement point for which every acknowledgement of a revocation would wait."""
    chosen = service(name)
    if chosen == "messaging":
        fail("messaging has no feed: nobody follows it", "directory or consent")
    if not yes:
        hint = "say --yes once none of its processes runs and its database is gone: it could release on what it knew"
        fail("this lets revocations be acknowledged without it", hint)
    app = importlib.import_module(f"services.{chosen}.app")
    if not app.build(load_settings(chosen)).feed.forget(enforcement_point):
        fail(f"nobody follows {chosen} under that id", f"concord-server doctor {chosen} shows who does")
    typer.echo(f"{enforcement_point} is forgotten: no acknowledgement waits for it any more.")
