"""What can be wrong with what this device keeps: keys, sealed files, pins.

Owns these errors. Refuses to name a passphrase, a key or a patient.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from .base import ConcordError


class KeyringError(ConcordError):
    """The keyring is missing, damaged, or in the way."""

    hint_by_default = "Restore the keyring file from a backup of this device, or enrol this device anew."


class WrongPassphraseError(KeyringError):
    """The passphrase does not open the keyring."""

    hint_by_default = "Try again; capital letters and the keyboard's language matter."

    def __init__(self) -> None:
        super().__init__("the passphrase does not open the keyring")


class PassphraseNeededError(KeyringError):
    """Nobody is there to be asked for the passphrase."""

    def __init__(self) -> None:
        super().__init__(
            "a passphrase is needed, and there is no terminal to ask on",
            "Give --passphrase-file, or set CONCORD_PASSPHRASE_FILE to a file that only you can read.",
        )


class StoreError(ConcordError):
    """A sealed file of this device cannot be opened, or is not the one its name says."""

    hint_by_default = "It was changed by something other than Concord. Restore it from a backup of this device."


class AddressBookError(ConcordError):
    """An alias or token is taken, unknown or ill-formed."""

    hint_by_default = "See the aliases with: concord patient list"


class PinError(ConcordError):
    """A colleague's keys are not to be used."""

    hint_by_default = "Call your colleague, and compare fingerprints before you send anything."


class KeysChangedError(PinError):
    """A colleague's identity key is not the one that was pinned."""

    hint_by_default = "Call your colleague. If they enrolled anew, compare fingerprints, then: concord directory trust"


class RecoveredKeysError(KeysChangedError):
    """A colleague lost every key, and two administrators attested to the new ones (`at`, `attested_by`: their ids).

    `attested_by` is empty where that could not be looked at.
    """

    hint_by_default = (
        "Call your colleague, and compare fingerprints: concord directory trust. Who the administrators are: concord "
        "directory show ID"
    )

    def __init__(self, account: UUID, n: int, at: datetime, attested_by: tuple[UUID, ...] = ()) -> None:
        by = f", attested by the administrators {' and '.join(map(str, attested_by))}" if attested_by else ""
        message = f"every key of {account} was replaced by a recovery on {at:%Y-%m-%d at %H:%M %Z}{by}"
        super().__init__(message, account=account, n=n, at=at, attested_by=list(attested_by))
        self.account = account
        self.n = n
        self.at = at
        self.attested_by = attested_by


class UnattestedRecoveryError(KeysChangedError):
    """A colleague's identity key was replaced by a recovery that two administrators did not attest to."""

    hint_by_default = (
        "Send nothing. Call your colleague, and tell the directory's operator and your administrator. Keys that you "
        "compared with your colleague are accepted all the same: concord directory trust"
    )


class UncheckedIdentityError(PinError):
    """What the directory shows of a colleague's identity check was not signed by an administrator of theirs."""

    hint_by_default = "Send nothing. Call your colleague, and tell the directory's operator and your administrator."


class HistoryRewrittenError(PinError):
    """A colleague's key history was cut short or changed behind what was pinned."""

    hint_by_default = "Send nothing. Tell the directory's operator that a key history was rewritten."


class BadHistoryError(PinError):
    """A key history is malformed, wrongly signed, or another person's."""


class FingerprintMismatchError(PinError):
    """The fingerprint that was compared is not that of the keys at hand."""

    hint_by_default = "Do not trust these keys. Read the fingerprint aloud once more, group by group."
