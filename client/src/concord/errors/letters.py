"""What can be wrong with a letter.

Owns the errors of sealing, opening and receipts. Refuses to say more of a letter than which check failed.
"""

from __future__ import annotations

from .base import ConcordError


class LetterError(ConcordError):
    """A letter is not what it claims to be. Nothing of its document was written."""

    hint_by_default = "Do not rely on this letter. Ask its sender, by telephone, to send it again."


class MalformedLetterError(LetterError):
    """The letter's framing, address, statement or signature line cannot be read."""


class TamperedLetterError(LetterError):
    """The sealed bytes were changed, cut short or extended on the way."""


class NotARecipientError(LetterError):
    """None of the reader's keys opens the letter."""

    hint_by_default = "It was sealed to somebody else, or to a key that you no longer hold. Ask its sender."


class ForwardedLetterError(NotARecipientError):
    """The letter opens, but its sender did not name the reader: somebody sealed it anew and passed it on."""

    hint_by_default = "Its sender did not write to you. Tell them that a letter of theirs was passed on."


class StatementMismatchError(LetterError):
    """The signed statement and the address that the letter came under differ in `field`."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the letter's address does not say what was signed: {field}", field=field)
        self.field = field


class UnknownSignerError(LetterError):
    """The letter was not signed by a device of the person it names as its sender."""


class RevokedDeviceError(UnknownSignerError):
    """The device had been revoked when the letter was signed."""

    hint_by_default = "The device may be in other hands. Tell its owner, by telephone, what you received."


class SignatureMismatchError(LetterError):
    """One half or both of the hybrid signature do not verify."""


class BodyMismatchError(LetterError):
    """The document's size or digest is not what was signed."""


class DelegationError(LetterError):
    """The letter says that it is sent in somebody else's name, and what it brings along does not prove it."""

    hint_by_default = "Do not rely on this letter. Ask the colleague in whose name it came, by telephone."


class ReceiptError(LetterError):
    """A receipt does not prove that its recipient opened this letter."""

    hint_by_default = "Treat the letter as not yet opened, and ask its recipient."


class SealingError(LetterError):
    """A letter cannot be sealed as asked: the parts do not fit together."""

    hint_by_default = "Nothing was sent."
