"""From the command line to an unlocked client: where the home folder is and how the passphrase is given.

Owns the options that every command shares. Refuses a passphrase as an argument: argument lists are read by everyone
on a machine.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..client import Client
from ..errors import PassphraseNeededError
from ..profile import Profile
from .aftercare import after
from .key_log_remarks import tell_open, tell_reading
from .listing_remarks import tell_stale

Home = Annotated[
    Path | None,
    typer.Option("--home", help="The folder of keyring and letters [default: $CONCORD_HOME].", show_default=False),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help="Read the passphrase from a file [default: $CONCORD_PASSPHRASE_FILE, else ask]."
    ),
]


def profile(home: Path | None) -> Profile:
    """The profile named by `--home`, else the default one."""
    return Profile(home) if home else Profile.default()


@contextmanager
def unlock(home: Path | None, passphrase_file: Path | None) -> Iterator[Client]:
    """An unlocked client for one command. Says first that nobody is enrolled, before it asks for a passphrase.

    What follows a command that succeeded is done before the connections close.
    """
    chosen = profile(home)
    chosen.load()
    with Client.unlock(chosen, passphrase(passphrase_file)) as client:
        client.key_log.tell(tell_reading)
        try:
            yield client
            after(client)
            tell_stale(client)
        finally:
            tell_open(client)


def passphrase(path: Path | None, *, new: bool = False) -> str:
    """The passphrase: from the file, else asked for (twice when it is `new`)."""
    if path is None and (named := os.environ.get("CONCORD_PASSPHRASE_FILE")):
        path = Path(named)
    if path is not None:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    if not sys.stdin.isatty():
        raise PassphraseNeededError
    given = getpass.getpass("Passphrase: ")
    while new and getpass.getpass("Again: ") != given:
        given = getpass.getpass("They differ. Passphrase: ")
    return given
