"""What can go wrong with a recovery case: the way back of somebody who has lost every key.

Owns these errors. Refuses to repeat a case's code or secret.
"""

from __future__ import annotations

from .base import ConcordError


class RecoveryCaseError(ConcordError):
    """A recovery case cannot go on as asked."""

    hint_by_default = "See what there is: concord admin recovery list"


class CaseCodeError(RecoveryCaseError):
    """The text is no code of a recovery case, or the directory does not accept it any more."""

    hint_by_default = "Copy the whole line that your administrator gave you, or ask for a new one."


class CaseRefusedError(RecoveryCaseError):
    """The case was refused, or the account's keys were changed meanwhile: nothing comes of it any more."""

    hint_by_default = "If you still have no device, ask an administrator to open another case."


class CaseHistoryError(RecoveryCaseError):
    """The key history that the directory gave, or the entry that waits, is not one to go on from."""

    hint_by_default = "Tell the operator of the directory, and attest to nothing."


class NothingToAttestError(RecoveryCaseError):
    """No new keys wait in the case."""

    hint_by_default = "The person uses the code first: concord recover-case"


__all__ = ["CaseCodeError", "CaseHistoryError", "CaseRefusedError", "NothingToAttestError", "RecoveryCaseError"]
