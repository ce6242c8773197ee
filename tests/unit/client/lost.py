"""Somebody who has lost every key, the administrators who vouch for the new ones, and what the log says of them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from concord.age import HybridIdentity
from concord.errors import UnloggedKeyError
from concord.keyring import Keyring
from concord.seeds import DeviceSeeds
from concord.signing import HybridSigningKey, recovered_entry
from concord_formats.attestations import Attestation, Proof, SignedAttestation
from concord_formats.key_entries import EntryKind, SignedEntry, read_entries
from concord_formats.key_log import Binding, BindingKind
from concord_formats.signatures import SignedKind

from tests.unit.client.people import Clinician

RIVERSIDE = UUID("0a000000-0000-4000-8000-000000000001")
HARBOR = UUID("0a000000-0000-4000-8000-000000000002")
_NAMED = {EntryKind.ENROLLED, EntryKind.RECOVERED}


def recovered(person: Clinician, at: datetime | None = None) -> Clinician:
    """The person with new keys, whose entry goes on from the old history; `at` another moment than now."""
    identity, encryption, device = HybridSigningKey.generate(), HybridIdentity.generate(), DeviceSeeds.create()
    entry = recovered_entry(identity, person.history[-1], str(encryption.recipient()), device.public(), at=at)
    keyring = Keyring.of(device, person.id, identity.seed, (encryption.seed,), entry)
    return Clinician(keyring, [*person.history, entry])


def word(by: Clinician, signed: SignedEntry, account: UUID, **changed: Any) -> SignedAttestation:
    """An administrator's word for an entry, some members changed, signed by their device."""
    said = Attestation(
        v=1,
        account=account,
        entry=signed.digest,
        attestor=by.id,
        device=by.keyring.device,
        how=Proof.VIDEO,
        at=datetime.now(UTC),
    )
    line = said.model_copy(update=changed).encode()
    return SignedAttestation(line, by.keyring.signing_key().sign(SignedKind.ATTESTATION, line))


@dataclass
class FakeBindings:
    """What stands in the log: `roles` and `places` say who somebody is; a `Binding` may be put in another's place."""

    lines: dict[tuple[UUID, int], Binding] = field(default_factory=dict)

    def binding(self, account: UUID, n: int) -> Binding:
        """See `concord.recovery_cases.attested.Bindings`."""
        try:
            return self.lines[account, n]
        except KeyError:
            raise UnloggedKeyError(f"entry {n} of the keys of {account} stands nowhere in the log") from None

    def log(
        self,
        person: Clinician,
        role: str = "practitioner",
        organization: UUID = RIVERSIDE,
        attestations: tuple[SignedAttestation, ...] = (),
    ) -> None:
        """Log a person's whole history, as the directory would."""
        for entry, signed in zip(read_entries(person.history), person.history, strict=True):
            who = {"name": "Somebody", "organization": organization, "role": role} if entry.kind in _NAMED else {}
            if entry.kind is EntryKind.RECOVERED:
                # A leaf names two, also where only one can be shown.
                who["attestations"] = (*(each.digest for each in attestations), "0" * 64, "1" * 64)[:2]
            self.lines[person.id, entry.n] = Binding(
                v=1,
                account=person.id,
                n=entry.n,
                kind=BindingKind(entry.kind),
                entry=signed.digest,
                at=datetime.now(UTC),
                **who,
            )

    def change(self, person: Clinician, n: int, **changed: Any) -> None:
        """The log says something else of one entry."""
        self.lines[person.id, n] = self.lines[person.id, n].model_copy(update=changed)
