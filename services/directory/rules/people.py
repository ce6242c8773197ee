"""What may be recorded of a practitioner, and who may do what to whom.

Owns the form of NPI, taxonomy code and names. Refuses to say whether an NPI is really this person's: the administrator
who invites answers for that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from concord_formats.names import mixes_scripts, skeleton
from stdnum import luhn

# 45 CFR 162.406: ten digits; the check digit is that of the card number 80840 (health, United States) + NPI.
NPI_PREFIX = "80840"
MAX_NAME = 200
# A letter can have a skeleton of fifteen; an index of PostgreSQL takes no more than 2,704 bytes.
MAX_SKELETON = 600
_NPI = re.compile(r"[0-9]{10}")
# NUCC Health Care Provider Taxonomy: nine characters and an X, the placeholder of a digit that was never given a
# meaning.
_TAXONOMY = re.compile(r"[0-9A-Z]{9}X")


class Role(StrEnum):
    """What an account is for."""

    PRACTITIONER = "practitioner"
    ADMINISTRATOR = "administrator"
    PRIVACY_OFFICER = "privacy-officer"  # 45 CFR 164.530(a)(1)(i)


class Status(StrEnum):
    """Where an account stands."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class DeviceStatus(StrEnum):
    """Where a device stands."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Member:
    """An account as the rules see it."""

    id: UUID
    organization: UUID
    role: Role


def is_npi(text: str) -> bool:
    """Whether `text` is ten digits with the right check digit."""
    return bool(_NPI.fullmatch(text)) and bool(luhn.is_valid(NPI_PREFIX + text))


def is_taxonomy(text: str) -> bool:
    """Whether `text` has the form of a NUCC taxonomy code."""
    return bool(_TAXONOMY.fullmatch(text))


def folded(name: str) -> str:
    """A name as it is compared: without case, and with one space between its words."""
    return " ".join(name.split()).casefold()


def mixed_word(name: str) -> int | None:
    """Which word of a name, counted from 1, has letters of several alphabets, as `Аna` with a Cyrillic A; None without.

    The first such one. UTS 39, section 5.1.
    """
    return next((n for n, word in enumerate(name.split(), start=1) if mixes_scripts(word)), None)


def several_alphabets(word: int) -> str:
    """What is wrong with a name whose word of this number is such a one, and how to mend it."""
    return f"word {word} of it has letters of several alphabets: type all of it in one"


def skeleton_of(name: str) -> str:
    """What a name looks like, as it is stored and compared: of a very long one, the beginning.

    Two that differ only behind that are taken for one.
    """
    return skeleton(name)[:MAX_SKELETON]


def administers(caller: Member, organization: UUID) -> bool:
    """Whether the caller may act for all of that organization."""
    return caller.role is Role.ADMINISTRATOR and caller.organization == organization


def may_revoke_device(caller: Member, owner: UUID, organization: UUID) -> bool:
    """A device is stopped by its owner, or by an administrator of the owner's organization."""
    return caller.id == owner or administers(caller, organization)
