"""An account with a recovery code, and a directory that keeps its backup, for the tests of the way back.

The directory is a fake that speaks HTTP as `spec/http.md` says, as far as these tests go; what it does when it is
hostile is set by hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from concord.api.recovery import RecoveryApi
from concord.dpop import AuthenticationKey
from concord.keyring import Keyring
from concord.pins import Pins
from concord.recovery import Kit, Upkeep, with_new_code
from concord.store import SealedStore
from concord.transport import Device, Transport
from concord_formats.key_entries import KeyEntryError, SignedEntry, read_history
from concord_formats.signatures import from_base64url, to_base64url

from tests.unit.client.people import Clinician

ORIGIN = "https://concord.example"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PASSPHRASE = "an entirely usual passphrase"
FAST = 4  # scrypt's cost in these tests

Answered = tuple[int, Any]


@dataclass
class Directory:
    """One account's history and backup. `before_each` is called with each path, and may raise or change things."""

    account: Clinician
    backup: bytes | None = None
    verifier: str = ""
    generation: int = 0
    failed: int = 0
    used_at: str | None = None
    refusing: tuple[int, str] | None = None
    asked: list[str] = field(default_factory=list)
    before_each: Callable[[str], None] = lambda path: None

    def transport(self) -> httpx.MockTransport:
        """The way to it."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/directory/v1")
        if path == "/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 600})
        self.asked.append(f"{request.method} {path}")
        self.before_each(f"{request.method} {path}")
        if self.refusing:
            return _problem(*self.refusing)
        body = json.loads(request.content) if request.content else {}
        routes: dict[str, Callable[[], Answered]] = {
            "PUT /backup": lambda: self._store(body),
            "GET /backup": self._stored,
            "DELETE /backup/failures": self._acknowledge,
            "POST /recoveries": lambda: self._fetch(body),
            "POST /recoveries/device": lambda: self._add(body),
        }
        status, answer = routes[f"{request.method} {path}"]()
        return _problem(status, answer) if status >= 400 else httpx.Response(status, json=answer)

    def _store(self, body: dict[str, Any]) -> Answered:
        if body["generation"] <= self.generation:
            return 409, "backup-older"
        self.backup, self.verifier = from_base64url(body["backup"]), body["verifier"]
        self.generation = body["generation"]
        return 200, {"generation": self.generation}

    def _stored(self) -> Answered:
        if self.backup is None:
            return 404, "not-found"
        last = NOW.isoformat() if self.failed else None
        return 200, {
            "generation": self.generation,
            "verifier": self.verifier,
            "stored_at": NOW.isoformat(),
            "failed": self.failed,
            "last_failed_at": last,
            "used_at": self.used_at,
        }

    def _acknowledge(self) -> Answered:
        self.failed = 0
        return 200, {}

    def _opens(self, body: dict[str, Any]) -> bool:
        digest = hashlib.sha256(from_base64url(body["credential"])).hexdigest()
        right = body["account"] == str(self.account.id) and digest == self.verifier
        self.failed += not right
        return right

    def _fetch(self, body: dict[str, Any]) -> Answered:
        if not self._opens(body):
            return 403, "recovery-refused"
        entries = [
            {"entry": to_base64url(e.entry), "signature": to_base64url(e.signature)} for e in self.account.history
        ]
        return 200, {"backup": to_base64url(self.backup or b""), "generation": self.generation, "entries": entries}

    def _add(self, body: dict[str, Any]) -> Answered:
        if not self._opens(body):
            return 403, "recovery-refused"
        entry = SignedEntry(from_base64url(body["entry"]), from_base64url(body["signature"]))
        try:
            read_history([*self.account.history, entry])
        except KeyEntryError:
            return 409, "key-entry-conflict"
        self.account.history.append(entry)
        return 201, {"entry": len(self.account.history)}


def _problem(status: int, name: str) -> httpx.Response:
    members = {"type": f"urn:concord:problem:{name}", "title": "Refused", "status": status, "detail": "It was refused."}
    if name == "recovery-refused":
        members["left"] = 7
    headers = {"Retry-After": "840"} if name == "too-many-guesses" else {}
    return httpx.Response(status, json=members, headers=headers)


class Owner:
    """A clinician with a code, a sealed store on a first device, and a directory that has a backup."""

    def __init__(self, clinician: Clinician, folder: Path) -> None:
        self.clinician = clinician
        clinician.keyring, self.code = with_new_code(clinician.keyring.completed())
        self.folder = folder
        self.store = SealedStore(folder / "sealed", clinician.keyring.store_identity())
        self.store.write("address-book", {"blue-heron": {"name": "Jaime Armendáriz", "token": "pt_" + "a" * 26}})
        self.see_own_keys()
        self.directory = Directory(clinician)
        self.now = 1_000_000.0
        self.upkeep = self.device()

    def see_own_keys(self) -> None:
        """Pin the account's own history, as any command does."""
        Pins(self.store).check(self.clinician.id, self.clinician.history)

    def device(self, keyring: Keyring | None = None, store: SealedStore | None = None) -> Upkeep:
        """The upkeep of one of the account's devices: the first, or the one of this keyring and store."""
        return Upkeep(
            self.api(keyring),
            store or self.store,
            lambda: keyring or self.clinician.keyring,
            lambda: self.clinician.entry,
            clock=lambda: self.now,
        )

    def api(self, keyring: Keyring | None = None) -> RecoveryApi:
        """Calls of a device that is signed in."""
        of = keyring or self.clinician.keyring
        device = Device(of.device, AuthenticationKey(of.authentication_seed))
        return RecoveryApi(Transport(ORIGIN, device, transport=self.directory.transport()))

    @property
    def kit(self) -> Kit:
        """What stands on the sheet."""
        return Kit(ORIGIN, self.clinician.id, self.code)
