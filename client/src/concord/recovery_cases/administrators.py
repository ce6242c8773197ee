"""Recovery cases, as administrators and an account's owner handle them: open, list, attest, refuse.

Owns what an administrator has to see before they vouch: that the entry which waits goes on from the account's checked
history, and that its fingerprint is the one the person read out. Refuses an attestation without that comparison, and to
show the fingerprint to who has to hear it. The person's own side is `concord.recovery_cases.person`.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from uuid import UUID

from concord_formats.attestations import Attestation, AttestationError, Proof, SignedAttestation, unverified_attestation
from concord_formats.key_entries import EntryKind, KeyEntry, KeyEntryError, SignedEntry, read_history
from concord_formats.signatures import HybridPublicKey, SignatureError, SignedKind

from ..api import Practitioner
from ..api.recovery_cases import OpenedCase, RecoveryCase, RecoveryCasesApi, Signed
from ..colleagues import Colleagues
from ..errors import CaseCodeError, CaseHistoryError, FingerprintMismatchError, NothingToAttestError, RecoveryCaseError
from ..own_keys import OwnKeys
from .code import read_case_code


class RecoveryCases:
    """The cases of one's organization, or of one's own account."""

    def __init__(self, api: RecoveryCasesApi, colleagues: Colleagues, own: OwnKeys) -> None:
        self.api = api
        self._colleagues = colleagues
        self._own_keys = own

    def open(self, practitioner: UUID) -> OpenedCase:
        """As an administrator: open a case for somebody who has lost every device. Its code is shown this once.

        A code of somebody else would have the person make keys for another account. Raises `CaseCodeError`.
        """
        opened = self.api.open(practitioner)
        code = read_case_code(opened.code)
        if (code.practitioner, code.case) != (practitioner, opened.case):
            raise CaseCodeError(
                "the directory gave the code of another case", "Give it to nobody, and tell its operator."
            )
        return opened

    def list(self) -> list[RecoveryCase]:
        """The cases that one may see, newest first."""
        return self.api.cases()

    def whose(self, case: UUID) -> Practitioner:
        """Whose keys a case replaces, by the name in the key log. Raises `RecoveryCaseError`, `KeyLogError`."""
        return self._colleagues.person(self._case(case).account)

    def attest(self, case: UUID, fingerprint: str, how: Proof, account: UUID) -> RecoveryCase:
        """As an administrator: vouch that the keys which wait are the person's, whose fingerprint they read out.

        `account` is that of the person: a directory could show somebody else's case under this number. Interrupted, it
        can be done again. Raises `NothingToAttestError`, `CaseHistoryError`,
        `FingerprintMismatchError`, `PinError`, `ServiceError`.
        """
        found = self._case(case)
        if found.account != account:
            raise CaseHistoryError("the case is of another account than the person's")
        if any(_attestor(each) == self._colleagues.me for each in found.attestations):
            return found  # done before; the answer got lost
        signed = _waiting(found)
        _compare(self._entry(found.account, signed), fingerprint)
        return self.api.attest(case, self._word(found.account, signed, how))

    def refuse(self, case: UUID) -> RecoveryCase:
        """Stop a case: as an administrator, or from any device of the account that is in force."""
        return self.api.refuse(case)

    def _case(self, case: UUID) -> RecoveryCase:
        found = next((each for each in self.api.cases() if each.case == case), None)
        if found is None:
            raise RecoveryCaseError("there is no such case, or it is not yours to see")
        return found

    def _entry(self, account: UUID, signed: SignedEntry) -> KeyEntry:
        """The entry that waits, after the account's history as it is pinned and logged."""
        history = self._colleagues.history(account, fresh=True)
        try:
            entry = read_history([*history, signed])
        except KeyEntryError as error:
            raise CaseHistoryError(f"the entry that waits does not follow the account's keys: {error}") from None
        if entry.kind is not EntryKind.RECOVERED:
            raise CaseHistoryError("the entry that waits is no recovery")
        return entry

    def _word(self, account: UUID, signed: SignedEntry, how: Proof) -> SignedAttestation:
        keyring = self._own_keys.keyring
        word = Attestation(
            v=1,
            account=account,
            entry=signed.digest,
            attestor=self._colleagues.me,
            device=keyring.device,
            how=how,
            at=datetime.now(UTC),
        )
        line = word.encode()
        return SignedAttestation(line, keyring.signing_key().sign(SignedKind.ATTESTATION, line))


def _attestor(given: Signed) -> UUID | None:
    try:
        return unverified_attestation(given.signed().line).attestor
    except (AttestationError, SignatureError):
        return None


def _waiting(case: RecoveryCase) -> SignedEntry:
    try:
        signed = case.waiting()
    except SignatureError:
        raise CaseHistoryError("the entry that waits cannot be read") from None
    if signed is None:
        raise NothingToAttestError("no new keys wait in this case yet")
    return signed


def _fingerprint(entry: KeyEntry) -> str:
    return HybridPublicKey.decode(entry.identity).fingerprint()


def _compare(entry: KeyEntry, fingerprint: str) -> None:
    given, own = "".join(fingerprint.split()), "".join(_fingerprint(entry).split())
    if not hmac.compare_digest(given.encode(), own.encode()):
        raise FingerprintMismatchError(
            "the compared fingerprint is not that of the keys that wait",
            "Attest to nothing. Read it aloud once more, group by group; if it stays so, refuse the case.",
        )


__all__ = ["RecoveryCases"]
