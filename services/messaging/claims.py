"""What a letter claims beside its consent: that its sender may write for somebody else, that its readers are a team.

Owns the rows of the directory's delegations and memberships as they are stored and read. Refuses to decide
(`rules/rights.py`). The rows are read FOR SHARE like all others (`facts.py`), and only for letters that claim
something: every other letter is read in the one statement that it always was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from concord_formats.address import Address
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from pydantic import AwareDatetime, TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from .models import KnownDelegation, KnownMember
from .rules import Delegation, Member, Status


@dataclass(frozen=True)
class Claims:
    """What was found: the delegation that the letter names, and its recipients as members of the team it names."""

    delegation: Delegation | None = None
    members: Mapping[UUID, Member] = field(default_factory=dict)


NOTHING = Claims()


def read(session: Session, letter: Address) -> Claims:
    """What is known of a letter's claims, sharing the rows until the transaction ends."""
    if letter.delegation is None and letter.team is None:
        return NOTHING
    delegation = None if letter.delegation is None else _delegation(session, letter.delegation)
    members = {} if letter.team is None else _members(session, letter.team, letter.recipients)
    return Claims(delegation, members)


def terms_text(fact: Mapping[str, Any]) -> str:
    """What a delegation allows, as it stands in an event, in the form it is stored in.

    Raises pydantic's ValidationError, a ValueError.
    """
    terms = {name: fact[name] for name in ("purposes", "information", "sensitivity", "valid_from", "valid_until")}
    return _TERMS.dump_json(_TERMS.validate_json(json.dumps(terms))).decode()


@dataclass(frozen=True)
class _Terms:
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: AwareDatetime
    valid_until: AwareDatetime


_TERMS: TypeAdapter[_Terms] = TypeAdapter(_Terms)


# The terms of a delegation never change, and every letter under it asks for them.
@lru_cache(maxsize=4096)
def _read_terms(text: str) -> _Terms:
    return _TERMS.validate_json(text)


def _delegation(session: Session, delegation: UUID) -> Delegation | None:
    query = select(
        KnownDelegation.delegator, KnownDelegation.delegate, KnownDelegation.terms, KnownDelegation.status
    ).where(KnownDelegation.delegation == delegation)
    row = session.connection().execute(query.with_for_update(read=True)).one_or_none()
    if row is None or row.delegator is None or row.terms is None:
        return None
    terms = _read_terms(row.terms)
    return Delegation(
        delegation,
        row.delegator,
        row.delegate,
        terms.purposes,
        terms.information,
        terms.sensitivity,
        terms.valid_from,
        terms.valid_until,
        Status(row.status),
    )


def _members(session: Session, team: UUID, people: tuple[UUID, ...]) -> dict[UUID, Member]:
    query = select(KnownMember.practitioner, KnownMember.organization, KnownMember.status).where(
        KnownMember.team == team, KnownMember.practitioner.in_(people)
    )
    rows = session.connection().execute(query.with_for_update(read=True))
    return {row.practitioner: Member(row.organization, Status(row.status)) for row in rows}
