"""The command `concord-server`: start a service, prepare its database, bootstrap an organization.

Owns the operator's commands. Refuses logic: each command composes a service and calls one function of it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from concord_formats.identity_checks import Checked
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from .chassis import migrate as migrations
from .chassis.config import SERVICES, Service, SettingError, Settings, load_settings
from .chassis.db import Database, DatabaseUnavailableError, lacks_a_table
from .chassis.log_key import make_log_key
from .chassis.problems import Problem
from .chassis.service_auth import make_keys
from .commands import (
    account_alarms,
    dead_letters,
    directory_imports,
    doctor,
    followers,
    retention,
    rotate,
    single_sign_on,
)
from .commands.output import AsJson, ServiceName, fail, show
from .commands.output import service as service_named

app = typer.Typer(
    name="concord-server", no_args_is_help=True, pretty_exceptions_enable=False, help="Concord's services."
)
directory = typer.Typer(no_args_is_help=True, help="The directory's beginnings: organizations and administrators.")
app.add_typer(directory, name="directory")
directory.command("require-single-sign-on")(single_sign_on.require_single_sign_on)
directory.command("lift-single-sign-on")(single_sign_on.lift_single_sign_on)
directory.command("forget-single-sign-on")(single_sign_on.forget_single_sign_on)
directory.command("import-nppes")(directory_imports.import_nppes)
directory.command("import-specialties")(directory_imports.import_specialties)
app.add_typer(account_alarms.app, name="account-alarms")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(retention.app, name="retention")
app.add_typer(rotate.app, name="rotate")
app.command()(doctor.doctor)
app.command()(followers.forget)

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded services, instead of the environment.")]
# Threads wait for the database most of the time; 16 keep two cores busy and leave room for long polls.
THREADS = 16
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a folder of each container's own


@app.command()
def local(
    data: Annotated[Path, typer.Option(help="Where the three databases and the keys lie.")] = Path(".run"),
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 8080,
) -> None:
    """Run all three services in this process, on SQLite: to try Concord, or to develop a client."""
    _load("local").check_free(port)
    typer.echo(f"Concord at http://127.0.0.1:{port}, its data in {data}. Ctrl-C ends it.")
    _load("local").serve(data, port)


@app.command()
def api(
    service: ServiceName,
    bind: Annotated[str, typer.Option(help="Address and port.")] = "127.0.0.1:8000",
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    threads: Annotated[int, typer.Option(help="Threads in each.", min=1)] = THREADS,
) -> None:
    """Run the web processes of one service, under gunicorn."""
    name = service_named(service)
    _settings(name)  # here, once and clearly, rather than in each process that gunicorn would start again and again
    # What the processes count is added up on the page of whichever answers. Fresh: an earlier run's files would count.
    # In memory that nothing else fills: a process whose file there cannot grow is killed by the system (SIGBUS).
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="concord-metrics-", dir=SHARED_MEMORY)
    # No preload: each process opens its own connections and holds its own leases.
    os.execv(  # noqa: S606 - gunicorn takes the place of this process
        sys.executable,
        [
            *(sys.executable, "-m", "gunicorn", f"services.{name}.wsgi:app"),
            *("--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)),
            *("--bind", bind, "--graceful-timeout", "25", "--keep-alive", "75", "--no-control-socket"),
            *("--config", "python:services.chassis.gunicorn_hooks"),
            *("--worker-tmp-dir", SHARED_MEMORY),  # a heartbeat on a disk would stall with it
        ],
    )


@app.command()
def worker(service: ServiceName) -> None:
    """Run the worker of one service: it relays its events and handles those of the others."""
    _load(f"{service_named(service)}.worker").main()


@app.command()
def migrate(service: ServiceName) -> None:
    """Bring the database of one service to the newest form; safe to run again, and from several places at once."""
    name = service_named(service)
    migrations.upgrade(Database(_settings(name).database_url), name)


@app.command()
def keys(folder: Annotated[Path, typer.Argument(help="Where the keys of the services belong.")]) -> None:
    """Make the keys by which the services know each other, and those that sign the account and the key log.

    Keys that are there are kept.
    """
    make_keys(folder, SERVICES)
    _load("consent.account_key").make_account_key(folder / "account.jwk")
    make_log_key(folder / "key-log.jwk")


@app.command("new-epoch")
def new_epoch(service: Annotated[str, typer.Argument(help="directory or consent.")], data: Data = None) -> None:
    """After a restore or a fail-over: begin a new epoch of the feed, so that whoever follows starts from a snapshot."""
    name = service_named(service)
    if name == "messaging":
        raise typer.BadParameter("messaging has no feed; it follows the others'", param_hint="SERVICE")
    typer.echo(str(_load(f"{name}.app").build(_settings(name, data)).feed.new_epoch()))


@app.command("account-check")
def account_check(data: Data = None, as_json: AsJson = False) -> None:
    """Look whether the account of disclosures is what was recorded; fails when it is not."""
    settings = _settings("consent", data)
    key = _load("consent.account_key").AccountKey.from_settings(settings)
    report = _load("consent.account_check").check(Database(settings.database_url), key)
    found = [f"{each.where}: {each.what}" for each in report.findings]
    told = {"size": report.size, "root": report.root.hex(), "findings": found}
    typer.echo(json.dumps(told) if as_json else "\n".join([f"{report.size} lines, root {report.root.hex()}", *found]))
    if found:
        fail("the account is not what was recorded", "Keep the database as it is, and find out who changed it.")


@directory.command("add-organization")
def add_organization(
    name: Annotated[str, typer.Argument(help="The organization's name.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Add an organization; prints its id."""
    organization = _load("directory.bootstrap").Bootstrap(_settings("directory", data)).add_organization(name)
    show({"organization": str(organization), "name": name}, str(organization), as_json)


