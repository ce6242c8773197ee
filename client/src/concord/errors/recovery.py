"""What can go wrong with a recovery code, its printed kit and the backup that it opens.

Owns these errors. Refuses to repeat a code, not even a wrong one: one slip away from it lies the right one.
"""

from __future__ import annotations

from .base import ConcordError


class RecoveryError(ConcordError):
    """The recovery code, or what it should open, cannot be used."""

    hint_by_default = "Another device of yours can add this one: concord device add"


class RecoveryCodeError(RecoveryError):
    """The text is no recovery code, or no kit: a character is wrong, missing or too many. Nothing was asked."""

    hint_by_default = "Compare it with the sheet, group by group. O is read as 0, I and L as 1."


class RecoveryRefusedError(RecoveryError):
    """The directory knows no such account, or another code is in force for it."""

    hint_by_default = (
        "Check the account and the address on the sheet. Of several sheets, only the newest opens anything. "
        "Its owner is told of every wrong try."
    )


class TooManyGuessesError(RecoveryError):
    """Too many wrong codes were tried for this account, or from this network address."""

    hint_by_default = "Wait, then compare the code with the sheet before you try again."


class BackupError(RecoveryError):
    """The backup that the directory gave is not one to rely on."""

    hint_by_default = "Tell the operator of the directory. Another device of yours can add this one: concord device add"


class MalformedBackupError(BackupError):
    """It does not open with this code, was changed or cut short, or does not hold what it should."""


class ForeignBackupError(BackupError):
    """It opens, and is of another account or another identity key."""

    hint_by_default = (
        "The directory gave a backup that is not of this account. Tell its operator, and use nothing of it."
    )


class BackupRolledBackError(BackupError):
    """The directory gave an older backup: the account's keys have gone on since it was made."""

    hint_by_default = (
        "If the last backup may have failed, take it all the same with --accept-older, and then change the encryption "
        "key: concord device rotate-key. If not, tell the operator of the directory."
    )


class BackupTooLargeError(BackupError):
    """What an account takes along does not fit into a backup."""

    hint_by_default = (
        "Remove aliases of patients whom you no longer see: concord patient remove. Until then, the last backup stays."
    )


class RecoveryCodeChangedError(RecoveryError):
    """Another device made a new recovery code, of which this device has not heard; it stores none under the old."""

    hint_by_default = "On the other device: concord device sync, then again here. Or a new code: concord recovery code"


class UnseenRecoveryCodeError(RecoveryError):
    """A new code was made, and something stopped before it was shown: until it is asked for, the old sheet counts."""

    hint_by_default = (
        "If you have it, on paper or on your screen: concord recovery backup. If not, make another: concord recovery "
        "code. Until then, the sheet before counts."
    )


class NoRecoveryCodeError(RecoveryError):
    """The account has no recovery code yet, so that there is nothing to seal a backup to."""

    def __init__(self) -> None:
        super().__init__(
            "this account has no recovery code", "Make one, and print it: concord recovery code --kit FILE.pdf"
        )


__all__ = [
    "BackupError",
    "BackupRolledBackError",
    "BackupTooLargeError",
    "ForeignBackupError",
    "MalformedBackupError",
    "NoRecoveryCodeError",
    "RecoveryCodeChangedError",
    "RecoveryCodeError",
    "RecoveryError",
    "RecoveryRefusedError",
    "TooManyGuessesError",
    "UnseenRecoveryCodeError",
]
