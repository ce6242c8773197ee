"""The application object and its one place for errors.

Owns which groups of commands there are and what happens when one fails. Refuses tracebacks for anything that a user
can cause.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from concord_formats.signatures import SignatureError
from pydantic import ValidationError

from ..age import AgeError
from ..api.shapes import Answer
from ..errors import ConcordError, ServiceError
from . import (
    account,
    account_of_disclosures,
    admin,
    consent_draft,
    consent_fhir,
    coverage,
    delegation,
    department,
    device,
    directory,
    emergency,
    explain,
    key_log,
    letters,
    letters_again,
    patient_code,
    recover,
    recovery,
    recovery_cases,
    restriction,
    team,
    witness,
)
from .output import fail

app = typer.Typer(
    name="concord",
    help="Sealed letters between treating professionals, only under the patient's consent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
account.register(app)
app.add_typer(directory.app, name="directory")
app.add_typer(device.app, name="device")
app.add_typer(patient_code.app, name="patient")  # the commands of `patient`, and those for a code
explain.register(consent_draft.app)
consent_fhir.register(consent_draft.app)
app.add_typer(consent_draft.app, name="consent")  # the commands of `consent`, and those that make one
app.add_typer(restriction.app, name="restriction")
app.add_typer(account_of_disclosures.app, name="account")
letters.register(app)
letters_again.register(app)
app.add_typer(team.app, name="team")
app.add_typer(department.app, name="department")
app.add_typer(delegation.app, name="delegation")
app.add_typer(coverage.app, name="coverage")
app.add_typer(emergency.app, name="emergency")
app.command()(emergency.notices)
app.add_typer(admin.app, name="admin")
app.add_typer(key_log.app, name="log")
recover.register(app)
app.add_typer(recovery.app, name="recovery")
recovery_cases.register(app, admin.app)
app.add_typer(witness.app, name="witness")


def _fail_usage(error: typer.TyperException, as_json: bool) -> NoReturn:
    """A wrong command is told like any other error; a group of commands without one shows what there is."""
    context = getattr(error, "ctx", None)
    if context is not None and not context.args and type(error).__name__ == "NoArgsIsHelpError":
        print(context.get_help())  # noqa: T201 - the help itself
        sys.exit(error.exit_code)
    hint = f"See {context.command_path} --help" if context is not None else "See concord --help"
    fail(error.format_message().rstrip("."), hint, as_json=as_json)
    sys.exit(error.exit_code)


def _hint(error: ConcordError) -> str:
    """The hint, and each element that the law asks for and that is missing, with its citation."""
    found = error.members.get("missing")
    elements = [each for each in found if isinstance(each, dict)] if isinstance(found, list | tuple) else []
    missing = (f"lacks {each.get('element')} ({each.get('citation')})" for each in elements)
    return "\n".join((error.hint, *missing))


def _of_another_form(error: ValidationError | SignatureError) -> tuple[str, str]:
    """Message and hint. What was answered may be in such an error: nothing of it is repeated."""
    ours = {each.__name__ for each in Answer.__subclasses__()}
    if isinstance(error, ValidationError) and error.title not in ours:  # what is about to be sent
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or error.title
        return f"{where}: {first['msg'].removeprefix('Value error, ')}", "Mend what is named, and try again."
    unreadable = ServiceError.unreadable()
    return unreadable.message, unreadable.hint


def main() -> None:
    """Run the command line; exit status 0 when it did what was asked, 1 when it could not, 2 for a wrong command."""
    as_json = "--json" in sys.argv
    try:
        sys.exit(app(standalone_mode=False))
    except typer.TyperException as error:
        _fail_usage(error, as_json)
    except typer.Abort:
        fail("stopped", "", as_json=as_json)
        sys.exit(130)
    except ConcordError as error:
        fail(error.message, _hint(error), as_json=as_json, **error.members)
        sys.exit(1)
    except (ValidationError, SignatureError) as error:
        fail(*_of_another_form(error), as_json=as_json)
        sys.exit(1)
    except AgeError as error:
        fail(str(error), "Is this the right file, and did all of it arrive?", as_json=as_json)
        sys.exit(1)
    except OSError as error:
        fail(f"{error.filename or 'file'}: {error.strerror}", "Check the path, and who may use it.", as_json=as_json)
        sys.exit(1)
