"""An administrator vouches for somebody's new keys: after comparing, and for what was compared alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from concord import errors
from concord.api.recovery_cases import RecoveryCase, Signed
from concord.own_keys import OwnKeys
from concord.recovery_cases.administrators import RecoveryCases
from concord_formats.attestations import Proof, SignedAttestation, read_attestation
from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import to_base64url

from tests.unit.client.lost import recovered, word
from tests.unit.client.people import Clinician

CASE = uuid4()


class Directory:
    """One case, what was attested in it, and everybody's checked history."""

    def __init__(self, me: UUID, *people: Clinician) -> None:
        self.me = me
        self.people = {person.id: person for person in people}
        self.waiting: SignedEntry | None = None
        self.account = people[0].id
        self.attested: list[SignedAttestation] = []

    def cases(self) -> list[RecoveryCase]:
        """See `RecoveryCasesApi`."""
        signed = self.waiting
        return [
            RecoveryCase(
                case=CASE,
                account=self.account,
                state="entered",
                expires_at=datetime.now(UTC),
                entry=signed and to_base64url(signed.entry),
                signature=signed and to_base64url(signed.signature),
                attestations=tuple(
                    Signed(line=to_base64url(each.line), signature=to_base64url(each.signature))
                    for each in self.attested
                ),
            )
        ]

    def attest(self, case: UUID, signed: SignedAttestation) -> RecoveryCase:
        """See `RecoveryCasesApi`."""
        assert case == CASE
        self.attested.append(signed)
        return self.cases()[0]

    def history(self, practitioner: UUID, *, fresh: bool) -> Sequence[SignedEntry]:
        """See `Colleagues`."""
        assert fresh, "an old history may lack the entry that overtook the case"
        return self.people[practitioner].history


@pytest.fixture
def directory(ana: Clinician, noor: Clinician, eve: Clinician) -> Directory:
    """Ana lost her keys; noor is the administrator who looks."""
    return Directory(noor.id, ana, noor, eve)


@pytest.fixture
def cases(directory: Directory, noor: Clinician) -> RecoveryCases:
    return RecoveryCases(cast(Any, directory), cast(Any, directory), OwnKeys(noor.keyring))


def fingerprint(person: Clinician) -> str:
    return person.keyring.identity_key().public().fingerprint()


def test_the_word_is_about_the_entry_whose_fingerprint_was_compared(
    cases: RecoveryCases, directory: Directory, ana: Clinician, noor: Clinician
) -> None:
    new = recovered(ana)
    directory.waiting = new.history[-1]
    cases.attest(CASE, fingerprint(new).replace(" ", "\n"), Proof.IN_PERSON)
    [signed] = directory.attested
    said = read_attestation(signed, noor.keyring.signing_key().public())
    assert (said.account, said.entry, said.attestor) == (ana.id, new.history[-1].digest, noor.id)
    assert (said.device, said.how) == (noor.keyring.device, Proof.IN_PERSON)
    cases.attest(CASE, fingerprint(new), Proof.IN_PERSON)
    assert directory.attested == [signed], "the answer got lost: it was done before"


def test_another_administrators_word_does_not_stand_for_ones_own(
    cases: RecoveryCases, directory: Directory, ana: Clinician, eve: Clinician
) -> None:
    new = recovered(ana)
    directory.waiting = new.history[-1]
    directory.attested.append(word(eve, new.history[-1], ana.id))
    cases.attest(CASE, fingerprint(new), Proof.VIDEO)
    assert len(directory.attested) == 2


def test_another_fingerprint_attests_to_nothing(cases: RecoveryCases, directory: Directory, ana: Clinician) -> None:
    """The directory shows other keys than those that the person reads from their own screen."""
    directory.waiting = recovered(ana).history[-1]
    with pytest.raises(errors.FingerprintMismatchError):
        cases.attest(CASE, fingerprint(recovered(ana)), Proof.VIDEO)
    assert directory.attested == []


def test_an_entry_that_does_not_go_on_from_the_accounts_keys_is_not_attested_to(
    cases: RecoveryCases, directory: Directory, ana: Clinician, eve: Clinician
) -> None:
    behind = recovered(ana)
    ana.rotate()
    rotated = ana.history.pop()
    for person, entry in ((behind, behind.history[-1]), (recovered(eve), recovered(eve).history[-1]), (ana, rotated)):
        if person is behind:
            ana.history.append(rotated)
        directory.waiting = entry
        with pytest.raises(errors.CaseHistoryError):
            cases.attest(CASE, fingerprint(person), Proof.VIDEO)
        del ana.history[1:]
    assert directory.attested == []


def test_there_is_nothing_to_attest_to_before_the_person_came(cases: RecoveryCases) -> None:
    with pytest.raises(errors.NothingToAttestError):
        cases.attest(CASE, "0" * 60, Proof.VIDEO)
    with pytest.raises(errors.RecoveryCaseError):
        cases.attest(uuid4(), "0" * 60, Proof.VIDEO)
