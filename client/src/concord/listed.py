"""What an entry of the directory has to pass before it is shown.

Owns whether an entry is what the key log says: one of an account is of that account, and one of nobody's account has
the number of none. Refuses to vouch for a telephone number or an address: nobody signs those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from .api import Practitioner
from .api.directory import Organization
from .api.listings import Covering, Listing
from .colleagues import Colleagues
from .errors import KeyLogError, ServiceError

_NPI = re.compile(r"[0-9]{10}", re.ASCII)


@dataclass(frozen=True)
class Doubt:
    """Somebody is shown as not enrolled, and the key log has their number in an `account`.

    `in_force`: the account is, so that the entry is none of a stranger and is not shown. Otherwise the directory says
    that the account is suspended: then the public record may be all that there is. That is its word alone.
    """

    listing: Listing
    account: UUID
    in_force: bool


class Entries:
    """Entries of the directory, held against the key log."""

    def __init__(self, colleagues: Colleagues) -> None:
        self._colleagues = colleagues

    def doubt(self, listing: Listing) -> Doubt | None:
        """What is doubtful about an entry. Raises `KeyLogError` for an account that does not stand so in the key log,
        `ServiceError` for an entry that does not say enough.
        """
        if listing.practitioner is not None or listing.enrolled:
            self._colleagues.known(_account(listing))
            return None
        # A public record is one of a number. One without could be of anybody.
        if not _is_number(listing.npi):
            raise ServiceError.unreadable()
        accounts = self._colleagues.numbered(listing.npi or "")
        if not accounts:
            return None
        living = next(filter(self._in_force, accounts), None)
        return Doubt(listing, living or accounts[0], in_force=living is not None)

    def covered(self, listing: Listing) -> Listing:
        """An entry whose covering colleague is named as they stand in the key log, or by their id alone."""
        if listing.coverage is None:
            return listing
        covering = self._covering(listing.coverage.covering)
        return listing.model_copy(update={"coverage": listing.coverage.model_copy(update={"covering": covering})})

    def _in_force(self, account: UUID) -> bool:
        """Whether an account that is logged is not said to be suspended. One that the directory denies is in force."""
        try:
            return self._colleagues.person(account).status != "suspended"
        except ServiceError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return True

    def _covering(self, shown: Covering) -> Covering:
        try:
            person = self._colleagues.person(shown.id, fresh=False)
        except (KeyLogError, ServiceError):  # the search was for somebody else
            return shown.model_copy(update={"name": str(shown.id)})
        return Covering(id=person.id, name=person.name, organization=person.organization)


def _is_number(text: str | None) -> bool:
    """Whether a text has the form of an NPI."""
    return text is not None and _NPI.fullmatch(text) is not None


def _account(listing: Listing) -> Practitioner:
    """The account that an entry says it is of. Raises `ServiceError` where it does not say all of it."""
    work = listing.organization
    if listing.practitioner is None or work is None or work.id is None or not listing.role or not listing.status:
        raise ServiceError.unreadable()
    return Practitioner(
        id=listing.practitioner,
        role=listing.role,
        name=listing.name,
        npi=listing.npi,
        organization=Organization(id=work.id, name=work.name),
        status=listing.status,
    )


__all__ = ["Doubt", "Entries"]
