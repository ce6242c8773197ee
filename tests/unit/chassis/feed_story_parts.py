"""What the world of the stateful test is made of: processes, copies, the model's memory, and the way between the sides.

Owns the state and the bad line. Refuses to decide what happens on it: `feed_story.py` does, and checks the promise.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.chassis import failpoints
from services.chassis.db import Database
from services.chassis.failpoints import FailpointReachedError
from services.chassis.feed_messages import LeaseAnswer, LeaseRequest
from services.chassis.lease import LeaseHolder
from services.chassis.peer_http import PeerUnavailableError
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import Authority, Way

# Both live as long as the test run: their engines keep what they have compiled from story to story.
AUTHORITY, FOLLOWER = Database("sqlite://"), Database("sqlite://")


@dataclass(eq=False)
class Process:
    """One process of the follower. `gates`: until when, on its own clock, a release that began may still commit."""

    holder: LeaseHolder
    clock: FakeClock
    gates: dict[str, float] = field(default_factory=dict)


@dataclass
class Copy:
    """A backup of the authority, with what the model knew of it."""

    body: bytes
    consents: dict[str, str]
    revocations: dict[int, str]


@dataclass
class Model:
    """What is true, whoever knows it. `timeline` has the consents of the authority at each epoch and number."""

    consents: dict[str, str] = field(default_factory=dict)
    revocations: dict[int, str] = field(default_factory=dict)
    timeline: dict[tuple[UUID, int], dict[str, str]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)


class StoryWay(Way):
    """The way to the authority, on which other things happen, and which loses questions and answers."""

    def __init__(self, authority: Authority, note: Callable[[], None]) -> None:
        super().__init__(authority)
        self._note = note
        self.reset()

    def reset(self) -> None:
        """Nothing happens on the way, and nothing is lost."""
        self.before = self.after = self.during = _nothing
        self.lose_question = self.lose_answer = False

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        before, after, during, lost = self.before, self.after, self.during, (self.lose_question, self.lose_answer)
        self.reset()
        before()
        if lost[0]:
            raise PeerUnavailableError("consent")
        answer = self._grant(request)
        after()
        if lost[1]:
            raise PeerUnavailableError("consent")
        self.during = during
        return answer

    @contextmanager
    def snapshot(self) -> Iterator[Iterator[dict[str, Any]]]:
        during = self.during
        self.reset()
        with super().snapshot() as whole:
            during()
            yield whole

    def _grant(self, request: LeaseRequest) -> LeaseAnswer:
        try:
            answer = LeaseAnswer.model_validate_json(self.authority.feed.grant(request).model_dump_json())
        except FailpointReachedError:
            failpoints.disarm()
            self.authority.start()
            raise PeerUnavailableError("consent") from None
        finally:
            self._note()  # it may have noticed that it had gone back
        return answer


def emptied(database: Database) -> Database:
    with sqlite3.connect(":memory:") as empty:
        empty.execute("PRAGMA user_version = 1")  # a database without a page cannot be written down
        connection_of(database).deserialize(empty.serialize())
    return database


def _nothing() -> None:
    pass


def connection_of(database: Database) -> sqlite3.Connection:
    connection = database.engine.raw_connection().driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection
