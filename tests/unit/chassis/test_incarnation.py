"""A database that is another than it was: restored, copied, or a standby that took over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url, update

from services.chassis import incarnation
from services.chassis.barrier import LostChangeError
from services.chassis.db import Database
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import LONGEST, Authority, FeedTable, Follower, Way

pytestmark = pytest.mark.real
POINT = uuid4()


class Places:
    """Databases, and copies of them as a restored dump is one: the same rows in another database."""

    def __init__(self, server: str, make: Callable[[], str]) -> None:
        self._server, self._make = server, make
        self.made: list[Database] = []

    def fresh(self) -> Database:
        return self._opened(self._make())

    def copy(self, of: Database) -> Database:
        """What a restore makes of a database; nobody may be connected to it meanwhile."""
        of.dispose()
        url = self._make()
        name = make_url(url).database
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name}".encode())
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {of.url.database}".encode())
        return self._opened(url)

    def _opened(self, url: str) -> Database:
        self.made.append(Database(url))
        return self.made[-1]


@pytest.fixture
def places(postgresql_url: str, fresh_postgresql: Callable[[], str]) -> Iterator[Places]:
    made = Places(postgresql_url, fresh_postgresql)
    yield made
    for database in made.made:
        database.dispose()


def seen(database: Database) -> str | None:
    with database.transaction() as session:
        return incarnation.of(session)


def test_a_restart_leaves_the_incarnation_and_a_restore_changes_it(places: Places) -> None:
    first = places.fresh()
    before = seen(first)
    first.dispose()  # every connection is new after this
    assert before is not None
    assert seen(first) == before
    assert seen(places.copy(first)) != before


def test_the_embedded_database_has_none() -> None:
    assert seen(Database("sqlite://")) is None


def test_a_restored_authority_numbers_in_a_new_epoch_from_the_first_change_on(places: Places) -> None:
    """Nobody said `new-epoch`, and no follower that is ahead has asked: the number would mean two changes."""
    before = Authority(places.fresh())
    before.give("a")
    epoch, seq = before.mark()
    after = Authority(places.copy(before.database))
    assert after.give("b") == seq + 1
    assert after.mark()[0] != epoch
    assert after.last().epoch == after.mark()[0]
    assert after.give("c") == seq + 2
    assert after.last().epoch == after.mark()[0], "one restore, one epoch"


def test_a_restored_authority_grants_no_lease_of_the_old_epoch(places: Places) -> None:
    before = Authority(places.fresh())
    before.give("a")
    epoch, _ = before.mark()
    after = Authority(places.copy(before.database))
    answer = after.report(POINT, 1, epoch=epoch)
    assert (answer.snapshot_required, answer.lease_seconds) == (True, None)
    assert answer.epoch != epoch


def from_before(authority: Authority) -> Authority:
    """As a version left it that kept no incarnation."""
    with authority.database.transaction() as session:
        session.execute(update(FeedTable).values(incarnation=None))
    return authority


def test_a_feed_from_before_incarnations_were_kept_begins_one_new_epoch_with_its_first_change(places: Places) -> None:
    """Whether it stands where it stood, or was put back from a backup by whatever means, nobody can tell."""
    authority = Authority(places.fresh())
    seq = authority.give("a")
    epoch, _ = from_before(authority).mark()
    assert authority.give("b") == seq + 1
    new, _ = authority.mark()
    assert (new != epoch, authority.last().epoch) == (True, new)
    authority.give("c")
    assert authority.report(POINT, 0).snapshot_required is False
    assert authority.mark()[0] == new, "one upgrade, one epoch"


def test_a_feed_from_before_incarnations_were_kept_grants_and_acknowledges_nothing_of_its_old_epoch(
    places: Places,
) -> None:
    clock = FakeClock()
    authority = Authority(places.fresh(), clock)
    revoked = authority.revoke("a")
    epoch, _ = from_before(authority).mark()
    authority.barrier.settle_pending()
    assert authority.effective() == []
    assert authority.report(POINT, 1, epoch=epoch).snapshot_required
    assert not authority.holds(revoked)
    clock.advance(LONGEST)
    assert authority.holds(revoked)


def test_a_feed_that_begins_keeps_its_first_epoch(places: Places) -> None:
    authority = Authority(places.fresh())
    authority.give("a")
    epoch, _ = authority.mark()
    authority.give("b")
    assert authority.report(POINT, 0).snapshot_required is False
    assert authority.mark()[0] == epoch
    with authority.database.transaction() as session:
        assert session.query(FeedTable.restored).scalar() is False


def test_what_waited_before_the_restore_is_acknowledged_only_after_the_longest_lease(places: Places) -> None:
    """Who holds a lease may be among what was lost."""
    clock = FakeClock()
    before = Authority(places.fresh(), clock)
    revoked = before.revoke("a")
    after = Authority(places.copy(before.database), clock)
    after.barrier.settle_pending()
    assert after.effective() == []
    after.report(POINT, 0)  # the first lease request is what begins the epoch
    assert not after.holds(revoked)
    clock.advance(LONGEST)
    assert after.holds(revoked)


def test_a_change_that_a_fail_over_lost_is_not_taken_for_the_one_that_has_its_number_now(places: Places) -> None:
    """The process lives on, and its pool finds the copy behind the same name: a standby that lagged by one change."""
    clock = FakeClock()
    before = Authority(places.fresh(), clock)
    before.give("a")
    copy = places.copy(before.database)
    lost = before.change(before.revoke("a"))
    moved(before, copy)
    assert before.give("b") == lost.seq, "the number means another change now"
    before.report(POINT, 0)
    clock.advance(LONGEST)
    before.barrier.settle_pending()
    clock.advance(LONGEST)
    before.barrier.settle_pending()
    assert lost.seq in before.effective()
    with pytest.raises(LostChangeError):
        before.barrier.effective(lost)


def test_what_was_seen_of_the_old_database_writes_nothing_into_the_new_one(places: Places) -> None:
    """It failed over between the look and the writing down."""
    clock = FakeClock()
    before = Authority(places.fresh(), clock)
    number = before.change(before.give("a"))
    copy = places.copy(before.database)
    view = before.barrier._view()
    assert view is not None
    moved(before, copy)
    assert not before.barrier._persist(view, [number])
    assert before.effective() == []


def moved(authority: Authority, to: Database) -> None:
    """The name under which a running process knows its database leads to another one from now on."""
    authority.database.dispose()
    authority.database.engine = to.engine


def test_a_process_does_not_act_on_a_lease_that_another_incarnation_earned(places: Places) -> None:
    """Messaging failed over to a standby that had not got a revocation yet, which the lost one had reported applied."""
    clock = FakeClock()
    authority = Authority(Database("sqlite://"), clock)
    authority.give("a")
    follower = Follower(places.fresh())
    holder = follower.process(Way(authority), clock)
    holder.renew()
    epoch, applied = follower.mark()
    assert epoch is not None
    assert holder.usable(epoch, applied, seen(follower.database)) is not None
    copy = places.copy(follower.database)
    assert holder.usable(epoch, applied, seen(copy)) is None
