"""Another key in place of one that has served its time, or that somebody else may have.

Owns `concord-server rotate`. Refuses to leave anybody behind: clients follow each change by themselves, or are told.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated

import typer
from concord_formats.key_log import BindingError, origin
from joserfc.errors import JoseError

from services.chassis.clock import SystemClock
from services.chassis.config import load_settings
from services.chassis.db import Database
from services.chassis.log_key import LogKey, TooManyStepsError, read_log_key, rotate_log_key

from .output import AsJson, fail, show

app = typer.Typer(no_args_is_help=True, help="Another key in place of the one in use.")


@app.command("account-key")
def account_key(
    file: Annotated[Path, typer.Argument(help="The key's file, as CONCORD_ACCOUNT_KEY_FILE names it.")],
    as_json: AsJson = False,
) -> None:
    """Put a new key into the file, signed by the one that is there; then restart consent, all of it at once."""
    try:
        key = importlib.import_module("services.consent.account_key").rotate_account_key(file)
    except importlib.import_module("services.consent.account_key").TooManyStepsError as error:
        fail(str(error), "keep the key that is there")
    except (ValueError, KeyError, JoseError):
        fail(f"{file} holds no key of an account", "concord-server keys FOLDER makes one")
    name, steps = key.verifier.encode(), len(key.succession)
    show({"key": name, "steps": steps}, f"{name}\nRestart consent's processes now, all of them at once.", as_json)


@app.command("key-log-key")
def key_log_key(
    file: Annotated[Path, typer.Argument(help="The key's file, as CONCORD_LOG_KEY_FILE names it.")],
    base_url: Annotated[
        str, typer.Option(envvar="CONCORD_BASE_URL", help="The origin that clients use: it names the log.")
    ],
    as_json: AsJson = False,
) -> None:
    """Put a new key into the file, signed by the one that is there; then restart the directory, all of it at once."""
    try:
        name = origin(base_url)
    except BindingError:
        fail(f"{base_url} is no address", "give the CONCORD_BASE_URL of this deployment")
    try:
        rotate_log_key(file, name)
        key = LogKey(name, *read_log_key(file))
    except TooManyStepsError as error:
        fail(str(error), "keep the key that is there")
    except (ValueError, KeyError, JoseError):
        fail(f"{file} holds no key of a log", "concord-server keys FOLDER makes one")
    shown, steps = key.verifier.encode(), len(key.succession)
    said = f"{shown}\nRestart the directory's processes now, all of them at once."
    show({"key": shown, "steps": steps}, said, as_json)


@app.command("token-key")
def token_key(
    now: Annotated[bool, typer.Option("--now", help="The old keys are stolen: forget them at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new key for access tokens; it signs ten minutes from now, when every service knows it.

    With --now it signs at once and the old ones are forgotten: everybody signs in anew, which clients do by themselves.
    """
    settings = load_settings("directory")
    keys = importlib.import_module("services.directory.tokens").TokenKeys(
        Database(settings.database_url), SystemClock()
    )
    signs_from = keys.replace(at_once=now)
    text = f"A new key signs from {signs_from:%Y-%m-%d %H:%M} UTC."
    hint = (
        "\nRestart directory-api now: for half a minute more it would sign with the old ones, which nobody then knows."
        "\nThen restart the other services to be rid of them; by themselves they believe them five minutes."
    )
    show({"signs_from": signs_from.isoformat()}, text + (hint if now else ""), as_json)
