"""The deployment's broker: what a service's user may do there, and that it mends itself."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.deploy.composition import ComposeError, Composition
from tests.deployment import wait_for
from tests.people import People, active_consent, send_note

pytestmark = pytest.mark.long
SECONDS = 120.0
NONE = "No dead letters."


def asked(composition: Composition, *words: str) -> str:
    """What the broker's own command says."""
    return composition.compose("exec", "-T", "rabbitmq", "rabbitmqctl", "--quiet", *words)


def dead_letters(composition: Composition, verb: str) -> str:
    """What an operator's command says. It asks the queue itself: the broker's counts are up to five seconds old."""
    command = ("exec", "-T", "messaging-worker", "concord-server", "dead-letters")
    return composition.compose(*command, verb, "messaging").strip()


def emptied(composition: Composition) -> bool:
    """Whether nothing lies there any more; what somebody was just looking at comes back, and goes the next time."""
    asked(composition, "purge_queue", "concord.messaging.dead")
    return dead_letters(composition, "list") == NONE


def tried(composition: Composition) -> int:
    """How often messaging's worker has set an event aside."""
    return composition.compose("logs", "--no-color", "messaging-worker").count('"event set aside"')


def test_dead_letters_are_put_back_by_the_services_own_user(composition: Composition) -> None:
    """Not by one who may do anything: that is what an operator's command runs as."""
    assert dead_letters(composition, "list") == NONE
    before = tried(composition)
    composition.compose("exec", "-T", "messaging-worker", "python", "-c", _SET_ASIDE)
    try:
        assert "not an event" in dead_letters(composition, "list")
        # What the list has looked at is back a moment later.
        wait_for(lambda: dead_letters(composition, "replay") == "1 put back.", SECONDS, "it to be put back")
        wait_for(lambda: tried(composition) > before, SECONDS, "it to be tried once more")
        wait_for(lambda: "not an event" in dead_letters(composition, "list"), SECONDS, "it to lie there again")
    finally:
        wait_for(lambda: emptied(composition), SECONDS, "nothing to lie there any more")


def test_nobody_else_lays_an_event_among_a_services_dead_letters(composition: Composition) -> None:
    """It would be handled when they are put back, whoever claims to have told it."""
    with pytest.raises(RuntimeError, match="ACCESS_REFUSED"):
        composition.compose("exec", "-T", "directory-worker", "python", "-c", _SET_ASIDE)
    assert dead_letters(composition, "list") == NONE


def test_a_broker_that_has_lost_its_queues_starts_itself_again(composition: Composition, people: People) -> None:
    """As after a full disk: the node goes on without what keeps the quorum queues, and refuses every event."""
    (container,) = composition.containers("rabbitmq")
    began = composition.docker("inspect", "--format", "{{.State.StartedAt}}", container)
    with suppress(ComposeError):  # it may end itself before it has answered
        asked(composition, "eval", _LOSE_QUEUES)
    wait_for(
        lambda: composition.docker("inspect", "--format", "{{.State.StartedAt}}", container) != began,
        SECONDS,
        "the broker to start itself again",
        lambda: composition.compose("logs", "--tail", "30", "rabbitmq"),
    )
    composition.healthy()
    consent = active_consent(people)
    sent = send_note(people, consent.id)
    wait_for(lambda: people.physician.letters.status(sent.letter)[0].state == "released", SECONDS, "the letter to go")
    people.physician.consents.revoke(consent.id)


def test_the_broker_stops_when_it_is_told_to(composition: Composition) -> None:
    """It is not killed at the end of its time, as a first process that minds no signal would be."""
    (container,) = composition.containers("rabbitmq")
    composition.compose("stop", "rabbitmq")
    killed = "137"  # 128 and the number of SIGKILL
    assert composition.docker("inspect", "--format", "{{.State.ExitCode}}", container).strip() != killed
    composition.compose("start", "rabbitmq")
    composition.healthy()


# A direct exchange leads from its name to the queue of dead letters: as the broker itself sets an event aside.
_SET_ASIDE = (
    "import os, pika;"
    "address = open(os.environ['CONCORD_SECRETS_DIR'] + '/concord_amqp_url').read();"
    "channel = pika.BlockingConnection(pika.URLParameters(address)).channel();"
    "channel.confirm_delivery();"
    "channel.basic_publish('concord.messaging.dead', 'concord.messaging', b'no event', mandatory=True)"
)
_LOSE_QUEUES = (
    "[begin supervisor:terminate_child(ra_systems_sup, Id), supervisor:delete_child(ra_systems_sup, Id) end"
    " || {Id, _, _, _} <- supervisor:which_children(ra_systems_sup)]."
)
