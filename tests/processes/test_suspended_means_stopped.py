"""Real processes that hear of a suspension late: nothing leaves to or from the suspended once it is acknowledged."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from concord.client import Client
from concord.errors import ServiceError

from tests.deployment import Deployment, wait_for
from tests.people import EFFECTIVE_SECONDS, People, active_consent, note, released, until_effective
from tests.processes.test_revoked_means_stopped import _last_released, _rows, _send_until, _stopped

# Minutes of waiting for what must not happen; `make test` keeps the order of release and suspension itself.
pytestmark = [pytest.mark.real, pytest.mark.long]


@pytest.fixture(params=["sender", "recipient"])
def suspended(request: pytest.FixtureRequest, people: People) -> Iterator[str]:
    """Who is suspended in this test, and let go after it."""
    yield request.param
    office, person = _who(people, request.param)
    office.directory.reinstate(person.practitioner)


def _who(people: People, suspended: str) -> tuple[Client, Client]:
    """Their office, and the person."""
    if suspended == "sender":
        return people.practices[0].office, people.physician
    return people.practices[1].office, people.psychologist


def _passes_again(people: People, consent: UUID) -> None:
    """A reinstatement is not waited for: it holds within moments."""

    def passes() -> bool:
        try:
            return people.physician.letters.send(note(consent)).answer["state"] == "released"
        except ServiceError:
            return False

    wait_for(passes, EFFECTIVE_SECONDS, "letters to pass before the test begins")


def test_it_is_acknowledged_behind_the_lease_when_messaging_does_not_hear_it(
    deployment: Deployment, people: People, suspended: str
) -> None:
    """Letters are in flight while every messaging process is frozen; after the acknowledgement they are thawed."""
    consent = active_consent(people)
    _passes_again(people, consent.id)
    office, person = _who(people, suspended)
    stop = threading.Event()
    sender = threading.Thread(target=_send_until, args=(people, consent.id, stop))
    sender.start()
    try:
        wait_for(lambda: _last_released(deployment, consent.id) is not None, 60, "a first letter", deployment.logs)
        with _stopped(deployment, "api-messaging"), _stopped(deployment, "worker-messaging"):
            started = time.monotonic()
            until_effective(lambda: office.directory.suspend(person.practitioner)["effective_at"])
            waited = time.monotonic() - started
        time.sleep(2)
    finally:
        stop.set()
        sender.join(120)
    assert not sender.is_alive()
    assert waited > 3.0, "acknowledged while a lease granted before the suspension could still be live"
    wait_for(lambda: deployment.rows("messaging", "held") == 0, 60, "held letters to settle", deployment.logs)
    told = office.directory.suspend(person.practitioner)
    last = _last_released(deployment, consent.id)
    assert last is not None
    assert last.isoformat() <= str(told["effective_at"]).replace("Z", "+00:00")


def test_a_letter_that_is_held_meanwhile_is_refused(deployment: Deployment, people: People, suspended: str) -> None:
    """Messaging is cut off from consent, a letter is held, somebody is suspended; when they meet again it is refused,
    and what was released before is not handed out.
    """
    consent = active_consent(people)
    _passes_again(people, consent.id)
    unopened = released(people, consent.id)
    sealed = people.physician.letters.seal(note(consent.id))
    office, person = _who(people, suspended)
    try:
        _restart_messaging(deployment, CONCORD_CONSENT_URL="http://127.0.0.1:9")
        assert people.physician.letters.resend(sealed).answer["state"] == "held"
        until_effective(lambda: office.directory.suspend(person.practitioner)["effective_at"])
    finally:
        _restart_messaging(deployment)

    def state() -> tuple[object, ...]:
        ((state, reason),) = _rows(deployment, "SELECT state, reason FROM delivery WHERE letter = %s", sealed)
        return state, reason

    wait_for(lambda: state()[0] == "refused", 60, "the letter to be refused", deployment.logs)
    assert state()[1] == f"{suspended}-suspended"
    with pytest.raises(ServiceError):
        people.psychologist.letters.open(unopened.letter, io.BytesIO())


def _restart_messaging(deployment: Deployment, **settings: str) -> None:
    for name in ("api-messaging", "worker-messaging"):
        deployment.restart(name, **settings)
    deployment.wait_until_ready()
