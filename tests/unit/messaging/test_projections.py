"""What is followed:

In order or in snapshots, sticky where it must be; and the leases and the id towards the authorities.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis import migrate
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.feed import LeaseAnswer, LeaseRequest
from services.messaging import events, models, projections
from services.messaging.peers import SUBSCRIPTION, Follower, enforcement_point, take

from .world import NOW, PATIENT, FakeClock, World, grant, plain

PARTIES = [{"kind": "practitioner", "id": str(uuid4())}]


def consent_fact(world: World, *, version: int = 1, status: str = "active") -> dict[str, Any]:
    """The world's consent, as a snapshot tells of it."""
    return plain(
        {
            "kind": "consent",
            "consent": world.consent,
            "version": version,
            "patient": PATIENT,
            "parties": PARTIES,
            "status": status,
            "grants": [grant(world.physician, world.psychologist)],
        }
    )


def load(world: World, *facts: dict[str, Any], loader: Any = projections.load_consents) -> None:
    with world.database.transaction() as session:
        loader(session, iter(facts))


def consent(world: World) -> tuple[int, str]:
    (row,) = [row for row in world.rows(models.KnownConsent) if row.consent == world.consent]
    return row.version, row.status


def test_a_revocation_stays_whatever_comes_after(small_world: World) -> None:
    world = small_world
    world.revoke()
    world.activate(version=2)
    assert consent(world)[1] == "revoked"
    load(world, consent_fact(world, version=3))
    assert consent(world)[1] == "revoked"
    load(world)
    assert consent(world)[1] == "revoked"


def test_a_version_never_goes_back(small_world: World) -> None:
    world = small_world
    world.activate(version=3)
    world.activate(version=2)
    assert consent(world) == (3, "active")
    load(world, consent_fact(world, version=2))
    assert consent(world) == (3, "unknown"), "an older version is not in force, and the newer one is not known to be"


def test_a_restored_authority_can_revoke_but_not_bring_back(small_world: World) -> None:
    world = small_world
    world.activate(version=3)
    load(world, consent_fact(world, version=2, status="revoked"))
    assert consent(world) == (3, "revoked")


def test_what_a_snapshot_does_not_list_counts_for_nothing(small_world: World) -> None:
    world = small_world
    load(world)
    assert consent(world) == (1, "unknown")
    load(world, loader=projections.load_directory)
    assert {row.status for row in world.rows(models.KnownPractitioner)} == {"unknown"}
    assert {row.status for row in world.rows(models.KnownDevice)} == {"unknown"}


def test_a_snapshot_brings_back_what_it_lists(small_world: World) -> None:
    world = small_world
    load(world)
    load(world, consent_fact(world))
    assert consent(world) == (1, "active")
    who = world.physician
    facts = [
        {"kind": "practitioner", "practitioner": who.id, "organization": who.organization, "status": "active"},
        {"kind": "device", "device": who.device, "practitioner": who.id, "status": "active"},
        {"kind": "something-newer"},
    ]
    load(world, *plain(facts), loader=projections.load_directory)
    assert [row.status for row in world.rows(models.KnownDevice) if row.device == who.device] == ["active"]


def test_a_revoked_device_stays_revoked(small_world: World) -> None:
    world, who = small_world, small_world.physician
    world.told(projections.device_revoked, device=who.device, practitioner=who.id)
    world.told(projections.device_registered, device=who.device, practitioner=who.id)
    facts = [{"kind": "device", "device": who.device, "practitioner": who.id, "status": "active"}]
    load(world, *plain(facts), loader=projections.load_directory)
    assert [row.status for row in world.rows(models.KnownDevice) if row.device == who.device] == ["revoked"]


def test_facts_about_the_unknown_are_kept_and_count_for_nothing(small_world: World) -> None:
    """A suspension or revocation may come before what it is about, when an authority was restored."""
    world, someone, something = small_world, uuid4(), uuid4()
    world.told(projections.practitioner_suspended, practitioner=someone)
    world.told(projections.consent_revoked, consent=something, version=4)
    world.told(projections.consent_activated, **consent_fact(world) | {"consent": str(something), "version": 5})
    assert [row.status for row in world.rows(models.KnownPractitioner) if row.practitioner == someone] == ["suspended"]
    assert [row.status for row in world.rows(models.KnownConsent) if row.consent == something] == ["revoked"]
    assert world.send().state == "released"


