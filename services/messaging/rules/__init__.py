"""Messaging's pure decisions: no input, no output, no clock of their own.

Owns what is known of a letter (`known`) and the judgement on it (`decision`). Refuses tables, requests and the bus.
"""

from .decision import Permit, Reason, Refusal, State, decide, told
from .known import Consent, Device, Facts, Grant, Party, Person, Status, Withheld

__all__ = [
    "Consent",
    "Device",
    "Facts",
    "Grant",
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
