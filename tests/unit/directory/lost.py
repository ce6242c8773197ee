"""Somebody who has lost everything, for tests: a case, new keys, and the administrators who vouch.

Owns the steps of a recovery as its people make them over HTTP. Refuses checks: those are the tests'.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from concord_formats.attestations import Attestation, Proof, SignedAttestation
from concord_formats.key_entries import EntryKind, KeyEntry, SignedEntry
from concord_formats.key_log import Binding, read_binding
from concord_formats.signatures import SignedKind, from_base64url, to_base64url
from sqlalchemy import select

from services.chassis.db import Database
from services.directory import models
from services.directory.recovery import recovery_standing
from tests.unit.directory.account import Account, TestDevice, body_of, recipient
from tests.unit.directory.house import House, Person

# As the house has it.
DELAY_HOURS = 1
TICK_SECONDS = 600


def on_a_copy(migrated: Path, folder: Path) -> Iterator[House]:
    """A house for a whole module, whose tests each have an organization of their own: to make an app takes longer than
    what most of them do with it.
    """
    shutil.copyfile(migrated, folder / "directory.db")
    database = Database(f"sqlite:///{folder}/directory.db")
    yield House(database)
    database.dispose()


def anew(person: Person, **changed: Any) -> tuple[Account, TestDevice]:
    """New keys for an account, whose last entry waits to be posted."""
    device = TestDevice()
    account = Account(person.id, entries=list(person.account.entries))
    last = KeyEntry.model_validate_json(account.entries[-1].entry)
    new = {
        "identity": account.identity.public,
        "encryption": recipient(),
        "encryption_version": last.encryption_version + 1,
        "devices": (device.public,),
    }
    account.next_entry(EntryKind.RECOVERED, **(new | changed))
    return account, device


def attestation(by: Person, signed: SignedEntry, at: datetime | None = None, **changed: Any) -> SignedAttestation:
    """An administrator's word for an entry, some members changed, signed by their device."""
    said = Attestation(
        v=1,
        account=KeyEntry.model_validate_json(signed.entry).account,
        entry=signed.digest,
        attestor=by.id,
        device=by.device.id,
        how=Proof.IN_PERSON,
        at=at or by.house.clock.now(),
    )
    line = said.model_copy(update=changed).encode()
    return SignedAttestation(line, by.device.signing.sign(SignedKind.ATTESTATION, line))


@dataclass
class Case:
    """An open case of `person`, by its code; `account` and `device` are the new keys."""

    house: House
    person: Person
    id: str
    secret: str
    account: Account
    device: TestDevice

    @classmethod
    def open(cls, by: Person, person: Person) -> Case:
        """Opened by an administrator."""
        answer = by.request("POST", "/v1/recovery-cases", json={"practitioner": str(person.id)})
        assert answer.status_code == 201, answer.data
        code = read_case_code(answer.get_json()["code"])
        return cls(by.house, person, code["case"], code["secret"], *anew(person))

    @property
    def signed(self) -> SignedEntry:
        """The entry that waits."""
        return self.account.entries[-1]

    def by_code(self, what: str, secret: str | None = None, **more: str) -> Any:
        """What the person asks without a device."""
        body = {"secret": secret or self.secret} | more
        return self.house.client.post(f"/v1/recovery-cases/{self.id}/{what}", json=body)

    def enter(self, signed: SignedEntry | None = None) -> Any:
        """Post new keys."""
        return self.by_code("entry", **body_of(signed or self.signed))

    def attest(self, by: Person, signed: SignedAttestation | None = None, **changed: Any) -> Any:
        """An administrator vouches."""
        said = signed or attestation(by, self.signed, **changed)
        body = {"line": to_base64url(said.line), "signature": to_base64url(said.signature)}
        return by.request("POST", f"/v1/recovery-cases/{self.id}/attestations", json=body)

    def refuse(self, by: Person) -> Any:
        """Somebody objects."""
        return by.request("DELETE", f"/v1/recovery-cases/{self.id}")

    def announced(self, *by: Person) -> Case:
        """Entered, and attested by two."""
        assert self.enter().status_code == 200
        for each in by:
            assert self.attest(each).status_code == 200
        return self

    def complete(self) -> Any:
        """The person asks for the end."""
        return self.by_code("completion")

    def recovered(self) -> Person:
        """The person at their new device."""
        return Person(self.house, self.account, self.device, self.person.organization)


def read_case_code(code: str) -> dict[str, str]:
    """What the line holds."""
    members: dict[str, str] = json.loads(from_base64url(code.removeprefix("concord-recovery:")))
    return members


def wait(house: House, hours: float = DELAY_HOURS) -> None:
    """Let time pass while the worker counts."""
    for _ in range(int(hours * 3600 / TICK_SECONDS)):
        house.clock.pass_(TICK_SECONDS)
        recovery_standing.count_all(house.deps)


def bindings(house: House, person: Person) -> list[Binding]:
    """What the key log says of an account."""
    leaves = select(models.KeyLeafRow.data).order_by(models.KeyLeafRow.place)
    with house.database.transaction() as session:
        read = [read_binding(data) for data in session.scalars(leaves)]
    return [each for each in read if each.account == person.id]


def steps(house: House, person: Person) -> list[str]:
    """The kinds of those, in order."""
    return [each.kind.value for each in bindings(house, person)]
