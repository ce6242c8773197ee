"""Real processes that are stopped, killed and restarted:

nothing leaves after an acknowledged revocation, and nothing is lost.
"""

from __future__ import annotations

import io
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from uuid import UUID

import psycopg
import pytest
from concord.errors import ConcordError, ServiceError

from tests.deployment import Deployment, wait_for
from tests.people import People, active_consent, note, released, send_note, settled, stopped

# Minutes of waiting for what must not happen; `make test` keeps the order of release and revocation itself.
pytestmark = [pytest.mark.real, pytest.mark.long]
LEASE_SECONDS = 5.0


def _rows(deployment: Deployment, query: str, *values: object) -> list[tuple[object, ...]]:
    url = deployment.database_url("messaging").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode(), values).fetchall()


@contextmanager
def _stopped(deployment: Deployment, name: str) -> Iterator[None]:
    deployment.signal(name, signal.SIGSTOP)
    try:
        yield
    finally:
        deployment.signal(name, signal.SIGCONT)


def test_a_letter_is_released_and_read(deployment: Deployment, people: People) -> None:
    """The main job, on real components."""
    consent = active_consent(people)
    sent = released(people, consent.id, b"over PostgreSQL and RabbitMQ")
    body = io.BytesIO()
    people.psychologist.letters.open(sent.letter, body)
    assert body.getvalue() == b"over PostgreSQL and RabbitMQ"
    assert people.physician.letters.status(sent.letter)[0].verified


def test_a_letter_is_refused_after_revocation(deployment: Deployment, people: People) -> None:
    consent = active_consent(people)
    unopened = released(people, consent.id)
    people.physician.consents.revoke(consent.id)
    stopped(people, consent.id)
    with pytest.raises(ServiceError) as refused:
        people.psychologist.letters.open(unopened.letter, io.BytesIO())
    assert refused.value.type == "consent-revoked"


def test_a_revocation_is_acknowledged_only_behind_the_lease_when_messaging_does_not_hear_it(
    deployment: Deployment, people: People
) -> None:
    """Every messaging process is stopped:

    the acknowledgement waits until their leases have run out, and not for ever.
    """
    consent = active_consent(people)
    released(people, consent.id)
    with _stopped(deployment, "api-messaging"), _stopped(deployment, "worker-messaging"):
        started = time.monotonic()
        done = people.physician.consents.revoke(consent.id)
        waited = time.monotonic() - started
    assert waited > 3.0, "acknowledged while a lease granted before the revocation could still be live"
    assert done.effective_at >= done.revoked_at
    stopped(people, consent.id)


def test_a_stopped_process_that_resumes_does_not_release_what_was_revoked_meanwhile(
    deployment: Deployment, people: People
) -> None:
    """Letters are in flight while the messaging processes are frozen; after the acknowledgement they are thawed."""
    consent = active_consent(people)
    stop = threading.Event()
    sender = threading.Thread(target=_send_until, args=(people, consent.id, stop))
    sender.start()
    try:
        wait_for(lambda: _last_released(deployment, consent.id) is not None, 60, "a first letter", deployment.logs)
        with _stopped(deployment, "api-messaging"), _stopped(deployment, "worker-messaging"):
            done = people.physician.consents.revoke(consent.id)
        time.sleep(2)
    finally:
        stop.set()
        sender.join(120)
    assert not sender.is_alive()
    # What was held as they went on is decided on a moment later, and must not leave either.
    wait_for(lambda: deployment.rows("messaging", "held") == 0, 60, "held letters to settle", deployment.logs)
    last = _last_released(deployment, consent.id)
    assert last is not None
    assert last <= done.effective_at


def _last_released(deployment: Deployment, consent: UUID) -> datetime | None:
    query = "SELECT max(d.released_at) FROM delivery d JOIN letter l ON l.id = d.letter WHERE l.address LIKE %s"
    ((last,),) = _rows(deployment, query, f"%{consent}%".encode())
    assert last is None or isinstance(last, datetime)
    return last


