"""The application object and its one place for errors.

Owns which groups of commands there are and what happens when one fails. Refuses tracebacks for anything that a user
can cause.
"""

from __future__ import annotations

import sys

import typer

from ..age import AgeError
from ..errors import ConcordError
from . import (
    account,
    account_of_disclosures,
    admin,
    consent_draft,
    consent_fhir,
    directory,
    emergency,
    explain,
    letters,
    patient_code,
    restriction,
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
app.add_typer(patient_code.app, name="patient")  # the commands of `patient`, and those for a code
explain.register(consent_draft.app)
consent_fhir.register(consent_draft.app)
app.add_typer(consent_draft.app, name="consent")  # the commands of `consent`, and those that make one
app.add_typer(restriction.app, name="restriction")
app.add_typer(account_of_disclosures.app, name="account")
letters.register(app)
app.add_typer(emergency.app, name="emergency")
app.command()(emergency.notices)
app.add_typer(admin.app, name="admin")


def main() -> None:
    """Run the command line; exit status 0 when it did what was asked, 1 when it could not, 2 for a wrong command."""
    as_json = "--json" in sys.argv
    try:
        app()
    except ConcordError as error:
        fail(error.message, error.hint, as_json=as_json, **error.members)
        sys.exit(1)
    except AgeError as error:
        fail(str(error), "Is this the right file, and did all of it arrive?", as_json=as_json)
        sys.exit(1)
    except OSError as error:
        fail(f"{error.filename or 'file'}: {error.strerror}", "Check the path, and who may use it.", as_json=as_json)
        sys.exit(1)
