"""Under load, each component is killed, paused, cut off and left without a disk, one after the other.

Afterwards every letter that was accepted was delivered once, or is refused or expired with a reason that its sender
sees; and no release followed an acknowledged revocation. The figures go to standard output (`-s`) and, where
CONCORD_TEST_CHAOS_REPORT names a file, there.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from tests.deploy.chaos import Book, Faults, Writer, healed, small_disks
from tests.deploy.composition import COMPONENTS, ComposedWorld, Composition
from tests.deploy.conftest import started
from tests.deployment import wait_for
from tests.journeys.world import COUNT

pytestmark = pytest.mark.long
# People write at once; more of them only make the machine slower.
WRITERS = 3
SETTLE_SECONDS = 180.0


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the small disks are mounted."""
    return tmp_path_factory.mktemp("disks")


@pytest.fixture(scope="module")
def world(docker_engine: None, tmp_path_factory: pytest.TempPathFactory, disks: Path) -> Iterator[ComposedWorld]:
    """A deployment of its own, on disks that can be filled."""
    settings = {"SMALL_DISKS": str(disks)}
    made = Composition(
        tmp_path_factory.mktemp("chaos"), overrides=("tests/deploy/compose.small-disks.yml",), settings=settings
    )
    with small_disks(disks, made), started(made) as running:
        people = ComposedWorld(tmp_path_factory.mktemp("people"), running)
        yield people
        people.close()


def test_no_letter_is_lost_doubled_or_leaked_whatever_fails(world: ComposedWorld, disks: Path) -> None:
    composition, book = world.composition, Book()
    faults = Faults(composition, disks)
    recovery: dict[str, float] = {}
    felt: dict[str, int] = {}
    with ExitStack() as writing:
        for _ in range(WRITERS):
            writing.enter_context(Writer(world, book))
        time.sleep(10)
        for name, fault in faults.kinds.items():
            before = book.felt
            for component in COMPONENTS:
                fault(component)
                recovery[f"{name}: {component}"] = round(healed(composition), 1)
            felt[name] = book.felt - before
    settle(composition)
    found = figures(composition, book)
    slowest = max((took, what) for what, took in recovery.items())
    found |= {"faults": len(recovery), "slowest recovery": slowest, "felt by fault": felt}
    report(found)
    assert (found["lost"], found["doubled"], found["leaked"]) == ([], [], [])
    assert len(book.accepted) > 200, "too few letters to say anything"
    assert all(felt.values()), f"a fault that nobody felt proves nothing: {felt}"
    assert composition.server("consent-worker", "account-check")
    assert account_of(composition, "consent") == account_of(composition, "messaging")


def settle(composition: Composition) -> None:
    """Everything that was on its way has arrived: nothing is held, nothing waits for the broker."""
    queries = {"messaging": ("held", "outbox"), "consent": ("outbox", "account_gap"), "directory": ("outbox",)}
    for service, tables in queries.items():
        for table in tables:
            query = COUNT.format(table)
            wait_for(
                lambda s=service, q=query: composition.sql(s, q) == [["0"]],  # type: ignore[misc]
                SETTLE_SECONDS,
                f"{service}.{table} to be empty",
                composition.state,
            )
    wait_for(
        lambda: account_of(composition, "consent") == account_of(composition, "messaging"),
        SETTLE_SECONDS,
        "the account to be complete",
    )


def figures(composition: Composition, book: Book) -> dict[str, object]:
    """What became of every letter, by the database's own word and by that of the clients."""
    states = {
        UUID(letter): (int(count), state)
        for letter, count, state in composition.sql(
            "messaging", "SELECT letter, count(*), min(state) FROM delivery GROUP BY letter"
        )
    }
    settled = {"released", "refused", "expired"}
    lost = [each for each in book.accepted if states.get(each, (0, ""))[1] not in settled]
    gaps = "SELECT recipient FROM delivery WHERE place IS NOT NULL GROUP BY recipient HAVING count(*) <> max(place)"
    doubled = [each for each in book.accepted if states.get(each, (1, ""))[0] > 1] + composition.sql("messaging", gaps)
    return {
        "letters": len(book.accepted),
        "refused at the send": len(book.refused),
        "consents revoked": len(book.revoked),
        "errors that people met": book.errors,
        "waits that clients took by themselves": book.waits,
        "answers that took half of a fault or longer": book.slow,
        "lost": [str(each) for each in lost],
        "doubled": [str(each) for each in doubled],
        "leaked": [str(each) for each in book.leaked] + late(composition),
        "held for a while": composition.sql("messaging", _HELD)[0][0],
    }


# A letter that was released later than it was accepted had been held.
_HELD = (
    "SELECT count(*) FROM delivery d JOIN letter l ON l.id = d.letter "
    "WHERE d.released_at > l.accepted_at + interval '50 ms' OR d.state IN ('refused', 'expired')"
)


_EFFECTIVE = (
    "SELECT convert_from(body, 'UTF8')::json->>'subject', effective_at FROM feed_event "
    "WHERE convert_from(body, 'UTF8')::json->>'type' LIKE '%consent.revoked%' AND effective_at IS NOT NULL"
)


def late(composition: Composition) -> list[str]:
    """Letters that were released, or handed out for the first time, after their consent's revocation was in effect."""
    rows = composition.sql("consent", _EFFECTIVE)
    effective = {consent: at for consent, at in rows}  # noqa: C416 - rows are lists
    assert effective, "no revocation was acknowledged"
    released = composition.sql(
        "messaging",
        "SELECT l.id, convert_from(l.address, 'UTF8')::json->>'consent', greatest(d.released_at, d.fetched_at) "
        "FROM delivery d JOIN letter l ON l.id = d.letter WHERE d.released_at IS NOT NULL",
    )
    return [letter for letter, consent, at in released if consent in effective and at > effective[consent]]


def account_of(composition: Composition, service: str) -> int:
    """How many lines all accounts have, by one of the two services that count them."""
    query = {
        "messaging": "SELECT coalesce(sum(last), 0) FROM patient_account",
        "consent": "SELECT count(*) FROM disclosure",
    }[service]
    return int(composition.sql(service, query)[0][0])


def report(found: dict[str, object]) -> None:
    """The figures, for people."""
    text = json.dumps(found, indent=1)
    print(text)  # noqa: T201 - pytest shows it with -s
    if path := os.environ.get("CONCORD_TEST_CHAOS_REPORT"):
        Path(path).write_text(text + "\n")
