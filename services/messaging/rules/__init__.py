"""Messaging's pure decisions: no input, no output, no clock of their own.

Owns what is known of a letter (`known`), the judgement on it (`decision`, and `rights` beside the consent) and what
that comes to (`verdict`). Refuses tables, requests and the bus.
"""

from .decision import decide, told
from .known import Consent, Delegation, Device, Facts, Grant, Member, Party, Person, Status, Withheld
from .verdict import Permit, Reason, Refusal, State

__all__ = [
    "Consent",
    "Delegation",
    "Device",
    "Facts",
    "Grant",
    "Member",
    "Party",
    "Permit",
    "Person",
    "Reason",
    "Refusal",
    "State",
    "Status",
    "Withheld",
    "decide",
    "told",
]
