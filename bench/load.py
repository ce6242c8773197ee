"""A load of letters: pairs of people, letters sealed beforehand, and clients that put them as fast as they are taken,
or at a rate.

Owns the raw exchange over one kept connection for each client, so that what is measured is the service and not a
client library. Refuses to reuse a letter: each is new to the service.
"""

from __future__ import annotations

import http.client
import io
import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from concord.api import Party, Terms
from concord.client import Client
from concord.consents import Form
from concord.letter import seal
from concord_formats.address import Address
from concord_formats.vocabulary import ConsentType, Information, PartyKind, Purpose, Sensitivity

from tests.deployment import ORIGIN, Deployment
from tests.people import Practice, enrol_people, enrol_person

BODY_BYTES = 16 * 1024
# A letter that is ready to be put: its id, and its bytes.
Sealed = tuple[UUID, bytes]
# Ten digits each, with the check digit that NPIs have.
NPIS = ("1000000004", "1000000012", "1000000020", "1000000038", "1000000046", "1000000053", "1000000061", "1000000079")


@dataclass
class Pair:
    """A sender, a recipient, and the consent between them."""

    sender: Client
    recipient: Client
    consent: UUID
    patient: str


def enrol_pairs(deployment: Deployment, folder: Path, count: int) -> Iterator[Pair]:
    """Pairs of people; all senders are of one practice, all recipients of another."""
    people = enrol_people(
        folder, lambda *words: deployment.command("directory", "directory", *words), deployment.transport
    )
    senders, recipients = people.practices
    yield _consented(people.physician, people.psychologist)
    for number in range(1, count):
        both = (
            enrol_person(folder / side, practice, f"Dr. Number{number}", deployment.transport, npi=NPIS[number - 1])
            for side, practice in (("senders", senders), ("recipients", recipients))
        )
        yield _consented(*both)


def seal_letters(pair: Pair, count: int) -> list[Sealed]:
    """Letters of 16 KiB, ready to be put."""
    own = pair.sender.colleagues.entry(pair.sender.practitioner)
    recipient = pair.sender.colleagues.entry(pair.recipient.practitioner)
    keyring = pair.sender.keyring
    body = io.BytesIO(b"x" * BODY_BYTES)
    letters = []
    for _ in range(count):
        address = _address(pair)
        target = io.BytesIO()
        seal(
            target,
            body=body,
            media_type="text/plain",
            address=address,
            signing_key=keyring.signing_key(),
            recipients={pair.recipient.practitioner: recipient},
            own_entry=own,
        )
        letters.append((address.letter, target.getvalue()))
    return letters


class Sender:
    """One client that puts letters over a kept connection, signed in as the pair's sender."""

    def __init__(self, deployment: Deployment, pair: Pair) -> None:
        self._pair = pair
        self._connection = http.client.HTTPConnection("127.0.0.1", deployment.ports["messaging"])

    def put(self, letter: UUID, body: bytes) -> int:
        """Put one letter; the status of the answer."""
        path = f"/v1/letters/{letter}"
        headers = self._pair.sender.transport.authorization("PUT", f"/messaging{path}")
        headers["Content-Type"] = "application/vnd.concord.letter"
        self._connection.request("PUT", path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def run_clients(work: list[Callable[[], int]], seconds: float) -> tuple[int, float]:
    """Let every client do its work again and again; how often it was done, and in how many seconds."""
    done = [0] * len(work)
    end = time.perf_counter() + seconds

    def client(number: int) -> None:
        while time.perf_counter() < end:
            done[number] += work[number]()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(len(work))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done), time.perf_counter() - started


@contextmanager
def steady_load(deployment: Deployment, pairs: list[Pair], rate: float, seconds: float) -> Iterator[None]:
    """The pairs send `rate` letters a second together, at random instants, for the block or `seconds`.

    In a process of its own: in this one, the load and whoever is watched would wait for the same interpreter. Sealed
    before it begins, for the same reason.
    """
    count = int(rate * seconds / len(pairs)) + 1
    sealed = [seal_letters(pair, count) for pair in pairs]
    load = multiprocessing.get_context("fork").Process(target=_send_all, args=(deployment, pairs, sealed, rate))
    load.start()
    try:
        yield
    finally:
        load.terminate()
        load.join()


def _send_all(deployment: Deployment, pairs: list[Pair], sealed: list[list[Sealed]], rate: float) -> None:
    """Every pair at its own random instants: together, a Poisson stream. All at one instant would be a queue."""

    def send(number: int) -> None:
        sender, pauses = Sender(deployment, pairs[number]), random.Random(number)
        due = time.perf_counter()
        for letter, body in sealed[number]:
            due += pauses.expovariate(rate / len(pairs))
            time.sleep(max(0.0, due - time.perf_counter()))
            sender.put(letter, body)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(pairs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _consented(sender: Client, recipient: Client) -> Pair:
    patient = sender.address_book.add("bench", "Nobody").token
    now = datetime.now(UTC)
    terms = Terms(
        type=ConsentType.HIPAA_AUTHORIZATION,
        patient=patient,
        discloser=Party(kind=PartyKind.PRACTITIONER, id=sender.practitioner),
        recipient=Party(kind=PartyKind.PRACTITIONER, id=recipient.practitioner),
        mutual=False,
        purposes=[Purpose.TREATMENT],
        information=[Information.COORDINATION],
        sensitivity=[Sensitivity.GENERAL],
        valid_from=now - timedelta(minutes=1),
        valid_until=now + timedelta(days=1),
    )
    consent = sender.consents.create(terms, Form.concord(b"signed", terms.type, now.date(), "ink", copy_given=True))
    sender.consents.accept(consent.id)
    return Pair(sender, recipient, consent.id, patient)


def _address(pair: Pair) -> Address:
    letter = uuid4()
    return Address(
        v=1,
        letter=letter,
        sender=pair.sender.practitioner,
        device=pair.sender.settings.device,
        recipients=(pair.recipient.practitioner,),
        patient=pair.patient,
        consent=pair.consent,
        consent_version=1,
        purpose=Purpose.TREATMENT,
        information=frozenset({Information.COORDINATION}),
        sensitivity=frozenset({Sensitivity.GENERAL}),
        thread=letter,
        sealed_at=datetime.now(UTC),
    )


__all__ = [
    "ORIGIN",
    "Pair",
    "Practice",
    "Sealed",
    "Sender",
    "enrol_pairs",
    "run_clients",
    "seal_letters",
    "steady_load",
]
