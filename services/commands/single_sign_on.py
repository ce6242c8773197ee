"""Single sign-on: which organizations' devices come in by their provider alone.

Owns `concord-server directory require-single-sign-on`, `lift-single-sign-on` and `forget-single-sign-on`. Refuses
administrators: the directory fetches what stands at the address of a provider, so that an operator names it. Refuses a
secret as an argument, where everyone on a machine reads it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from services.chassis.config import load_settings

from .output import AsJson, fail, show

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded services, instead of the environment.")]
Organization = Annotated[UUID, typer.Argument(help="The organization's id.")]
# A secret that a provider makes is one line of some dozen characters; what is longer is another file.
MAX_SECRET = 1000


def require_single_sign_on(
    organization: Organization,
    issuer: Annotated[str, typer.Option(help="The provider's issuer, as its discovery document has it.")],
    client_id: Annotated[str, typer.Option(help="What the directory is called at the provider.")],
    client_secret_file: Annotated[
        Path | None, typer.Option(help="A file with the client's secret [default: a public client, PKCE alone].")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let no device of an organization in, from now on, that its single sign-on did not confirm."""
    secret = None if client_secret_file is None else _secret(client_secret_file)
    acts = _acts(data)
    acts.require_single_sign_on(organization, issuer, client_id, secret)
    told = {
        "organization": str(organization),
        "issuer": issuer,
        "redirect_uri": acts.sign_on_redirect_uri(organization),
    }
    show(told, f"Required. The provider sends people back to {told['redirect_uri']}", as_json)


def lift_single_sign_on(organization: Organization, data: Data = None, as_json: AsJson = False) -> None:
    """Require an organization's single sign-on no more."""
    if not _acts(data).lift_single_sign_on(organization):
        fail("single sign-on was not required there", "See the organization's id")
    show({"organization": str(organization), "required": False}, "Lifted.", as_json)


def forget_single_sign_on(
    practitioner: Annotated[UUID, typer.Argument(help="The account's id.")], data: Data = None, as_json: AsJson = False
) -> None:
    """Forget who an account is at its provider, whose user was made anew there: its next sign-on says so again."""
    if not _acts(data).forget_single_sign_on(practitioner):
        fail("nobody has signed on for this account", "See the account's id: concord directory find")
    show({"practitioner": str(practitioner), "known": False}, "Forgotten.", as_json)


def _secret(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:  # whose message would show a part of it
        text = ""
    if not 0 < len(text) <= MAX_SECRET or not text.isprintable():
        fail(f"{file.name} holds no client secret", "It is one line, as the provider shows it")
    return text


def _acts(data: Path | None) -> Any:
    """The directory, when a command needs it: a web process of another service does not load it."""
    load = importlib.import_module
    settings = load_settings("directory") if data is None else load("services.local").settings_in(data)["directory"]
    return load("services.directory.bootstrap").Bootstrap(settings)