steps = st.lists(
    st.one_of(
        st.tuples(st.just("activate"), st.integers(1, 4)),
        st.tuples(st.just("revoke"), st.integers(1, 4)),
        st.tuples(st.just("snapshot"), st.integers(0, 4)),
    ),
    max_size=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_comes_in_whatever_order_a_revocation_stays_and_versions_rise(
    small_world: World, given_steps: list[tuple[str, int]]
) -> None:
    world = small_world
    world.consent = uuid4()
    revoked, highest = False, 0
    for kind, version in given_steps:
        if kind == "activate":
            world.activate(version=version)
        elif kind == "revoke":
            world.told(projections.consent_revoked, consent=world.consent, version=version)
            revoked = True
        else:
            load(world, *([consent_fact(world, version=version)] if version else []))
        rows = [row for row in world.rows(models.KnownConsent) if row.consent == world.consent]
        if rows:
            assert rows[0].version >= highest
            highest = rows[0].version
            assert not revoked or rows[0].status == "revoked"


class FakeAuthority:
    """Grants leases on a list of events; forgets nothing, and says what it was told."""

    def __init__(self) -> None:
        self.epoch = uuid4()
        self.events: list[Event] = []
        self.reports: list[LeaseRequest] = []

    def tell(self, type_: str, **data: Any) -> Event:
        event = Event.create("consent", type_, plain(data), time=NOW, epoch=self.epoch, sequence=len(self.events) + 1)
        self.events.append(event)
        return event

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        self.reports.append(request)
        known = request.epoch == self.epoch
        return LeaseAnswer(
            epoch=self.epoch,
            seq=len(self.events),
            lease_seconds=5.0 if known else None,
            snapshot_required=not known,
            events=self.events[request.applied :] if known else [],
        )

    @contextmanager
    def snapshot(self) -> Iterator[Iterator[dict[str, Any]]]:
        yield iter([{"epoch": str(self.epoch), "seq": 0}, {"end": 0}])


def test_a_follower_opens_the_gate_once_it_has_applied_what_its_lease_carries(sqlite_database: Database) -> None:
    authority = FakeAuthority()
    follower = Follower("consent", sqlite_database, authority, FakeClock())
    assert follower.usable(authority.epoch, 0, None) is None
    follower.renew()
    assert follower.usable(authority.epoch, 0, None) is not None
    consent_id = uuid4()
    event = authority.tell("care.concord.consent.revoked.v1", consent=consent_id, version=1)
    take({"consent": follower}, event)
    take({"consent": follower}, event)
    follower.renew()
    assert authority.reports[-1].applied == 1
    assert authority.reports[-1].time_bounded is False
    with sqlite_database.transaction() as session:
        row = session.get(models.KnownConsent, consent_id)
    assert row is not None
    assert row.status == "revoked"


def test_a_gap_on_the_bus_is_filled_by_the_lease(sqlite_database: Database) -> None:
    authority = FakeAuthority()
    follower = Follower("consent", sqlite_database, authority, FakeClock())
    follower.renew()
    ids = [uuid4() for _ in range(3)]
    told = [authority.tell("care.concord.consent.revoked.v1", consent=each, version=1) for each in ids]
    take({"consent": follower}, told[2])
    follower.renew()
    with sqlite_database.transaction() as session:
        assert all(session.get(models.KnownConsent, each) is not None for each in ids)


def test_every_process_of_a_database_is_one_enforcement_point(world: World) -> None:
    first = enforcement_point(world.database)
    assert enforcement_point(world.database) == first
    assert isinstance(first, UUID)


def test_every_feed_event_that_the_others_speak_is_handled() -> None:
    """The bus binds exactly what the projections can apply: an event without a handler would stop the feed."""
    assert SUBSCRIPTION.types == set(events.CONSENT_HANDLERS) | set(events.DIRECTORY_HANDLERS)
    assert len(SUBSCRIPTION.types) == 14


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_models_and_migrations_agree(kind: str, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(f"{kind}_database")
    assert migrate.differences(database, "messaging", models.Base.metadata) == []
