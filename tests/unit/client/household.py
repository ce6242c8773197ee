"""Several devices of one clinician, and a directory of which the tests decide what it does wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
from concord.api import DirectoryApi
from concord.api.devices import DevicesApi
from concord.colleagues import Colleagues
from concord.devices.adding import Adding
from concord.devices.joining import join
from concord.devices.own_devices import Devices
from concord.devices.pairing import PairingCode
from concord.dpop import AuthenticationKey
from concord.keyring import Keyring
from concord.own_keys import KeyringFile, OwnKeys
from concord.profile import Profile, Settings
from concord.store import SealedStore
from concord.transport import Device, Transport
from concord_formats.key_entries import KeyEntry, SignedEntry, read_entries, read_entry
from concord_formats.signatures import from_base64url, to_base64url

ORIGIN = "https://concord.example"
PASSPHRASE = "four usual random words"  # of a test, not a secret
FAST = 2  # scrypt's cost in these tests


class FakeDirectory(httpx.BaseTransport):
    """The directory's routes about one account; `tamper` may change an answer, `cut` ends a connection."""

    def __init__(self, first: SignedEntry) -> None:
        self.history = [first]
        self.revoked: set[UUID] = set()
        self.transfers: dict[UUID, str] = {}
        self.pairings: dict[UUID, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.effective = True
        self.extra_devices: list[UUID] = []
        self.before: Callable[[str], object] = lambda asked: None
        self.after: Callable[[str], object] = lambda asked: None

    @property
    def entries(self) -> list[KeyEntry]:
        """The history, read."""
        return read_entries(self.history)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; `before` and `after` it something may happen."""
        request.read()
        path = request.url.path.removeprefix("/directory/v1")
        asked = f"{request.method} {re.sub('[0-9a-f]{8}-[0-9a-f-]{27}', 'ID', path)}"
        self.asked.append(asked)
        self.before(asked)
        response = self._answer(request, path, asked)
        self.after(asked)
        return response

    def _answer(self, request: httpx.Request, path: str, asked: str) -> httpx.Response:
        body = json.loads(request.content) if request.headers.get("Content-Type") == "application/json" else {}
        body |= dict(request.url.params)
        ids = [UUID(found) for found in re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", path)]
        if asked == "POST /token":
            return self._token(request)
        route = getattr(self, "_" + re.sub(r"[^a-z]+", "_", asked.lower()).strip("_"))
        made = route(ids[0] if ids else None, body, request.headers.get("Authorization", "DPoP ")[5:])
        return cast(httpx.Response, made)

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = dict(part.split("=", 1) for part in request.content.decode().split("&"))
        claims = form["client_assertion"].split(".")[1]
        device = json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"]
        if UUID(device) in self.revoked or not any(entry.device(UUID(device)) for entry in self.entries):
            return httpx.Response(400, json={"error": "invalid_client"})
        return httpx.Response(200, json={"access_token": device, "expires_in": 300})

    def _get_practitioners_id_keys(self, *_: Any) -> httpx.Response:
        texts = [{"entry": to_base64url(e.entry), "signature": to_base64url(e.signature)} for e in self.history]
        return httpx.Response(200, json={"entries": texts})

    def _post_practitioners_id_keys(self, _id: Any, body: dict[str, str], _device: str) -> httpx.Response:
        signed = SignedEntry(from_base64url(body["entry"]), from_base64url(body["signature"]))
        if signed != self.history[-1]:
            if read_entry(signed).previous != self.history[-1].digest:
                return problem(409, "key-entry-conflict")
            gone = {d.id for d in self.entries[-1].devices} - {d.id for d in read_entry(signed).devices}
            self.history.append(signed)
            self.revoked |= gone
            if gone:
                return self._stopped(202 if not self.effective else 201, "recorded")
        return httpx.Response(201, json={"entry": len(self.history), "status": "recorded", "effective_at": None})

    def _post_devices_id_revocation(self, id_: UUID, *_: Any) -> httpx.Response:
        self.revoked.add(id_)
        return self._stopped(202 if not self.effective else 200, "revoked")

    def _stopped(self, status: int, word: str) -> httpx.Response:
        at = datetime.now(UTC).isoformat() if self.effective else None
        return httpx.Response(status, json={"status": word, "effective_at": at})

    def _get_devices(self, *_: Any) -> httpx.Response:
        ids = dict.fromkeys(device.id for entry in self.entries for device in entry.devices)
        now = datetime.now(UTC).isoformat()
        listed = [
            {"id": str(id_), "status": "revoked" if id_ in self.revoked else "active", "added_at": now}
            for id_ in (*ids, *self.extra_devices)
        ]
        return httpx.Response(200, json={"devices": listed})

    def _post_pairings(self, _id: Any, body: dict[str, str], _device: str) -> httpx.Response:
        id_ = uuid4()
        self.pairings[id_] = {"verifier": body["verifier"], "state": "open", "request": None, "answer": None}
        until = datetime.now(UTC) + timedelta(minutes=10)
        return httpx.Response(201, json={"pairing": str(id_), "expires_at": until.isoformat()})

    def _get_pairings_id(self, id_: UUID, *_: Any) -> httpx.Response:
        found = self.pairings[id_]
        return httpx.Response(200, json={"state": found["state"], "request": found["request"]})

    def _delete_pairings_id(self, id_: UUID, *_: Any) -> httpx.Response:
        self.pairings.pop(id_, None)
        return httpx.Response(204)

    def _put_pairings_id_request(self, id_: UUID, body: dict[str, str], _device: str) -> httpx.Response:
        found = self.pairings.get(id_)
        if found is None or found["state"] == "expired":
            return problem(404, "not-found")
        if found["request"] not in (None, body["request"]):
            return problem(409, "pairing-taken")
        found.update(request=body["request"], state="answered" if found["answer"] else "requested")
        return httpx.Response(204)

    def _put_pairings_id_answer(self, id_: UUID, body: dict[str, str], _device: str) -> httpx.Response:
        found = self.pairings[id_]
        if found["state"] == "expired":
            return problem(409, "pairing-not-answerable")
        if found["answer"] not in (None, body["answer"]):
            return problem(409, "pairing-taken")
        found.update(answer=body["answer"], state="answered")
        return httpx.Response(204)

    def _post_pairings_id_answer(self, id_: UUID, *_: Any) -> httpx.Response:
        found = self.pairings.get(id_)
        if found is None or found["state"] == "expired":
            return problem(404, "not-found")
        return httpx.Response(200 if found["answer"] else 202, json={"answer": found["answer"]})

    def _put_devices_id_transfer(self, id_: UUID, body: dict[str, str], _device: str) -> httpx.Response:
        if id_ in self.revoked:
            return problem(404, "not-found")
        self.transfers[id_] = body["transfer"]
        return httpx.Response(204)

    def _get_devices_self_transfer(self, _id: Any, _body: Any, device: str) -> httpx.Response:
        return httpx.Response(200, json={"transfer": self.transfers.get(UUID(device)), "stored_at": None})

    def _delete_devices_self_transfer(self, _id: Any, body: dict[str, str], device: str) -> httpx.Response:
        waiting = from_base64url(self.transfers.get(UUID(device), ""))
        if body["digest"] == hashlib.sha256(waiting).hexdigest():
            self.transfers.pop(UUID(device))
        return httpx.Response(204)


def problem(status: int, type_: str) -> httpx.Response:
    """A refusal of the directory."""
    return httpx.Response(status, json={"type": f"urn:concord:problem:{type_}", "title": type_, "status": status})


def once(part: str) -> Callable[[str], None]:
    """The first request that has this in it finds the line cut."""
    left = [part]

    def cut(asked: str) -> None:
        if left and left[0] in asked:
            left.clear()
            raise httpx.ConnectError("cut")

    return cut


@dataclass
class _Seen:
    """What `Devices` asks of colleagues: one's own history."""

    directory: DirectoryApi
    me: UUID

    def history(self, practitioner: UUID, *, fresh: bool = False) -> Any:
        """The history as the directory has it."""
        assert fresh, "an old history is nothing to go on from"
        return self.directory.keys(practitioner)

    def publish(self, entry: SignedEntry) -> dict[str, Any]:
        """Append an entry."""
        return self.directory.append_keys(self.me, entry)


@dataclass
class Side:
    """One device, unlocked."""

    profile: Profile
    own: OwnKeys
    devices: Devices
    adding: Adding
    store: SealedStore

    @property
    def id(self) -> UUID:
        """Its id."""
        return self.own.keyring.device

    @property
    def saved(self) -> Keyring:
        """What its keyring's file holds."""
        return Keyring.load(self.profile.keyring, PASSPHRASE)


@dataclass
class Household:
    """One clinician: a directory, a folder for homes, the first device."""

    directory: FakeDirectory
    folder: Path
    first: Side = field(init=False)

    @classmethod
    def of(cls, keyring: Keyring, folder: Path) -> Household:
        """With one device, that of the keyring."""
        made = cls(FakeDirectory(keyring.first_entry), folder)
        profile = made.home()
        profile.create()
        keyring.save(profile.keyring, PASSPHRASE, work_factor=FAST)
        made.first = made.unlock(profile)
        return made

    def home(self) -> Profile:
        """A home folder that nobody has used."""
        return Profile(self.folder / str(uuid4()))

    def unlock(self, profile: Profile) -> Side:
        """A device, started."""
        file = KeyringFile(profile.keyring, PASSPHRASE)
        keyring = file.load()
        device = Device(keyring.device, AuthenticationKey(keyring.authentication_seed))
        transport = Transport(ORIGIN, device, transport=self.directory, wait=lambda _seconds: None)
        own, store = OwnKeys(keyring, file), SealedStore(profile.sealed, keyring.store_identity())
        seen = cast(Colleagues, _Seen(DirectoryApi(transport), keyring.account))
        devices = Devices(DevicesApi(transport), seen, own, store)
        own.renew = devices.catch_up
        return Side(profile, own, devices, Adding(devices, store, ORIGIN, wait=lambda _seconds: None), store)

    def add(self, by: Side | None = None, profile: Profile | None = None) -> Side:
        """Another device, added by `by`."""
        by = by or self.first
        code = by.adding.open().code
        return self.join(code, profile, answering=by)

    def join(
        self, code: PairingCode, profile: Profile | None = None, *, answering: Side | None = None, **more: Any
    ) -> Side:
        """The new device's side; the other one answers while it waits, and the new one tells the others then."""
        profile = profile or self.home()

        def wait(_seconds: float) -> None:
            assert answering, "nobody answers"
            answering.adding.answer(code, answering.adding.wait_for(code))

        file = KeyringFile(profile.keyring, more.pop("passphrase", PASSPHRASE), FAST)
        join(profile, code, file, check=_unchecked, transport=self.directory, wait=wait, **more)
        side = self.unlock(profile)
        side.devices.hand_over()
        return side


def _unchecked(_settings: Settings, _keyring: Keyring) -> None:
    """What pins and the key log say is tested where they are."""


def kinds(directory: FakeDirectory) -> Iterator[str]:
    """What happened to the keys."""
    return (str(entry.kind) for entry in directory.entries)
