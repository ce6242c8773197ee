"""What can go wrong for a clinician.

Owns the tree of errors; each has a `message` (what happened), a `hint` (what to do) and `members` (for a program):

    ConcordError
    ├── LetterError                a letter is not what it claims to be; nothing of it was written
    │   ├── MalformedLetterError       its framing, address, statement or signature line cannot be read
    │   ├── TamperedLetterError        its sealed bytes were changed, cut short or extended
    │   ├── NotARecipientError         none of one's keys opens it
    │   │   └── ForwardedLetterError       it opens, but its sender did not name the reader
    │   ├── StatementMismatchError     what was signed and the address it came under differ (`field`)
    │   ├── UnknownSignerError         it was not signed by a device of the sender
    │   │   └── RevokedDeviceError         the device had been revoked when it was signed
    │   ├── SignatureMismatchError     one half or both of the signature do not verify
    │   ├── BodyMismatchError          the document is not the one that was signed
    │   ├── ReceiptError               a receipt does not prove that this letter was opened
    │   └── SealingError               a letter cannot be sealed as asked
    ├── DocumentError              a document is not what it should be (`element` names the place)
    ├── KeyringError
    │   ├── WrongPassphraseError
    │   └── PassphraseNeededError
    ├── StoreError                 a sealed file of this device was changed or belongs elsewhere
    ├── AddressBookError           an alias or token is taken, unknown or ill-formed
    ├── PinError
    │   ├── KeysChangedError           a colleague's identity key is not the pinned one
    │   ├── HistoryRewrittenError      a colleague's key history does not go on from the pinned one
    │   ├── BadHistoryError            a key history is malformed or wrongly signed
    │   └── FingerprintMismatchError   the compared fingerprint is not that of these keys
    ├── ServiceError               a service refused (`type`, `status`)
    ├── UnreachableError           a service did not answer
    ├── EnrolmentError
    │   ├── InvitationError
    │   ├── NotEnrolledError
    │   └── AlreadyEnrolledError
    ├── NoRecipientError           a consent has nobody to send to
    ├── EvidenceError              the signed form of a consent cannot be relied on
    └── RevocationPendingError     a revocation is recorded, and not confirmed everywhere yet

Refuses content: no message holds a word of a letter, a patient's name, a passphrase or a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from .hints import HINTS

PROBLEM_PREFIX = "urn:concord:problem:"


class ConcordError(Exception):
    """Anything that a clinician can be told, with a hint of what to do about it."""

    hint_by_default = ""

    def __init__(self, message: str, hint: str | None = None, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.hint_by_default if hint is None else hint
        self.members = members


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


class ReceiptError(LetterError):
    """A receipt does not prove that its recipient opened this letter."""

    hint_by_default = "Treat the letter as not yet opened, and ask its recipient."


class SealingError(LetterError):
    """A letter cannot be sealed as asked: the parts do not fit together."""

    hint_by_default = "Nothing was sent."


class DocumentError(ConcordError):
    """A document is not what it should be; `element` is the path of the element that is wrong, without its value."""

    hint_by_default = "Export the document again from where it came, or send it as PDF."

    def __init__(self, message: str, element: str = "") -> None:
        super().__init__(f"{element}: {message}" if element else message, element=element)
        self.element = element


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


class HistoryRewrittenError(PinError):
    """A colleague's key history was cut short or changed behind what was pinned."""

    hint_by_default = "Send nothing. Tell the directory's operator that a key history was rewritten."


class BadHistoryError(PinError):
    """A key history is malformed, wrongly signed, or another person's."""


class FingerprintMismatchError(PinError):
    """The fingerprint that was compared is not that of the keys at hand."""

    hint_by_default = "Do not trust these keys. Read the fingerprint aloud once more, group by group."


class ServiceError(ConcordError):
    """A service refused. `type` is the problem's name (`consent-revoked`), `status` the HTTP status.

    `members` are the other members of the problem document (RFC 9457), such as `refusals`.
    """

    def __init__(
        self, status: int, type_: str, message: str, *, retry_after: str | None = None, **members: Any
    ) -> None:
        hint = f"Try again in {retry_after} seconds." if retry_after else HINTS.get(type_, "")
        super().__init__(message, hint, **{**members, "type": type_, "status": status})
        self.status = status
        self.type = type_
        self.retry_after = retry_after

    @classmethod
    def from_response(cls, status: int, members: Mapping[str, Any], headers: Mapping[str, str]) -> ServiceError:
        """Read a problem document, or whatever a proxy in between answered."""
        problem = dict(members)
        # RFC 6749 answers of the token endpoint name the error differently.
        type_ = str(problem.pop("type", problem.get("error", "about:blank"))).removeprefix(PROBLEM_PREFIX)
        title = problem.pop("title", None) or problem.get("error_description")
        message = str(problem.pop("detail", None) or title or f"the service answered {status}")
        rest = {name: value for name, value in problem.items() if name not in _RESERVED}
        return cls(status, type_, message, retry_after=headers.get("Retry-After"), **rest)

    @classmethod
    def not_enrolled(cls) -> ServiceError:
        """What a service would answer to somebody without a device."""
        return cls(401, "not-enrolled", "this needs an enrolled device")


_RESERVED = {"status", "type_", "message", "retry_after", "hint", "self"}


class UnreachableError(ConcordError):
    """A service did not answer."""

    def __init__(self, base_url: str, reason: str) -> None:
        super().__init__(
            f"{base_url} does not answer ({reason})",
            "Check the network and try again. A letter that was sealed is kept: concord resend",
            base_url=base_url,
        )


class EnrolmentError(ConcordError):
    """Something about the enrolment of this device."""


class InvitationError(EnrolmentError):
    """The text is no invitation that can be used."""

    hint_by_default = "Copy the whole line that your administrator gave you, or ask for a new one."


class NotEnrolledError(EnrolmentError):
    """Nobody is enrolled in this home folder."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"nobody is enrolled in {home}", "Enrol with your invitation: concord enroll")


class AlreadyEnrolledError(EnrolmentError):
    """Somebody is enrolled in this home folder already."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"somebody is enrolled in {home} already", "Choose another folder with --home, or use this one."
        )


class NoRecipientError(ConcordError):
    """A consent has nobody to send to."""

    def __init__(self, consent: UUID) -> None:
        super().__init__(
            f"consent {consent} has no active recipient to send to",
            f"See its directions with: concord consent show {consent}",
            consent=consent,
        )


class EvidenceError(ConcordError):
    """The signed form of a consent is missing or not the one on record."""

    hint_by_default = "Do not accept this consent. Ask the colleague who drafted it to attach the form again."


class RevocationPendingError(ConcordError):
    """The revocation is recorded, and could not be confirmed everywhere in time."""

    def __init__(self, consent: UUID) -> None:
        super().__init__(
            f"consent {consent} is revoked, but not yet confirmed everywhere",
            f"Ask again until it is confirmed: concord consent revoke {consent}",
            consent=consent,
        )
