"""An administrator vouches for somebody's new keys: after comparing, and for what was compared alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from concord import errors
from concord.api.recovery_cases import OpenedCase, RecoveryCase, Signed
from concord.own_keys import OwnKeys
from concord.recovery_cases.administrators import RecoveryCases
from concord.recovery_cases.code import CaseCode
from concord_formats.attestations import Proof, SignedAttestation, read_attestation
from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import to_base64url

from tests.unit.client.lost import recovered, word
from tests.unit.client.people import Clinician

CASE = uuid4()
URL = "https://concord.example"


class Directory:
    """One case, what was attested in it, and everybody's checked history."""

    def __init__(self, me: UUID, *people: Clinician) -> None:
        self.me = me
        self.people = {person.id: person for person in people}
        self.waiting: SignedEntry | None = None
        self.account = people[0].id
        self.attested: list[SignedAttestation] = []
        self.code = ""

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

    def open(self, practitioner: UUID) -> OpenedCase:
        """See `RecoveryCasesApi`."""
        assert practitioner
        return OpenedCase(case=CASE, code=self.code, expires_at=datetime.now(UTC))

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
    cases.attest(CASE, fingerprint(new).replace(" ", "\n"), Proof.IN_PERSON, directory.account)
    [signed] = directory.attested
    said = read_attestation(signed, noor.keyring.signing_key().public())
    assert (said.account, said.entry, said.attestor) == (ana.id, new.history[-1].digest, noor.id)
    assert (said.device, said.how) == (noor.keyring.device, Proof.IN_PERSON)
    cases.attest(CASE, fingerprint(new), Proof.IN_PERSON, directory.account)
    assert directory.attested == [signed], "the answer got lost: it was done before"


def test_another_administrators_word_does_not_stand_for_ones_own(
    cases: RecoveryCases, directory: Directory, ana: Clinician, eve: Clinician
) -> None:
    new = recovered(ana)
    directory.waiting = new.history[-1]
    directory.attested.append(word(eve, new.history[-1], ana.id))
    cases.attest(CASE, fingerprint(new), Proof.VIDEO, directory.account)
    assert len(directory.attested) == 2


def test_another_fingerprint_attests_to_nothing(cases: RecoveryCases, directory: Directory, ana: Clinician) -> None:
    """The directory shows other keys than those that the person reads from their own screen."""
    directory.waiting = recovered(ana).history[-1]
    with pytest.raises(errors.FingerprintMismatchError):
        cases.attest(CASE, fingerprint(recovered(ana)), Proof.VIDEO, directory.account)
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
            cases.attest(CASE, fingerprint(person), Proof.VIDEO, directory.account)
        del ana.history[1:]
    assert directory.attested == []


def test_there_is_nothing_to_attest_to_before_the_person_came(cases: RecoveryCases, directory: Directory) -> None:
    with pytest.raises(errors.NothingToAttestError):
        cases.attest(CASE, "0" * 60, Proof.VIDEO, directory.account)
    with pytest.raises(errors.RecoveryCaseError):
        cases.attest(uuid4(), "0" * 60, Proof.VIDEO, directory.account)


def test_a_case_of_somebody_else_is_not_attested_to(
    cases: RecoveryCases, directory: Directory, ana: Clinician, eve: Clinician
) -> None:
    """The directory had ana make keys for eve's account, and shows that case: ana's fingerprint would make her eve."""
    new = recovered(eve)
    directory.account, directory.waiting = eve.id, new.history[-1]
    with pytest.raises(errors.CaseHistoryError, match="another account"):
        cases.attest(CASE, fingerprint(new), Proof.VIDEO, ana.id)
    assert directory.attested == []


def test_a_code_of_another_account_is_given_to_nobody(
    cases: RecoveryCases, directory: Directory, ana: Clinician, eve: Clinician
) -> None:
    def code(practitioner: UUID, case: UUID = CASE) -> str:
        return "concord-recovery:" + to_base64url(json.dumps(CaseCode(URL, case, practitioner, "s").members()).encode())

    for given in (code(eve.id), code(ana.id, uuid4()), "concord-recovery:"):
        directory.code = given
        with pytest.raises(errors.CaseCodeError):
            cases.open(ana.id)
    directory.code = code(ana.id)
    assert cases.open(ana.id).code == directory.code
