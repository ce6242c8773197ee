"""The directory's tables.

Owns what is stored and under which constraints, one file a matter. Refuses to decide.
"""

from .base import Base, EnforcementPoint, Feed, FeedEvent, Outbox
from .keys import APPEND_ONLY, Device, KeyEntryRow
from .people import Invitation, Organization, Practitioner
from .signing_in import TokenKey, UsedAssertion

__all__ = [
    "APPEND_ONLY",
    "Base",
    "Device",
    "EnforcementPoint",
    "Feed",
    "FeedEvent",
    "Invitation",
    "KeyEntryRow",
    "Organization",
    "Outbox",
    "Practitioner",
    "TokenKey",
    "UsedAssertion",
]
