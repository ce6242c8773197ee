"""The clinician's home folder: where the keyring, the letters and the settings lie.

Owns names of files and the settings that are no secret. Refuses keys and patients' names: the first are in the
keyring, the second in the sealed address book.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import platformdirs

from .errors import AlreadyEnrolledError, NotEnrolledError
from .private_files import locked


@dataclass(frozen=True)
class Settings:
    """What a signed-in start needs to know: the origin of the services, and who one is there."""

    base_url: str
    practitioner: UUID
    device: UUID


class Profile:
    """One person's folder on one device; created with mode 0700."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.keyring = home / "keyring.age"
        self.sealed = home / "sealed"
        self.letters = home / "letters"
        self.outgoing = home / "outgoing"
        self._settings = home / "settings.json"

    @classmethod
    def default(cls) -> Profile:
        """`CONCORD_HOME`, else the place that the operating system gives to an application's data."""
        given = os.environ.get("CONCORD_HOME")
        return cls(Path(given) if given else platformdirs.user_data_path("concord", appauthor=False))

    def create(self) -> None:
        """Make the folder, readable by its owner only."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.sealed, self.letters, self.outgoing):
            folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def beginning(self, *, begun: bool) -> Iterator[None]:
        """Set somebody up here while no other process does; `begun`: a keyring of an earlier run was there before.

        Two at once would leave the keyring of one beside the settings of the other. Raises `AlreadyEnrolledError` for
        whoever comes second.
        """
        self.create()
        with locked(self.keyring.with_suffix(".lock")):
            if self.enrolled or (self.keyring.exists() and not begun):
                raise AlreadyEnrolledError(self.home)
            yield

    @property
    def enrolled(self) -> bool:
        """Whether enrolment came to its end here."""
        return self._settings.exists()

    def load(self) -> Settings:
        """The settings. Raises `NotEnrolledError`."""
        try:
            members = json.loads(self._settings.read_text(encoding="utf-8"))
            return Settings(members["base_url"], UUID(members["practitioner"]), UUID(members["device"]))
        except FileNotFoundError:
            raise NotEnrolledError(self.home) from None

    def save(self, settings: Settings) -> None:
        """Write the settings; their presence says that the enrolment is complete."""
        members = {
            "base_url": settings.base_url,
            "practitioner": str(settings.practitioner),
            "device": str(settings.device),
        }
        temporary = self._settings.with_suffix(".new")
        temporary.write_text(json.dumps(members, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self._settings)
