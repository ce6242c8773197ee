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
    ├── ConsentResourceError       a FHIR Consent says what Concord cannot represent (`places`)
    ├── LabelsLeftOutError         labels that a document's codes ask for are not declared (`labels`)
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
    ├── FormError                  a form cannot be printed as asked (`field` names what is wrong)
    ├── NoRecipientError           a consent has nobody to send to
    ├── EvidenceError              the signed form of a consent cannot be relied on
    ├── AccountError               an account of disclosures does not verify; do not rely on it
    │   ├── MalformedAccountError      its file, or a file beside it, cannot be read (`element`)
    │   ├── LogKeyChangedError         it is not under the key that was pinned or given
    │   ├── CheckpointError            the log's checkpoint is not signed by its key
    │   ├── CountError                 how many lines there are is not what the log signed for this patient
    │   ├── ForkedAccountError         it does not go on from what stood there before (`n`, if one line says so)
    │   └── AccountLineError           one line is wrong (`n`)
    │       ├── LineMissingError           it is not there
    │       ├── LineRepeatedError          it is there twice
    │       ├── LineMisplacedError         it stands out of its order
    │       └── LineChangedError           it is not what stands in the log
    ├── EmergencyError             an emergency cannot be declared as asked
    ├── RevocationPendingError     a revocation is recorded, and not confirmed everywhere yet
    └── RestrictionPendingError    a restriction is recorded, and not confirmed everywhere yet

Refuses content: no message holds a word of a letter, a patient's name, a passphrase or a key.
"""

from .account import (
    AccountError,
    AccountLineError,
    CheckpointError,
    CountError,
    ForkedAccountError,
    LineChangedError,
    LineMisplacedError,
    LineMissingError,
    LineRepeatedError,
    LogKeyChangedError,
    MalformedAccountError,
)
from .base import (
    ConcordError,
)
from .consents import (
    EmergencyError,
    EvidenceError,
    NoRecipientError,
    RestrictionPendingError,
    RevocationPendingError,
)
from .documents import (
    ConsentResourceError,
    DocumentError,
    FormError,
    LabelsLeftOutError,
)
from .keys import (
    AddressBookError,
    BadHistoryError,
    FingerprintMismatchError,
    HistoryRewrittenError,
    KeyringError,
    KeysChangedError,
    PassphraseNeededError,
    PinError,
    StoreError,
    WrongPassphraseError,
)
from .letters import (
    BodyMismatchError,
    ForwardedLetterError,
    LetterError,
    MalformedLetterError,
    NotARecipientError,
    ReceiptError,
    RevokedDeviceError,
    SealingError,
    SignatureMismatchError,
    StatementMismatchError,
    TamperedLetterError,
    UnknownSignerError,
)
from .services import (
    PROBLEM_PREFIX,
    AlreadyEnrolledError,
    EnrolmentError,
    InvitationError,
    NotEnrolledError,
    ServiceError,
    UnreachableError,
)

__all__ = [
    "PROBLEM_PREFIX",
    "AccountError",
    "AccountLineError",
    "AddressBookError",
    "AlreadyEnrolledError",
    "BadHistoryError",
    "BodyMismatchError",
    "CheckpointError",
    "ConcordError",
    "ConsentResourceError",
    "CountError",
    "DocumentError",
    "EmergencyError",
    "EnrolmentError",
    "EvidenceError",
    "FingerprintMismatchError",
    "ForkedAccountError",
    "FormError",
    "ForwardedLetterError",
    "HistoryRewrittenError",
    "InvitationError",
    "KeyringError",
    "KeysChangedError",
    "LabelsLeftOutError",
    "LetterError",
    "LineChangedError",
    "LineMisplacedError",
    "LineMissingError",
    "LineRepeatedError",
    "LogKeyChangedError",
    "MalformedAccountError",
    "MalformedLetterError",
    "NoRecipientError",
    "NotARecipientError",
    "NotEnrolledError",
    "PassphraseNeededError",
    "PinError",
    "ReceiptError",
    "RestrictionPendingError",
    "RevocationPendingError",
    "RevokedDeviceError",
    "SealingError",
    "ServiceError",
    "SignatureMismatchError",
    "StatementMismatchError",
    "StoreError",
    "TamperedLetterError",
    "UnknownSignerError",
    "UnreachableError",
    "WrongPassphraseError",
]
