"""The stage of the demo: the embedded services as a process of their own, and the people with their folders.

Owns starting, stopping and the operator's two commands. Refuses shortcuts: everything goes over HTTP on
127.0.0.1, as from another terminal.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx
from concord.client import Client
from concord.profile import Profile

from .lie import SwappedKey

START_SECONDS = 60.0
# A demo's people; on a real device everyone chooses their own passphrase.
PASSPHRASE = "correct horse battery staple"  # noqa: S105


class Stage:
    """The services, running in `folder`; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "server"
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._people: list[Client] = []

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = ["local", "--data", str(self.data), "--port", str(self.port)]
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "services", *arguments], stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            if time.monotonic() > end or self._process.poll() is not None:
                raise SystemExit(f"error: the services did not start\nhint: see {self.folder / 'server.log'}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for person in self._people:
            person.close()
        self._process.terminate()
        self._process.wait(timeout=20)

    def organization(self, name: str) -> tuple[str, Client]:
        """Add an organization, as its operator does, and enrol its first administrator:

        its id, and the administrator.
        """
        organization = self._operator("add-organization", name)["organization"]
        options = ("--organization", organization, "--name", f"Office of {name}", "--checked", "known-in-person")
        code = self._operator("invite-administrator", *options)["code"]
        return organization, self.enrol(f"office-{organization[:4]}", code)

    def enrol(self, folder: str, invitation: str) -> Client:
        """Enrol a person with an invitation."""
        person = Client.enrol(Profile(self.folder / folder), invitation, PASSPHRASE)
        self._people.append(person)
        return person

    def lied_to(self, person: Client, victim: UUID) -> Client:
        """The same person on the same device, whom the directory lies to about the keys of `victim`."""
        twin = Client.unlock(Profile(person.profile.home), PASSPHRASE, transport=SwappedKey(victim))
        self._people.append(twin)
        return twin

    def _operator(self, *arguments: str) -> dict[str, str]:
        line = [sys.executable, "-m", "services", "directory", *arguments, "--data", str(self.data), "--json"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        told: dict[str, str] = json.loads(done.stdout)
        return told

    def _ready(self) -> bool:
        try:
            services = ("directory", "consent", "messaging")
            return all(httpx.get(f"{self.base_url}/{name}/readyz").status_code == 200 for name in services)
        except httpx.TransportError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
