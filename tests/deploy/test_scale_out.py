"""More than one of everything: replicas, a cluster of brokers, a standby; and the loss of one of each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.compose import PROCESSES
from tests.deploy.composition import COMPONENTS, ComposedWorld, ComposeError, Composition
from tests.deploy.conftest import started
from tests.deploy.gateway import reloading
from tests.deploy.moments import read, until_archived
from tests.deploy.traffic import SECONDS, Traffic, delivered_once
from tests.deployment import wait_for
from tests.journeys.world import refusal
from tests.people import People, active_consent, released, send_note, stopped

pytestmark = pytest.mark.long
PAIR = ("postgresql", "postgresql-standby")
# What goes on without PostgreSQL's own container.
OTHERS = (*(name for name in COMPONENTS if name != "postgresql"), "postgresql-archive", "postgresql-standby")


def test_replicas_share_the_work(composition: Composition, people: People) -> None:
    """`--scale messaging-api=3 --scale messaging-worker=2`: three answer, one of two workers is at it."""
    scaled = ("--scale", "messaging-api=3", "--scale", "messaging-worker=2")
    composition.compose("up", "--detach", "--wait", "--no-recreate", *scaled)
    traffic = Traffic(people, active_consent(people).id)
    with traffic.running():
        wait_for(lambda: len(traffic.accepted) > 30, SECONDS, "letters to go through")
    assert traffic.failed == []
    delivered_once(people, traffic.accepted)
    counted = [
        composition.docker("exec", each, "python", "-c", _COUNT).strip()
        for each in composition.containers("messaging-api")
    ]
    assert len(counted) == 3
    assert all(int(float(count)) > 0 for count in counted), f"one of them answered nothing: {counted}"


_COUNT = (
    "import re, urllib.request as r;"
    "page = r.urlopen('http://127.0.0.1:8000/metrics').read().decode();"
    "print(sum(float(n) for n in re.findall(r'concord_requests_total\\{.*v1/letters.*\\} (\\S+)', page)))"
)


def active_consumer(composition: Composition, queue: str) -> str | None:
    """The one consumer of a queue that events are handed to, if there is one just now."""
    columns = ("queue_name", "channel_pid", "active", "--formatter", "json")
    told = composition.compose("exec", "-T", "rabbitmq", "rabbitmqctl", "-q", "list_consumers", *columns)
    consumers = json.loads(told[told.index("[") :])
    active = [str(each["channel_pid"]) for each in consumers if each["queue_name"] == queue and each["active"]]
    assert len(active) <= 1
    return active[0] if active else None


def test_a_second_worker_takes_over_within_seconds_when_the_first_dies(
    composition: Composition, people: People
) -> None:
    """Both are killed once, so the active one was; a revocation still comes by the bus, before a lease would end."""
    scaled = ("--scale", "messaging-api=3", "--scale", "messaging-worker=2")
    composition.compose("up", "--detach", "--wait", "--no-recreate", *scaled)
    tags: set[str | None] = set()

    def changed_hands() -> bool:
        tags.add(active_consumer(composition, "concord.messaging"))
        return len(tags - {None}) >= 2

    for container in composition.containers("messaging-worker"):
        tags.add(active_consumer(composition, "concord.messaging"))
        composition.docker("kill", container)
        wait_for(
            lambda: active_consumer(composition, "concord.messaging") is not None, SECONDS, "a consumer to be active"
        )
        tags.add(active_consumer(composition, "concord.messaging"))
        consent = active_consent(people)
        delivered_once(people, [released(people, consent.id).letter])
        people.physician.consents.revoke(consent.id)
        stopped(people, consent.id)
        composition.docker("start", container)
        composition.healthy("messaging-worker")
    # Right after a worker was killed the broker may still have named that one.
    wait_for(changed_hands, SECONDS, "it to have changed hands")


def test_a_rolling_upgrade_loses_no_letter_and_leaves_none_stuck(composition: Composition, people: People) -> None:
    """Every process is replaced while letters go on."""
    were = {kind: composition.containers(kind) for kind in ("messaging-api", "consent-api", "directory-worker")}
    traffic = Traffic(people, active_consent(people).id)
    with reloading(composition), traffic.running():
        composition.module("deploy.upgrade", "backups", "--no-build")
    for kind, before in were.items():
        now = composition.containers(kind)
        assert len(now) == len(before)
        assert not set(now) & set(before), f"{kind} was not replaced"
    assert len(traffic.accepted) > 20
    assert traffic.failed == [], "a client noticed"
    delivered_once(people, traffic.accepted)
    held = "SELECT count(*) FROM held"
    wait_for(lambda: composition.sql("messaging", held) == [["0"]], SECONDS, "no letter to be held any more")


_ENDS_AT_ONCE = """FROM {image}
ENTRYPOINT ["sh", "-c", "[ $0 = migrate ] && exec concord-server $0 $1; exit 1"]
"""


def processes(composition: Composition) -> dict[str, list[str]]:
    """Each process of the services, and since when it runs."""
    shape = ("inspect", "--format", "{{.Id}} {{.State.StartedAt}}")
    return {kind: sorted(composition.docker(*shape, *composition.containers(kind)).splitlines()) for kind in PROCESSES}


def test_a_version_that_does_not_start_leaves_everything_as_it_was(
    composition: Composition, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It migrates, and its processes end at once."""
    (tmp_path / "Dockerfile").write_text(_ENDS_AT_ONCE.format(image=f"concord-server:{composition.project}"))
    broken = f"concord-server:{composition.project}-broken"
    composition.docker("build", "--quiet", "--tag", broken, str(tmp_path))
    were = processes(composition)
    try:
        with monkeypatch.context() as told:
            told.setenv("SERVER_IMAGE", broken)
            with pytest.raises(RuntimeError, match="error: the health of the new messaging-worker did not happen"):
                composition.module("deploy.upgrade", "backups", "--no-build", "--wait", "20")
        assert processes(composition) == were
        composition.healthy()
        delivered_once(people, [send_note(people, active_consent(people).id).letter])
    finally:
        composition.docker("rmi", "--force", broken)


