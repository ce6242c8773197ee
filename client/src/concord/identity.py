"""Whether a colleague's identity was checked: by an administrator of their organization, as they signed it.

Owns the verification of what the directory shows beside an account: the check says this very person, and was signed by
a device that its administrator had then. Refuses the directory's bare word for it, but of the operator's own check,
which nobody signs, and which is told as such. It cannot tell whether the administrator looked well. Specified in
`spec/keys.md`, "Identity checks".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol
from uuid import UUID

from concord_formats.identity_checks import (
    Checked,
    IdentityCheck,
    IdentityCheckError,
    SignedIdentityCheck,
    read_identity_check,
    unverified_identity_check,
    written,
)
from concord_formats.key_entries import KeyEntryError, SignedEntry, read_entries
from concord_formats.signatures import HybridPublicKey, SignatureError

from .api.directory import Practitioner, RecordedCheck
from .errors import ServiceError, UncheckedIdentityError, UnknownSignerError, UnloggedKeyError
from .letter.signer import find_signer
from .recovery_cases.attested import ADMINISTRATOR, SKEW, Bindings, logged_identity

# An invitation is good for so long after it was signed.
INVITED_FOR = timedelta(days=7)

WORDS = {
    Checked.IN_PERSON_PHOTO_ID: "in person with photo ID",
    Checked.VIDEO_PHOTO_ID: "by video with photo ID",
    Checked.KNOWN_IN_PERSON: "as somebody known in person",
    Checked.CREDENTIALING_FILE: "by their credentialing file",
}


@dataclass(frozen=True)
class KnownIdentity:
    """How and on which day an identity was checked; `attestor` is None for the operator's own word."""

    how: Checked
    checked_on: date
    attestor: UUID | None

    def words(self, by: str) -> str:
        """One line for a person; `by` is what to call who checked."""
        return f"Identity checked {WORDS[self.how]} on {self.checked_on:%Y-%m-%d} by {by}"


class Records(Protocol):
    """The directory, as far as a verification needs it."""

    def identity(self, practitioner: UUID) -> RecordedCheck:
        """What is recorded of somebody's identity check. Raises `ServiceError`."""


class Identities:
    """The identity checks of colleagues. `history_of` gives somebody's checked key history, and raises `PinError`."""

    def __init__(
        self, records: Records, bindings: Bindings, history_of: Callable[[UUID], Sequence[SignedEntry]]
    ) -> None:
        self._records = records
        self._bindings = bindings
        self._history_of = history_of

    def of(self, person: Practitioner) -> KnownIdentity | None:
        """How a person's identity was checked, verified; None for who was invited before that was recorded.

        `person` is as they stand in the key log. Raises `UncheckedIdentityError`; another `PinError` when the keys of
        whoever checked are not to be used, which says nothing against the person; `ServiceError`.
        """
        try:
            recorded = self._records.identity(person.id)
        except ServiceError as refused:
            if refused.type == "not-found":
                return None
            raise
        try:
            return self._verified(person, recorded)
        except (IdentityCheckError, KeyEntryError, SignatureError, UnknownSignerError, UnloggedKeyError) as error:
            message = f"the identity check of {person.id} does not verify: {error}"
            raise UncheckedIdentityError(message, account=person.id) from None

    def _verified(self, person: Practitioner, recorded: RecordedCheck) -> KnownIdentity:
        signed = recorded.signed()
        if signed is None:
            if person.role != ADMINISTRATOR:
                raise IdentityCheckError("nobody signed it, and the operator invites administrators alone")
            return KnownIdentity(recorded.how, recorded.checked_on, None)
        said = unverified_identity_check(signed.line)
        _check_person(person, said)
        self._check_time(person, said)
        self._check_attestor(said, signed)
        return KnownIdentity(said.how, said.checked_on, said.attestor)

    def _check_time(self, person: Practitioner, said: IdentityCheck) -> None:
        """It was signed for the invitation by which this account came in, and is not an earlier namesake's."""
        enrolled = self._bindings.binding(person.id, 1)
        if not said.at - SKEW <= enrolled.at <= said.at + INVITED_FOR + SKEW:
            raise IdentityCheckError("it was signed for another invitation: its time is not that of the enrolment")

    def _check_attestor(self, said: IdentityCheck, signed: SignedIdentityCheck) -> None:
        history = self._history_of(said.attestor)
        signer = find_signer(history, said.device, said.at)
        read_identity_check(signed, HybridPublicKey.decode(signer.signing_key))
        then = [entry for entry in read_entries(history) if entry.at <= said.at]
        who = logged_identity(self._bindings, then, history)
        if (who.account, who.role, who.organization) != (said.attestor, ADMINISTRATOR, said.organization):
            raise IdentityCheckError("whoever signed it was no administrator of the organization")


def _check_person(person: Practitioner, said: IdentityCheck) -> None:
    shown = (person.organization.id, person.role, written(person.name), person.npi)
    if (said.organization, said.role, said.name, said.npi) != shown:
        raise IdentityCheckError("it is about another person: organization, role, name or NPI differ")
    if said.attestor == person.id:
        raise IdentityCheckError("nobody checks themselves")


__all__ = ["WORDS", "Identities", "KnownIdentity"]
