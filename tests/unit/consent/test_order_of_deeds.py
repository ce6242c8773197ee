"""In whatever order several consents and restrictions are put in force and ended: once all is done, the gate says the
same.

The whole chain for each order: the use cases, the feed, messaging's handlers and its rows.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from concord_formats.vocabulary import ExpiryEvent, Information, Sensitivity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.chassis.db import Database, create_all
from services.chassis.event import Event
from services.consent import agreements, events, usecases
from services.consent.agreements import Asked
from services.consent.models import Base as ConsentBase
from services.consent.rules.restrictions import EndedHow, Withheld
from services.messaging import facts, projections
from services.messaging.events import CONSENT_HANDLERS
from services.messaging.models import Base as MessagingBase
from services.messaging.models import KnownConsent
from tests.unit.consent.examples import NOW, PATIENT, PHYSICIAN, PSYCHOLOGIST, TERMS, organization, practitioner
from tests.unit.consent.world import World

# Each is followed by a list of what is done to it, in this order; how they are interleaved is drawn.
NARROW = replace(TERMS, information=frozenset({Information.MEDICATIONS}))
ENDING = replace(TERMS, expires_on=ExpiryEvent.DISCHARGE)
MUTE = Withheld(organization(PHYSICIAN), None, frozenset(), frozenset({Sensitivity.BEHAVIORAL_HEALTH}))
FROM_ONE = Withheld(
    practitioner(PHYSICIAN), practitioner(PSYCHOLOGIST), frozenset({Information.MEDICATIONS}), frozenset()
)
PASSING = replace(MUTE, sensitivity=frozenset())
Deeds = dict[str, list[Callable[[], object]]]
# A gate's word on a letter depends on these alone.
Outcome = dict[str, tuple[Any, ...]]


class Practice:
    """One world with four consents ready, and what will be done to them and to their patient."""

    def __init__(self, world: World) -> None:
        self.world = world
        terms = {"superseded": TERMS, "ended": ENDING, "revoked": TERMS, "answered": TERMS}
        self.consents = {name: world.ready(each) for name, each in terms.items()}

    def deeds(self) -> Deeds:
        """What is done to each."""
        world, known = self.world, self.consents
        made: list[UUID] = []
        agree = self._agree
        return {
            "superseded": [lambda: world.activate(known["superseded"]), lambda: self._supersede(known["superseded"])],
            "ended": [
                lambda: world.activate(known["ended"]),
                lambda: usecases.end(world.all, PSYCHOLOGIST, known["ended"], 1),
            ],
            "revoked": [lambda: world.activate(known["revoked"]), lambda: world.revoke(known["revoked"])],
            "answered": [
                lambda: world.activate(known["answered"]),
                lambda: world.accept(known["answered"], member=PSYCHOLOGIST),
            ],
            "muted": [lambda: agree(MUTE)],
            "withheld from one": [lambda: agree(FROM_ONE)],
            "withheld for a while": [
                lambda: made.append(agree(PASSING)),
                lambda: agreements.end(world.all, PHYSICIAN, made[0], EndedHow.PATIENT_AGREED),
            ],
        }

    def _agree(self, withheld: Withheld) -> UUID:
        return agreements.agree(self.world.all, PHYSICIAN, Asked(PATIENT, withheld, NOW.date())).row.id

    def _supersede(self, consent: UUID) -> None:
        usecases.draft_version(self.world.all, PHYSICIAN, consent, NARROW)
        self.world.attach(consent, 2)
        self.world.accept(consent, 2)
        self.world.activate(consent, 2)


@contextmanager
def practice() -> Iterator[tuple[Practice, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/consent.sqlite")
        create_all(database, ConsentBase)
        yield Practice(World(database)), Path(folder)
        database.dispose()


@contextmanager
def follower(path: Path) -> Iterator[Database]:
    """An empty messaging database."""
    database = Database(f"sqlite:///{path}")
    create_all(database, MessagingBase)
    yield database
    database.dispose()


def followed(database: Database, told: Sequence[Event], names: dict[UUID, str]) -> Outcome:
    """What messaging comes to by these events."""
    with database.transaction() as session:
        for event in told:
            CONSENT_HANDLERS[event.type](session, event)
    return outcome(database, names)


def outcome(database: Database, names: dict[UUID, str]) -> Outcome:
    """What the gate would read of each consent; the order of restrictions is nothing that it looks at."""
    with database.transaction() as session:
        rows = session.scalars(select(KnownConsent)).all()
    return {names[row.consent]: (row.version, row.status, row.patient, _grants(row)) for row in rows}


def _grants(row: KnownConsent) -> Any:
    if row.status == "revoked":
        return ()  # whatever it granted once
    grants = facts._read_grants(row.grants)
    return frozenset(replace(each, withheld=tuple(sorted(each.withheld, key=_words))) for each in grants)


def _words(withheld: Any) -> tuple[Any, ...]:
    return str(withheld.discloser), str(withheld.recipient), sorted(withheld.information), sorted(withheld.sensitivity)


def do(deeds: Deeds, order: Sequence[str]) -> None:
    left = {name: iter(each) for name, each in deeds.items()}
    for name in order:
        next(left[name])()


def labels() -> list[str]:
    with practice() as (made, _):
        return [name for name, each in made.deeds().items() for _ in each]


LABELS = labels()


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(LABELS), st.randoms(use_true_random=False))
def test_the_order_in_which_consents_and_restrictions_come_and_go_never_matters(order: list[str], random: Any) -> None:
    outcomes = []
    for each in (LABELS, order):
        with practice() as (made, folder):
            do(made.deeds(), each)
            names = {consent: name for name, consent in made.consents.items()}
            told = made.world.told()
            with follower(folder / "messaging.sqlite") as database:
                outcomes.append(followed(database, told, names))
            with follower(folder / "shuffled.sqlite") as database:
                outcomes.append(followed(database, interleaved(told, random), names))
            with follower(folder / "snapshot.sqlite") as database:
                with made.world.database.transaction() as own, database.transaction() as session:
                    projections.load_consents(session, events.facts(own))
                outcomes.append(outcome(database, names))
    assert set(outcomes[0]) == {"superseded", "ended", "revoked", "answered"}
    assert all(each == outcomes[0] for each in outcomes)


def interleaved(told: Sequence[Event], random: Any) -> list[Event]:
    """The same events, those of each consent in their order and otherwise mixed, some of them twice."""
    queues = defaultdict(list)
    for event in told:
        queues[event.data["consent"]].append(event)
    mixed: list[Event] = []
    while left := [queue for queue in queues.values() if queue]:
        queue = random.choice(left)
        mixed += [queue.pop(0)] * random.choice([1, 1, 2])
    return mixed


def test_all_is_really_done_and_told() -> None:
    """The test above would hold of empty outcomes."""
    with practice() as (made, folder), follower(folder / "messaging.sqlite") as database:
        do(made.deeds(), LABELS)
        told = made.world.told()
        found = followed(database, told, {consent: name for name, consent in made.consents.items()})
    assert {name: (version, status) for name, (version, status, *_) in found.items()} == {
        "superseded": (2, "active"),
        "ended": (1, "active"),
        "revoked": (1, "revoked"),
        "answered": (1, "active"),
    }
    (grant,) = found["superseded"][3]
    assert grant.information == {"medications"}
    assert len(grant.withheld) == 2
    (ended,) = found["ended"][3]
    assert ended.valid_from == ended.valid_until
    assert len(found["answered"][3]) == 2