def _send_until(people: People, consent: UUID, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            people.physician.letters.send(note(consent))
        except ConcordError:
            time.sleep(0.05)


def test_letters_are_held_while_the_consent_service_is_down_and_released_when_it_is_back(
    deployment: Deployment, people: People
) -> None:
    """The letter is sealed while everything is up; it is handed over when no lease is left."""
    consent = active_consent(people)
    sealed = people.physician.letters.seal(note(consent.id))
    deployment.kill("api-consent")
    deployment.kill("worker-consent")
    time.sleep(LEASE_SECONDS + 1)
    assert people.physician.letters.resend(sealed).answer["state"] == "held"
    deployment.start("api-consent")
    deployment.start("worker-consent")
    deployment.wait_until_ready()
    wait_for(lambda: _state(people, sealed) == "released", 60, "the letter to be released", deployment.logs)
    assert _released(deployment, [sealed]) == 1


def test_a_held_letter_is_refused_when_its_consent_was_revoked_meanwhile(
    deployment: Deployment, people: People
) -> None:
    """Messaging is cut off from consent, a letter is held, the consent is revoked; when they meet again it is
    refused.
    """
    consent = active_consent(people)
    sealed = people.physician.letters.seal(note(consent.id))
    for name in ("api-messaging", "worker-messaging"):
        deployment.restart(name, CONCORD_CONSENT_URL="http://127.0.0.1:9")
    deployment.wait_until_ready()
    assert people.physician.letters.resend(sealed).answer["state"] == "held"
    people.physician.consents.revoke(consent.id)
    for name in ("api-messaging", "worker-messaging"):
        deployment.restart(name)
    deployment.wait_until_ready()
    wait_for(lambda: _state(people, sealed) == "refused", 60, "the letter to be refused", deployment.logs)
    assert _released(deployment, [sealed]) == 0


def _state(people: People, letter: UUID) -> str:
    return people.physician.letters.status(letter)[0].state


def test_the_workers_can_be_killed_at_any_moment_without_losing_a_letter(
    deployment: Deployment, people: People
) -> None:
    """Thirty letters while the workers are killed and restarted: each is released once, to one recipient."""
    consent = active_consent(people)
    sent: list[UUID] = []
    for number in range(30):
        if number % 10 == 5:
            for name in ("worker-messaging", "worker-consent", "worker-directory"):
                deployment.restart(name)
        sent.append(send_note(people, consent.id).letter)
    wait_for(lambda: _released(deployment, sent) == len(sent), 60, "every letter to be released")
    doubled = _rows(deployment, "SELECT letter, recipient FROM delivery GROUP BY 1, 2 HAVING count(*) > 1")
    assert doubled == []


def _released(deployment: Deployment, letters: list[UUID]) -> int:
    rows = _rows(deployment, "SELECT count(*) FROM delivery WHERE letter = ANY(%s) AND state = 'released'", letters)
    return int(str(rows[0][0]))


def test_an_api_process_killed_after_its_commit_does_not_double_the_letter(
    deployment: Deployment, people: People
) -> None:
    """The answer is lost, the client asks again by itself: one letter, one release row."""
    consent = active_consent(people)
    deployment.restart(
        "api-messaging", CONCORD_TEST_FAILPOINTS_ALLOWED="1", CONCORD_FAILPOINTS="gate.after_commit=exit"
    )
    deployment.wait_until_ready()
    before, ended = set(people.physician.letters.unsent()), _ended(deployment)
    sent: set[UUID] = set()

    def lost() -> bool:
        """A letter that comes before there is a lease is held, and answered."""
        with suppress(ConcordError):  # no other process may be there to ask
            sent.add(send_note(people, consent.id).letter)
        return _ended(deployment) > ended

    wait_for(lost, 60, "an answer to be lost", deployment.logs)
    deployment.restart("api-messaging")
    deployment.wait_until_ready()
    unanswered = set(people.physician.letters.unsent()) - before
    for letter in unanswered:
        people.physician.letters.resend(letter)
    letters = sorted(sent | unanswered)
    assert {settled(people.physician, letter) for letter in letters} == {"released"}
    assert _released(deployment, letters) == len(letters)


def _ended(deployment: Deployment) -> int:
    """How many processes a failpoint has ended by now, as their master tells."""
    return (deployment.folder / "api-messaging.log").read_text().count("exited with code 86")
