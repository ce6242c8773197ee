"""`concord admin recovery open`, `list`, `attest`, `refuse`, and `concord recover-case`.

Owns the commands by which somebody who has lost every key comes back. Refuses a code as an argument, where everyone on
a machine reads it, and to show an administrator the fingerprint that they are to hear from the person.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from concord_formats.attestations import Proof
from rich.prompt import Prompt

from ..api.recovery_cases import RecoveryCase
from ..client import Client
from ..errors import AlreadyEnrolledError, CaseCodeError, RecoveryCaseError
from ..private_files import replacing
from ..recovery_cases.person import CaseProgress
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, passphrase, profile, unlock
from .sign_on import NoBrowser, browsing

app = typer.Typer(
    help="All keys of somebody are lost: two administrators vouch for new ones. Its owner may refuse.",
    no_args_is_help=True,
)
CaseId = Annotated[UUID, typer.Argument(help="The case's id.")]
# A code is one line of some hundred characters; what is longer is another file.
MAX_CODE_CHARACTERS = 4096


def register(root: typer.Typer, admin: typer.Typer) -> None:
    """Add these commands to the application."""
    admin.add_typer(app, name="recovery")
    root.command("recover-case")(recover_case)


@app.command("open")
def open_case(
    practitioner: Annotated[UUID, typer.Argument(help="Whose keys are lost.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the code to a file.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Open a case; give the person its code on a way that only they can read."""
    with unlock(home, passphrase_file) as client:
        opened = client.recovery_cases.open(practitioner)
    if output is None:
        show(opened.model_dump(mode="json"), f"Case {opened.case}\n{opened.code}", as_json=json)
        return
    with replacing(output) as target:
        target.write(opened.code.encode("ascii") + b"\n")
    told = {"case": str(opened.case), "expires_at": opened.expires_at, "file": str(output)}
    show(told, f"Case {opened.case}\nIts code is in {output}; good until {opened.expires_at:%Y-%m-%d}", as_json=json)


@app.command("list")
def list_cases(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """The cases of your organization, if you are an administrator; else those of your own account."""
    with unlock(home, passphrase_file) as client:
        rows = [_row(client, case) for case in client.recovery_cases.list()]
    show_rows(rows, empty="No recovery cases.", as_json=json)


@app.command()
def attest(
    case: CaseId,
    fingerprint: Annotated[str, typer.Option(help="The fingerprint that the person read to you.")],
    how: Annotated[Proof, typer.Option(help="How you recognised them; a message or a mail alone is none of these.")],
    account: Annotated[UUID | None, typer.Option(help="The person's account [default: show whose, and ask].")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Vouch for the keys that wait: you met the person, and compared the fingerprint with them."""
    with unlock(home, passphrase_file) as client:
        found = client.recovery_cases.attest(case, fingerprint, how, account or _asked_whose(client, case))
    value = {"case": str(found.case), "state": found.state, "effective_from": found.effective_from}
    show(value, _attested(found), as_json=json)


def _asked_whose(client: Client, case: UUID) -> UUID:
    """The account of the case, once its name was confirmed: the number of a case is the directory's to give."""
    if not sys.stdin.isatty():
        raise RecoveryCaseError("there is no terminal to ask on for whom you vouch", "Say whose keys: --account ID")
    who = client.recovery_cases.whose(case)
    if not typer.confirm(f"You vouch for {who.name}, {who.organization.name}, account {who.id}. Is that so?", err=True):
        raise typer.Abort
    return who.id


@app.command()
def refuse(case: CaseId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Stop a case: as an administrator, or as the owner of the account from any device in force."""
    with unlock(home, passphrase_file) as client:
        found = client.recovery_cases.refuse(case)
    show({"case": str(found.case), "state": found.state}, "Refused. Nothing comes of it any more.", as_json=json)


def recover_case(
    code: Annotated[
        Path | None, typer.Option(help="File with the code; - for standard input [default: ask, the first time].")
    ] = None,
    no_browser: NoBrowser = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """All is lost, the recovery code too: go on with the case that your administrator opened, step by step."""
    chosen = profile(home)
    if chosen.enrolled:
        raise AlreadyEnrolledError(chosen.home)
    first = not chosen.keyring.exists()
    text = _code(code, first=first)
    given = passphrase(passphrase_file, new=first)
    with browsing(no_browser):
        progress = Client.recover_case(chosen, text, given)
    value = {"practitioner": str(progress.account), "state": progress.state, "fingerprint": progress.fingerprint}
    show(value | {"effective_from": progress.effective_from}, _told(progress), as_json=json)
    if progress.state == "completed":
        note("Make a new recovery code, and print it: concord recovery code --kit FILE.pdf")


def _code(path: Path | None, *, first: bool) -> str | None:
    """The code's line; None to go on with the one of an earlier run."""
    if path is None and not first:
        return None
    if path is None and sys.stdin.isatty():
        return Prompt.ask("Code", password=True)
    if path is None:
        raise CaseCodeError("the code is needed, and there is no terminal to ask on", "Give its file: --code FILE")
    if str(path) == "-":
        return sys.stdin.read(MAX_CODE_CHARACTERS)
    with path.open(encoding="utf-8", errors="replace") as source:
        return source.read(MAX_CODE_CHARACTERS)


def _told(progress: CaseProgress) -> str:
    since = f"{progress.effective_from:%Y-%m-%d %H:%M %Z}" if progress.effective_from else "later"
    lines = {
        "entered": "Your new keys wait. Read this fingerprint to two administrators of your organization: in person, "
        "by video, or where they know your voice.",
        "attested": "One administrator has vouched for your new keys. A second one compares the fingerprint.",
        "announced": f"Two administrators have vouched. Your keys take effect from {since}; then repeat this command.",
        "revoking": "Your keys are in force; your old devices are being stopped. Repeat this command in a minute.",
        "completed": "Your account works again, on this device. Letters that were sealed to lost keys stay sealed; "
        "their senders can send them again: concord send-again",
    }
    return f"{lines.get(progress.state, progress.state)}\n  fingerprint  {progress.fingerprint}"


def _attested(case: RecoveryCase) -> str:
    if case.state != "announced" or case.effective_from is None:
        return "Attested. It takes a second administrator of your organization."
    return f"Attested by two. It stands in the key log, and takes effect from {case.effective_from:%Y-%m-%d %H:%M %Z}."


def _row(client: Client, case: RecoveryCase) -> dict[str, Any]:
    since = case.effective_from
    return {
        "id": str(case.case),
        "account": str(case.account),
        "name": client.colleagues.name(case.account),
        "state": case.ending or case.state,
        "attestations": len(case.attestations),
        "effective_from": f"{since:%Y-%m-%d %H:%M}" if since else None,
    }


__all__ = ["register"]