@pytest.fixture(scope="module")
def doubled(
    docker_engine: None, composition: Composition, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposedWorld]:
    """A deployment of its own, with a cluster of three brokers and a standby. The other one rests meanwhile."""
    composition.compose("stop", "--timeout", "5")
    overrides = ("deploy/compose.cluster.yml", "deploy/compose.standby.yml")
    try:
        with started(Composition(tmp_path_factory.mktemp("doubled"), overrides=overrides)) as running:
            world = ComposedWorld(tmp_path_factory.mktemp("their-people"), running)
            yield world
            world.close()
    finally:
        composition.compose("start")
        composition.healthy()


def test_the_loss_of_a_broker_is_noticed_by_nobody(doubled: ComposedWorld) -> None:
    """Killed without a word, the one that leads among them: what was confirmed is on the other two."""
    composition, people = doubled.composition, doubled.people
    told = composition.compose(
        *("exec", "-T", "rabbitmq", "rabbitmqctl", "-q", "list_queues", "name", "members", "--formatter", "json")
    )
    members = {each["name"]: each["members"] for each in json.loads(told[told.index("[") :])}
    assert {len(nodes) for nodes in members.values()} == {3}
    traffic = Traffic(people, active_consent(people).id)
    with traffic.running():
        for node in ("rabbitmq", "rabbitmq-2", "rabbitmq-3"):
            composition.compose("kill", node)
            time.sleep(5)
            consent = active_consent(people)
            sent = send_note(people, consent.id)
            began = time.monotonic()
            people.physician.consents.revoke(consent.id)
            assert time.monotonic() - began < 60
            stopped(people, consent.id)
            assert sent.answer["state"] in ("released", "held")
            composition.compose("start", node)
            composition.healthy(node)
    assert traffic.failed == []
    delivered_once(people, traffic.accepted)
    wait_for(
        lambda: composition.sql("messaging", "SELECT count(*) FROM outbox") == [["0"]], SECONDS, "the outbox to empty"
    )


