"""The directory's tables.

Owns what is stored and under which constraints, one file a matter. Refuses to decide.
"""

from .base import Base, EnforcementPoint, Feed, FeedEvent, Outbox
from .devices import Backup, Pairing, RecoveryGuesses, Transfer
from .identity import IdentityCheckRow
from .key_log import KeyCheckpointRow, KeyLeafRow, KeyLogRow, KeyNodeRow, KeyWitnessRow
from .keys import APPEND_ONLY, Device, KeyEntryRow
from .listings import ImportRun, Listing, ListingTag, Specialty
from .people import Invitation, Organization, Practitioner
from .recovery_cases import RecoveryAttestation, RecoveryCase
from .signing_in import TokenKey, UsedAssertion
from .single_sign_on import IdentityProvider, SignOnSession, SignOnSubject
from .teams import Coverage, DelegationRow, Department, DepartmentMember, Team, TeamMember

__all__ = [
    "APPEND_ONLY",
    "Backup",
    "Base",
    "Coverage",
    "DelegationRow",
    "Department",
    "DepartmentMember",
    "Device",
    "EnforcementPoint",
    "Feed",
    "FeedEvent",
    "IdentityCheckRow",
    "IdentityProvider",
    "ImportRun",
    "Invitation",
    "KeyCheckpointRow",
    "KeyEntryRow",
    "KeyLeafRow",
    "KeyLogRow",
    "KeyNodeRow",
    "KeyWitnessRow",
    "Listing",
    "ListingTag",
    "Organization",
    "Outbox",
    "Pairing",
    "Practitioner",
    "RecoveryAttestation",
    "RecoveryCase",
    "RecoveryGuesses",
    "SignOnSession",
    "SignOnSubject",
    "Specialty",
    "Team",
    "TeamMember",
    "TokenKey",
    "Transfer",
    "UsedAssertion",
]
