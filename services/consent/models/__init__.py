"""The tables of the consent service.

Owns what is stored and under which constraints, one file a matter. Refuses to decide.
"""

from .account import (
    AccountAlarmRow,
    AccountCheckpointRow,
    AccountGapRow,
    AccountLeafRow,
    AccountLogRow,
    AccountNodeRow,
    DisclosureRow,
)
from .base import Base, EnforcementPoint, Feed, FeedEvent, Inbox, Outbox
from .consents import ConsentRow, DirectionRow, PatientRow, VersionRow
from .emergency import EmergencyRow, NoticeRow
from .evidence import EvidenceChunk, EvidenceUpload
from .patient_page import GuessRow, NeutralNameRow, PatientCodeRow, PatientSessionRow
from .restrictions import DeclinedRow, RestrictionRow

__all__ = [
    "AccountAlarmRow",
    "AccountCheckpointRow",
    "AccountGapRow",
    "AccountLeafRow",
    "AccountLogRow",
    "AccountNodeRow",
    "Base",
    "ConsentRow",
    "DeclinedRow",
    "DirectionRow",
    "DisclosureRow",
    "EmergencyRow",
    "EnforcementPoint",
    "EvidenceChunk",
    "EvidenceUpload",
    "Feed",
    "FeedEvent",
    "GuessRow",
    "Inbox",
    "NeutralNameRow",
    "NoticeRow",
    "Outbox",
    "PatientCodeRow",
    "PatientRow",
    "PatientSessionRow",
    "RestrictionRow",
    "VersionRow",
]
