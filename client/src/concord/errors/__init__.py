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
    │   ├── DelegationError            what should prove in whose name it was sent does not prove it
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
    │   │   ├── RecoveredKeysError         it was replaced by a recovery (`at`, `attested_by`)
    │   │   └── UnattestedRecoveryError    it was, and two administrators did not attest to that
    │   ├── UncheckedIdentityError     an identity check was not signed by an administrator (`account`)
    │   ├── HistoryRewrittenError      a colleague's key history does not go on from the pinned one
    │   ├── BadHistoryError            a key history is malformed or wrongly signed
    │   ├── FingerprintMismatchError   the compared fingerprint is not that of these keys
    │   └── KeyLogError                the key log, or what is said beside it, cannot be relied on (`kind`)
    │       ├── SwappedKeyError            a key history is not the one that was logged
    │       ├── HiddenRotationError        the log has a later entry than the one that was shown
    │       ├── NameMismatchError          an account is shown under another name than in the log
    │       ├── UnloggedKeyError           a key entry stands in no leaf of the log
    │       ├── ForkedLogError             two signed checkpoints cannot be of one log
    │       ├── RolledBackLogError         the log is smaller than it was
    │       ├── StalledLogError            the log is not fresh, or an own entry is not in it
    │       ├── LogKeyError                the log is signed by another key than the pinned one
    │       ├── WitnessMissingError        too few witnesses have cosigned it
    │       └── MalformedLogError          something of it cannot be read
    ├── RecoveryError              a recovery code, or what it should open, cannot be used
    │   ├── RecoveryCodeError          the text is no code and no kit
    │   ├── RecoveryRefusedError       the directory does not know this code for this account (`left`)
    │   ├── TooManyGuessesError        too many wrong codes were tried (`retry_after`)
    │   ├── RecoveryCodeChangedError   another device made a new code
    │   ├── UnseenRecoveryCodeError    a new code was made and perhaps not shown
    │   ├── NoRecoveryCodeError        there is no code yet
    │   └── BackupError                the backup that the directory gave is not one to rely on
    │       ├── MalformedBackupError       it does not open, or does not hold what it should
    │       ├── ForeignBackupError         it is of another account or identity
    │       ├── BackupRolledBackError      it is older than the account's keys
    │       └── BackupTooLargeError        what it should hold does not fit
    ├── ServiceError               a service refused (`type`, `status`)
    ├── UnreachableError           a service did not answer
    ├── EnrolmentError
    │   ├── InvitationError
    │   ├── NotInvitedError            somebody cannot be invited as asked (`field`)
    │   ├── SingleSignOnError          single sign-on did not confirm this device (`reason`)
    │   ├── NotEnrolledError
    │   └── AlreadyEnrolledError
    ├── RecoveryCaseError          a recovery case cannot go on as asked
    │   ├── CaseCodeError              the text is no code of a case, or none that is accepted
    │   ├── CaseRefusedError           the case was refused, or overtaken by a change of keys
    │   ├── CaseHistoryError           the history or the entry that waits is not one to go on from
    │   └── NothingToAttestError       no new keys wait in it
    ├── FormError                  a form cannot be printed as asked (`field` names what is wrong)
    ├── DeviceError                something between one's own devices
    │   ├── PortableError              what an account takes along is malformed or too large
    │   ├── PairingError               a pairing cannot go on
    │   │   ├── PairingCodeError           the text is no pairing code that can be used
    │   │   ├── PairingForgedError         a request or an answer was not made with the pairing's secret
    │   │   ├── PairingTakenError          the code was used by another device
    │   │   └── PairingOverError           its time is over
    │   ├── TransferError              what another device handed over cannot be relied on
    │   │   └── TransferMissingError       the newest encryption key was not handed over yet
    │   ├── RotationRaceError          another device changes the keys at the same moment, again and again
    │   ├── TooManyDevicesError        the account has as many devices as it may have
    │   └── UnknownDeviceError         no device of one's own in force has this id
    ├── TeamError                  a team, a delegation or a covering colleague is not one to use as asked
    │   ├── EmptyTeamError             nobody is in the team who could be written to
    │   ├── TeamMembershipError        somebody is no member, or is shown elsewhere by the key log
    │   ├── TeamClosedError            nothing is sent to the team any more
    │   ├── PendingError               what was ended is recorded, and not confirmed everywhere yet
    │   └── NotDelegatedError          one has no right to send this in somebody's name (`beyond`)
    ├── QuestionError              a question to the directory is empty, or too long
    ├── NoRecipientError           a consent has nobody to send to
    ├── TooManyRecipientsError     more people than a letter goes to
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
    ├── RestrictionPendingError    a restriction is recorded, and not confirmed everywhere yet
    └── WitnessError               a witness cannot run as asked
        ├── WitnessKeyFileError        its key's file is not there to be made, or is no key of a witness
        └── WitnessStateError          what it cosigned cannot be read, or is another witness's

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
    TooManyRecipientsError,
)
from .devices import (
    DeviceError,
    PairingCodeError,
    PairingError,
    PairingForgedError,
    PairingOverError,
    PairingTakenError,
    PortableError,
    RotationRaceError,
    TooManyDevicesError,
    TransferError,
    TransferMissingError,
    UnknownDeviceError,
)
from .documents import (
    ConsentResourceError,
    DocumentError,
    FormError,
    LabelsLeftOutError,
)
from .finding import QuestionError
from .key_log import (
    ForkedLogError,
    HiddenRotationError,
    KeyLogError,
    LogKeyError,
    MalformedLogError,
    NameMismatchError,
    RolledBackLogError,
    StalledLogError,
    SwappedKeyError,
    UnloggedKeyError,
    WitnessMissingError,
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
    RecoveredKeysError,
    StoreError,
    UnattestedRecoveryError,
    UncheckedIdentityError,
    WrongPassphraseError,
)
from .letters import (
    BodyMismatchError,
    DelegationError,
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
from .recovery import (
    BackupError,
    BackupRolledBackError,
    BackupTooLargeError,
    ForeignBackupError,
    MalformedBackupError,
    NoRecoveryCodeError,
    RecoveryCodeChangedError,
    RecoveryCodeError,
    RecoveryError,
    RecoveryRefusedError,
    TooManyGuessesError,
    UnseenRecoveryCodeError,
)
from .recovery_cases import (
    CaseCodeError,
    CaseHistoryError,
    CaseRefusedError,
    NothingToAttestError,
    RecoveryCaseError,
)
from .services import (
    PROBLEM_PREFIX,
    AlreadyEnrolledError,
    EnrolmentError,
    InvitationError,
    NotEnrolledError,
    NotInvitedError,
    ServiceError,
    SingleSignOnError,
    UnreachableError,
)
from .teams import (
    EmptyTeamError,
    NotDelegatedError,
    PendingError,
    TeamClosedError,
    TeamError,
    TeamMembershipError,
)
from .witness import (
    WitnessError,
    WitnessKeyFileError,
    WitnessStateError,
)

__all__ = [
    "PROBLEM_PREFIX",
    "AccountError",
    "AccountLineError",
    "AddressBookError",
    "AlreadyEnrolledError",
    "BackupError",
    "BackupRolledBackError",
    "BackupTooLargeError",
    "BadHistoryError",
    "BodyMismatchError",
    "CaseCodeError",
    "CaseHistoryError",
    "CaseRefusedError",
    "CheckpointError",
    "ConcordError",
    "ConsentResourceError",
    "CountError",
    "DelegationError",
    "DeviceError",
    "DocumentError",
    "EmergencyError",
    "EmptyTeamError",
    "EnrolmentError",
    "EvidenceError",
    "FingerprintMismatchError",
    "ForeignBackupError",
    "ForkedAccountError",
    "ForkedLogError",
    "FormError",
    "ForwardedLetterError",
    "HiddenRotationError",
    "HistoryRewrittenError",
    "InvitationError",
    "KeyLogError",
    "KeyringError",
    "KeysChangedError",
    "LabelsLeftOutError",
    "LetterError",
    "LineChangedError",
    "LineMisplacedError",
    "LineMissingError",
    "LineRepeatedError",
    "LogKeyChangedError",
    "LogKeyError",
    "MalformedAccountError",
    "MalformedBackupError",
    "MalformedLetterError",
    "MalformedLogError",
    "NameMismatchError",
    "NoRecipientError",
    "NoRecoveryCodeError",
    "NotARecipientError",
    "NotDelegatedError",
    "NotEnrolledError",
    "NotInvitedError",
    "NothingToAttestError",
    "PairingCodeError",
    "PairingError",
    "PairingForgedError",
    "PairingOverError",
    "PairingTakenError",
    "PassphraseNeededError",
    "PendingError",
    "PinError",
    "PortableError",
    "QuestionError",
    "ReceiptError",
    "RecoveredKeysError",
    "RecoveryCaseError",
    "RecoveryCodeChangedError",
    "RecoveryCodeError",
    "RecoveryError",
    "RecoveryRefusedError",
    "RestrictionPendingError",
    "RevocationPendingError",
    "RevokedDeviceError",
    "RolledBackLogError",
    "RotationRaceError",
    "SealingError",
    "ServiceError",
    "SignatureMismatchError",
    "SingleSignOnError",
    "StalledLogError",
    "StatementMismatchError",
    "StoreError",
    "SwappedKeyError",
    "TamperedLetterError",
    "TeamClosedError",
    "TeamError",
    "TeamMembershipError",
    "TooManyDevicesError",
    "TooManyGuessesError",
    "TooManyRecipientsError",
    "TransferError",
    "TransferMissingError",
    "UnattestedRecoveryError",
    "UncheckedIdentityError",
    "UnknownDeviceError",
    "UnknownSignerError",
    "UnloggedKeyError",
    "UnreachableError",
    "UnseenRecoveryCodeError",
    "WitnessError",
    "WitnessKeyFileError",
    "WitnessMissingError",
    "WitnessStateError",
    "WrongPassphraseError",
]
