"""The three services as typed calls, one module each.

Owns paths and shapes. Refuses cryptography and policy: what a call means for a clinician is `concord.client`'s.
"""

from .consent import Attestation, Consent, ConsentApi, ConsentVersion, Direction, Disclosure, Party, Terms
from .directory import DirectoryApi, Invitation, Organization, Practitioner
from .messaging import Delivery, InboxEntry, LetterStatus, MessagingApi

__all__ = [
    "Attestation",
    "Consent",
    "ConsentApi",
    "ConsentVersion",
    "Delivery",
    "Direction",
    "DirectoryApi",
    "Disclosure",
    "InboxEntry",
    "Invitation",
    "LetterStatus",
    "MessagingApi",
    "Organization",
    "Party",
    "Practitioner",
    "Terms",
]