@directory.command("invite-administrator")
def invite_administrator(
    organization: Annotated[UUID, typer.Option(help="The organization's id.")],
    name: Annotated[str, typer.Option(help="The administrator's name.")],
    checked: Annotated[Checked, typer.Option(help="How you made sure who they are.")],
    checked_on: Annotated[
        datetime | None, typer.Option(help="On which day [default: today].", formats=["%Y-%m-%d"])
    ] = None,
    look_alike: Annotated[
        bool, typer.Option("--look-alike", help="Who has a name that looks like this one is somebody else: you asked.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Invite an organization's first administrator; prints the invitation, which is a secret until it is used."""
    acts = _load("directory.bootstrap").Bootstrap(_settings("directory", data))
    day = checked_on.date() if checked_on else None
    invitation = acts.invite_administrator(organization, name, checked, day, look_alike=look_alike)
    told = {"practitioner": str(invitation.practitioner), "code": invitation.code}
    show(told, invitation.code, as_json)


def main() -> None:
    """Run the command line; exit status 1 with `error:` and `hint:` when a command could not do its work, 2 for a wrong
    command.
    """
    try:
        sys.exit(app(standalone_mode=False))
    except typer.TyperException as error:
        _fail_usage(error)
    except typer.Abort:
        sys.exit(130)
    except _TOLD as error:
        fail(*_told(error))


_TOLD = (ValidationError, SettingError, Problem, DatabaseUnavailableError, DBAPIError, OSError)


def _told(error: Exception) -> tuple[str, str]:
    """What is wrong and what to do. Raises the error itself where it is a fault of ours."""
    if isinstance(error, ValidationError):
        return wrong_setting(error), "docs/operations.md lists the settings"
    if isinstance(error, SettingError):
        return str(error), error.hint
    if isinstance(error, Problem):
        return error.detail, ""
    if isinstance(error, DatabaseUnavailableError):
        return str(error), "is the database of this service up, and is CONCORD_DATABASE_URL right?"
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror}", ""
    if isinstance(error, DBAPIError) and lacks_a_table(error):
        return "the database has not all tables of this version", "concord-server migrate SERVICE; embedded: make run"
    raise error


def _fail_usage(error: typer.TyperException) -> NoReturn:
    """A wrong command is told like any other error; a group of commands without one shows what there is."""
    context = getattr(error, "ctx", None)
    if context is not None and not context.args and type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(context.get_help())
    else:
        typer.echo(f"error: {error.format_message().rstrip('.')}", err=True)
        typer.echo(f"hint: see {context.command_path if context else 'concord-server'} --help", err=True)
    sys.exit(error.exit_code)


def wrong_setting(error: ValidationError) -> str:
    """The first setting that is missing or wrong, by name, and what is wrong with it; never its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    name = "_".join(map(str, first["loc"])).upper()
    return f"CONCORD_{name}: {said}" if name else said


def _load(module: str) -> Any:
    """A module of ours, when a command needs it: a web process does not load the two other services."""
    return importlib.import_module(f"services.{module}")


def _settings(service: Service, data: Path | None = None) -> Settings:
    if data is None:
        return load_settings(service)
    found: Settings = _load("local").settings_in(data)[service]
    return found


if __name__ == "__main__":
    main()
