"""The commands as a person types them: one person at one terminal, and the embedded services in another.

Owns starting the real programs and what every command must keep to: no traceback, ever; `error:` and `hint:` when it
fails; JSON that parses when asked for. Refuses a patient's name in an argument list.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from concord.keyring import Keyring
from concord.profile import Profile

from tests.deployment import START_SECONDS
from tests.journeys.warm import warm
from tests.journeys.world import GATE_DEADLINE_SECONDS
from tests.real import free_port

PROGRAMS = Path(sys.executable).parent
PASSPHRASE = "an entirely usual passphrase"
PATIENT = "Jaime Armendáriz"
# The first command of a person makes the keyring with the usual scrypt; the others need not pay for it each time.
QUICK_WORK_FACTOR = 10


class Services:
    """`concord-server local`, running; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "server"
        self.log = folder / "server.log"
        self.port = free_port()

    def __enter__(self) -> Services:
        line = [str(PROGRAMS / "concord-server"), "local", "--data", str(self.data), "--port", str(self.port)]
        with self.log.open("wb") as log:
            unhurried = os.environ | {"CONCORD_GATE_DEADLINE_SECONDS": str(GATE_DEADLINE_SECONDS)}
            self._process = subprocess.Popen(line, env=unhurried, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)

    def operator(self, *words: str) -> Any:
        """`concord-server directory …`, as JSON."""
        line = [str(PROGRAMS / "concord-server"), "directory", *words, "--data", str(self.data), "--json"]
        return json.loads(subprocess.run(line, capture_output=True, check=True).stdout)

    def rows(self, service: str, table: str) -> int:
        """How many rows a table of a service has."""
        with contextlib.closing(sqlite3.connect(self.data / f"{service}.sqlite", timeout=10)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours

    def _ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/messaging/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


class Terminal:
    """One person with a home folder and a file that holds their passphrase."""

    def __init__(self, folder: Path, name: str) -> None:
        self.home = folder / name
        self.folder = folder
        passphrase = folder / f"{name}.passphrase"
        passphrase.write_text(PASSPHRASE + "\n")
        passphrase.chmod(0o600)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CONCORD_HOME": str(self.home),
            "CONCORD_PASSPHRASE_FILE": str(passphrase),
        }

    def run(self, *words: str, typed: str | bytes = b"", status: int = 0, **environment: str) -> tuple[bytes, str]:
        """Type a command; what it printed on standard output and on standard error."""
        assert PATIENT not in " ".join(words)
        given = typed.encode() if isinstance(typed, str) else typed
        done = warm().run(words, given, self.environment | environment, self.folder)
        errors = done.stderr.decode()
        assert "Traceback" not in errors, errors
        assert done.returncode == status, errors
        return done.stdout, errors

    def says(self, *words: str, typed: str | bytes = b"") -> str:
        """What a command tells a person."""
        return self.run(*words, typed=typed)[0].decode()

    def json(self, *words: str, typed: str | bytes = b"") -> Any:
        """What a command tells a program."""
        return json.loads(self.run(*words, "--json", typed=typed)[0])

    def refused(self, *words: str, typed: str | bytes = b"", **environment: str) -> str:
        """What a command says that could not do its work."""
        output, errors = self.run(*words, typed=typed, status=1, **environment)
        assert output == b""
        first, *rest = errors.strip().splitlines()
        assert first.startswith("error: ")
        assert any(line.startswith("hint: ") for line in rest), errors
        return errors

    def enroll(self, code: str) -> Any:
        """Enrol from an invitation in a file."""
        invitation = self.folder / f"{self.home.name}.invitation"
        invitation.write_text(code + "\n")
        told = self.json("enroll", "--invitation", str(invitation))
        keyring = Profile(self.home).keyring
        Keyring.load(keyring, PASSPHRASE).save(keyring, PASSPHRASE, work_factor=QUICK_WORK_FACTOR)
        return told


def options(**named: Any) -> list[str]:
    """Options as they are typed: `signed_on="2026-01-01"` is `--signed-on 2026-01-01`."""
    words: list[str] = []
    for name, value in named.items():
        words += [f"--{name.replace('_', '-')}"] + ([str(value)] if value is not True else [])
    return words