def until_followed(composition: Composition) -> None:
    """The standby has every commit before it is acknowledged: so it is a moment after it has started, not at once."""
    following = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'standby'"
    wait_for(lambda: composition.sql("postgres", following) == [["sync"]], SECONDS, "the standby to follow")


def test_a_standby_that_was_lost_is_copied_anew(doubled: ComposedWorld) -> None:
    """Its slot is still there on the primary, which waits for it with every commit."""
    composition, people = doubled.composition, doubled.people
    consent = active_consent(people)
    composition.compose("rm", "--stop", "--force", "postgresql-standby")
    composition.docker("volume", "rm", f"{composition.project}_postgresql-standby")
    composition.compose("up", "--detach", "--wait", "postgresql-standby")
    until_followed(composition)
    composition.healthy()  # their commits had to wait
    delivered_once(people, [send_note(people, consent.id).letter])


def test_a_standby_that_lacks_commits_takes_over_from_nobody(doubled: ComposedWorld) -> None:
    """It was away while PostgreSQL committed without it: `make restore` has what it lacks."""
    composition = doubled.composition
    composition.compose("stop", "postgresql-standby")
    # In its own container PostgreSQL waits for no standby.
    composition.sql("postgres", "CREATE TABLE only_in_the_archive ()")
    until_archived(composition)
    composition.compose("kill", "postgresql")
    composition.docker("start", *composition.containers("postgresql-standby"))
    composition.healthy("postgresql-standby")
    with pytest.raises(ComposeError, match="commits are in the archive, not in"):
        composition.module("deploy.promote", "--yes")
    # First what was away: `up` gives up over a service that is still unhealthy because of it.
    composition.compose("up", "--detach", "--wait", "postgresql")
    composition.healthy("postgresql", *OTHERS)
    composition.compose("up", "--detach", "--wait")
    assert composition.sql("postgres", "SELECT pg_is_in_recovery()") == [["f"]]
    until_followed(composition)


def promote(composition: Composition) -> None:
    """`make promote`. A commit that reached the archive alone before the kill was not acknowledged: it may be lost."""
    try:
        composition.module("deploy.promote", "--yes")
    except ComposeError as error:
        if "commits are in the archive" not in str(error):
            raise
        composition.module("deploy.promote", "--yes", "--accept-loss")


def test_a_standby_takes_over_with_every_revocation_and_a_new_epoch(doubled: ComposedWorld) -> None:
    """The primary is killed under load and never comes back."""
    composition, people = doubled.composition, doubled.people
    kept, revoked = active_consent(people), active_consent(people)
    unopened = released(people, revoked.id)
    epochs = {name: composition.sql(name, "SELECT epoch FROM feed") for name in ("directory", "consent")}
    traffic = Traffic(people, kept.id)
    with traffic.running():
        wait_for(lambda: len(traffic.accepted) > 10, SECONDS, "letters to go through")
        people.physician.consents.revoke(revoked.id)
        composition.compose("kill", "postgresql")
        promote(composition)
        so_far = traffic.released
        wait_for(
            lambda: traffic.released > so_far + 10,
            300,
            "letters to go through again",
            lambda: str(traffic.failed[-5:]),
        )
    composition.healthy(*OTHERS)
    stopped(people, revoked.id)
    assert refusal(lambda: read(people, unopened.letter)).type == "consent-revoked"
    for name, before in epochs.items():
        assert composition.sql(name, "SELECT epoch FROM feed", on="postgresql-standby") != before, (
            f"{name}: the old epoch"
        )
    delivered_once(people, traffic.accepted)
    # The old primary is started again, by a word that is easily said: it takes nothing any more.
    composition.compose("up", "--detach", "--wait")
    recovering = {on: composition.sql("postgres", "SELECT pg_is_in_recovery()", on=on) for on in PAIR}
    assert recovering == {"postgresql": [["t"]], "postgresql-standby": [["f"]]}
    delivered_once(people, [send_note(people, kept.id).letter])
    composition.module("deploy.backup", "backups")
