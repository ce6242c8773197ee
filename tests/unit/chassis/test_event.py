"""The envelope: what goes in comes out, and what is no event of ours is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.event import Event, EventError

Json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=10,
)
Data = st.dictionaries(st.text(st.characters(codec="utf-8")), Json, max_size=4)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(**more: Any) -> Event:
    return Event.create("consent", "care.concord.consent.revoked.v1", {"version": 1}, time=NOW, **more)


@given(data=Data, numbered=st.booleans(), subject=st.none() | st.text(st.characters(codec="utf-8")))
def test_what_is_encoded_decodes_to_the_same(data: dict[str, Any], numbered: bool, subject: str | None) -> None:
    more = {"epoch": uuid4(), "sequence": 7} if numbered else {}
    one = Event.create("consent", "care.concord.consent.revoked.v1", data, time=NOW, subject=subject, **more)
    assert Event.decode(one.encode()) == one


def test_the_bytes_are_structured_cloudevents() -> None:
    """CloudEvents 1.0, JSON event format: the required attributes, and nothing that is null."""
    members = json.loads(event(epoch=(epoch := uuid4()), sequence=3).encode())
    assert members.pop("id")
    assert members == {
        "specversion": "1.0",
        "source": "consent",
        "type": "care.concord.consent.revoked.v1",
        "time": "2026-11-23T12:00:00Z",
        "datacontenttype": "application/json",
        "epoch": str(epoch),
        "sequence": 3,
        "data": {"version": 1},
    }


def test_two_events_never_have_one_id() -> None:
    assert event().id != event().id


def test_the_zone_of_a_time_is_kept_as_the_moment_it_means() -> None:
    there = Event.create("s", "t", {}, time=NOW.astimezone(timezone(timedelta(hours=-5))))
    assert Event.decode(there.encode()).time == NOW


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else_is_raised(body: bytes) -> None:
    with pytest.raises(EventError):
        Event.decode(body)


@given(st.data())
def test_an_event_cut_short_is_refused(data: st.DataObject) -> None:
    body = event().encode()
    with pytest.raises(EventError):
        Event.decode(body[: data.draw(st.integers(0, len(body) - 1))])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("specversion", "0.3"),
        ("id", "7"),
        ("time", "2026-11-23T12:00:00"),
        ("time", "yesterday"),
        ("datacontenttype", "text/plain"),
        ("data", "text"),
        ("data", None),
        ("sequence", "seven"),
        ("epoch", "first"),
        ("surprise", 1),
    ],
)
def test_a_member_that_is_wrong_or_unknown_is_refused(member: str, value: object) -> None:
    members = json.loads(event().encode()) | {member: value}
    with pytest.raises(EventError):
        Event.decode(json.dumps(members).encode())


@pytest.mark.parametrize("member", ["id", "source", "type", "time", "data"])
def test_a_member_that_is_missing_is_refused(member: str) -> None:
    members = json.loads(event().encode())
    del members[member]
    with pytest.raises(EventError):
        Event.decode(json.dumps(members).encode())


def test_a_refusal_repeats_nothing_of_what_was_refused() -> None:
    """It may stand in a log."""
    with pytest.raises(EventError) as refused:
        Event.decode(b'{"patient": "Erika Mustermann"}')
    assert "Erika" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"data":' * 100_000, b'{"data":{"a":' + b"[" * 100_000])
def test_deep_nesting_is_refused_and_does_not_exhaust_the_stack(body: bytes) -> None:
    with pytest.raises(EventError):
        Event.decode(body)
