"""One change of one consent: found, locked, allowed, made, told.

Owns the transaction that every change shares, and the telling of the feed inside it. Refuses to wait: the barrier is
awaited by the use cases after the commit, never while a row is locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import outbox

from . import events, records, refusals
from .deps import Collaborators, number_of
from .models import ConsentRow, VersionRow
from .rules import lifecycle
from .rules.lifecycle import Deed, LifecycleError, Status
from .rules.standing import Member, may, standings

# Who waits for something new after a commit: the relay for its outbox, the barrier for its feed.
CHANNELS = (outbox.CHANNEL, "feed")


@dataclass(frozen=True)
class Change:
    """An open transaction that holds the lock on one consent."""

    with_: Collaborators
    session: Session
    consent: ConsentRow
    member: Member
    now: datetime

    def version(self, number: int, deed: Deed) -> VersionRow:
        """The version to which `deed` is done.

        Raises problems 404, 403 and, where its status does not allow it, 409.
        """
        version = records.version_of(self.consent, number)
        if version is None:
            raise refusals.no_such_version()
        self.check(deed, version)
        self.after(version, deed)
        return version

    def check(self, deed: Deed, version: VersionRow) -> None:
        """Raises problem 403 when this is not for the member to do."""
        check_standing(self.member, deed, self.consent, version)

    def after(self, version: VersionRow, deed: Deed) -> Status:
        """What `deed` makes of the version's status. Raises problem 409."""
        terms = records.terms_of(self.consent, version)
        try:
            return lifecycle.after(lifecycle.shown(Status(version.status), terms, self.now), deed)
        except LifecycleError as error:
            raise refusals.not_in_this_status(error) from None

    def tell(self, event_type: str, data: dict[str, Any], *versions: VersionRow) -> None:
        """Number the change, in this transaction, and note the number with the versions it is about."""
        # Last in the transaction: the feed's row is everybody's, and is locked until the commit.
        self.session.flush()
        event = self.with_.feed.append(self.session, event_type, str(self.consent.id), data)
        for version in versions:
            version.feed_epoch, version.feed_seq = number_of(event)

    def tell_activated(self, version: VersionRow, *others: VersionRow) -> None:
        """Tell that a version is in force, with its grants; `others` are those whose place it took."""
        self.tell(events.ACTIVATED, events.activated(self.consent, version), version, *others)


@contextmanager
def change(with_: Collaborators, member: Member, consent: UUID) -> Iterator[Change]:
    """Lock a consent, and commit at the end of the block. Raises problem 404, to a stranger as well."""
    with with_.database.transaction() as session:
        row = records.lock(session, consent)
        if row is None:
            raise refusals.no_such_consent()
        check_standing(member, Deed.READ, row, row.versions[-1])
        yield Change(with_, session, row, member, with_.clock.now())
    for channel in CHANNELS:
        with_.notifier.notify(channel)


def check_standing(member: Member, deed: Deed, consent: ConsentRow, version: VersionRow) -> None:
    """Whether `member` may do this deed. Raises problem 404 to a stranger, 403 to a party of the wrong side."""
    held = standings(member, records.terms_of(consent, version))
    if not held:
        raise refusals.no_such_consent()
    if not may(deed, held):
        raise refusals.not_the_discloser()
