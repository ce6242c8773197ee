"""A key log in memory, made of the formats alone, that can be made to lie; and a directory of people over it."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

from concord.api import Organization, Practitioner
from concord.api.key_log import KeyLogApi, LogKey
from concord.colleagues import Colleagues
from concord.errors import ServiceError
from concord.key_log import KeyLog
from concord.pins import Pins
from concord.profile import Profile
from concord.store import SealedStore
from concord_formats.cosignatures import cosign, with_signatures
from concord_formats.key_entries import SignedEntry, read_entry
from concord_formats.key_log import Binding, BindingKind, origin
from concord_formats.merkle import leaf_hash, root
from concord_formats.notes import Checkpoint, VerifierKey, sign_note
from concord_formats.succession import name_successor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.client.people import Clinician

BASE_URL = "https://concord.example"
ORIGIN = origin(BASE_URL)
RIVERSIDE = UUID("0a000000-0000-4000-8000-000000000001")
HARBOR = UUID("0a000000-0000-4000-8000-000000000002")


@dataclass
class FakeLog:
    """The log, and the routes that a client asks: `clock` is the log's own, `shown` how much of it is shown."""

    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    lines: list[bytes] = field(default_factory=list)
    clock: float | None = None
    shown: int | None = None
    succession: tuple[str, ...] = ()
    witnesses: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    base_url: str = BASE_URL
    name: str = ORIGIN

    def forked(self) -> FakeLog:
        """Another log under the same key, of which nobody of this one is told."""
        other = copy.copy(self)
        other.lines, other.asked = list(self.lines), Counter()
        return other

    def bind(self, binding: Binding) -> int:
        """Append a leaf; its place."""
        self.lines.append(binding.encode())
        return len(self.lines) - 1

    def note(self, size: int | None = None, *, at: float | None = None) -> str:
        """The checkpoint of a size, as it is signed now."""
        size = len(self.lines) if size is None else size
        text = Checkpoint(self.name, size, root([leaf_hash(line) for line in self.lines[:size]])).encode()
        now = int(at or self.clock or time.time())
        cosigners = {self.name: self.signing} | self.witnesses
        lines = [cosign(text, name, key, now) for name, key in cosigners.items()]
        return with_signatures(sign_note(text, self.name, self.signing), lines)

    def rotate_key(self, key: Ed25519PrivateKey | None = None) -> None:
        """Another key signs from now on, named by the one before."""
        successor = key or Ed25519PrivateKey.generate()
        self.succession = (*self.succession, name_successor(self.signing, self.name, successor))
        self.signing = successor

    @property
    def verifier(self) -> VerifierKey:
        """The key in force."""
        return VerifierKey.of(self.name, self.signing)

    def checkpoint(self) -> str:
        """As the route answers."""
        self.asked["checkpoint"] += 1
        return self.note(self.shown)

    def key(self) -> LogKey:
        """As the route answers."""
        self.asked["key"] += 1
        return LogKey(origin=self.name, key=self.verifier.encode(), succession=self.succession)

    def bundle(self, index: int, width: int) -> Sequence[bytes]:
        """As the route answers."""
        self.asked["bundle"] += 1
        found = self.lines[index * 256 : index * 256 + width]
        if len(found) < width:
            raise ServiceError(404, "not-found", "no such bundle")
        return found


@dataclass
class Registered:
    """Somebody in the directory: their keys, and who they are."""

    clinician: Clinician
    person: Practitioner


class FakeDirectory:
    """A directory of people; what it answers can be changed by a test."""

    def __init__(self) -> None:
        self.people: dict[UUID, Registered] = {}

    def keys(self, practitioner: UUID) -> Sequence[SignedEntry]:
        """Their history."""
        return list(self.people[practitioner].clinician.history)

    def practitioner(self, practitioner: UUID) -> Practitioner:
        """Who they are."""
        return self.people[practitioner].person

    def find(self, **query: object) -> Iterator[Practitioner]:
        """Everybody."""
        return (each.person for each in self.people.values())


class Town:
    """A directory, its log, and clients of both, each on a device of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = FakeLog()
        self.directory = FakeDirectory()
        self._stores: dict[UUID, Any] = {}

    def enrol(self, clinician: Clinician, name: str, *, npi: str | None = None, at: UUID = RIVERSIDE) -> Clinician:
        """Somebody enrols: in the directory and in its log."""
        organization = Organization(id=at, name="Riverside")
        person = Practitioner(
            id=clinician.id, role="practitioner", name=name, npi=npi, organization=organization, status="active"
        )
        self.directory.people[clinician.id] = Registered(clinician, person)
        self.log.bind(binding(clinician.history[0], name=name, npi=npi, organization=at, role="practitioner"))
        return clinician

    def rotate(self, clinician: Clinician) -> None:
        """Somebody takes a new encryption key, and it is logged."""
        clinician.rotate()
        self.log.bind(binding(clinician.history[-1]))

    def fill(self, count: int) -> None:
        """Strangers enrol; their bindings are made in bulk, and nobody has their keys."""
        for number in range(count):
            self.log.bind(stranger(f"Stranger {number}"))

    def key_log(self, me: Clinician, log: FakeLog | None = None, *, clock: Any = time.time, **kw: Any) -> KeyLog:
        """One's own view of the log; the second view of one person is that of the same device."""
        profile = Profile(self.folder / str(me.id))
        profile.create()
        return KeyLog(
            cast(KeyLogApi, log or self.log),
            SealedStore(profile.sealed, me.keyring.store_identity()),
            profile,
            me.id,
            clock=clock,
            **kw,
        )

    def colleagues(self, me: Clinician, log: FakeLog | None = None, directory: Any = None) -> Colleagues:
        """The directory's people, seen through one's own view of the log."""
        profile = Profile(self.folder / str(me.id))
        directory = directory or self.directory
        key_log = self.key_log(me, log)
        pins = Pins(SealedStore(profile.sealed, me.keyring.store_identity()))
        made = Colleagues(directory, pins, me.id, key_log)
        key_log._own_account._history = made.own_history
        return made


def binding(signed: SignedEntry, **named: Any) -> Binding:
    """The binding of an entry, as the directory logs it."""
    entry = read_entry(signed)
    now = datetime.now(UTC)
    kind = BindingKind(entry.kind.value)
    return Binding(v=1, account=entry.account, n=entry.n, kind=kind, entry=signed.digest, at=now, **named)


def stranger(name: str, **changed: Any) -> Binding:
    """Somebody's enrolment."""
    members: dict[str, Any] = {
        "v": 1,
        "account": uuid4(),
        "n": 1,
        "kind": BindingKind.ENROLLED,
        "entry": leaf_hash(name.encode()).hex(),
        "at": datetime.now(UTC),
        "name": name,
        "organization": HARBOR,
        "role": "practitioner",
    }
    return Binding(**(members | changed))
