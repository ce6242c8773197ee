"""Servers cannot read: the patient is looked for in everything that the servers wrote, sent and logged.

The journey sends the sample patient's whole record, a signed form that names them, and makes the mistakes that put
names where they do not belong. A control run plants the same words in the clear, and must find them in every kind
of place.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pika
import psycopg
import pytest
from concord.consents import Form
from concord.errors import ServiceError
from concord.labels import propose
from concord_formats.signatures import from_base64url
from concord_formats.vocabulary import ConsentType, Information, Sensitivity

from services.chassis import failpoints
from tests.journeys.canary import files_below, findings
from tests.journeys.world import DeployedWorld, EmbeddedWorld, World, account, plain_url
from tests.people import accepted, note, settled, terms
from tests.real import installed_program

SUMMARY = Path(__file__).parents[2] / "demo" / "patient" / "summary.json"
FHIR = "application/fhir+json"
FORM = "I allow Dr. Whitfield and Dr. Haddad to exchange my records"
CRASH = {"gate.after_read": "raise"}
Places = Iterator[tuple[str, bytes]]


def canaries() -> list[str]:
    """Names, birth date and a diagnosis of the sample patient, and a sentence of the signed form."""
    resources = [entry["resource"] for entry in json.loads(SUMMARY.read_bytes())["entry"]]
    patient = next(each for each in resources if each["resourceType"] == "Patient")
    conditions = [each["code"]["coding"][0]["display"] for each in resources if each["resourceType"] == "Condition"]
    name = patient["name"][0]
    diagnosis = next(text for text in conditions if "apnea" in text)
    return [f"{name['given'][0]} {name['family']}", name["family"], patient["birthDate"], diagnosis, FORM]


def journey(world: World) -> None:
    """Everything that carries the patient: a form, a record, an answer, a refusal, and mistakes."""
    physician, psychologist = world.people.physician, world.people.psychologist
    name = canaries()[0]
    token = physician.address_book.add("canary", name).token
    form = Form.concord(
        f"{name}: {FORM}.".encode(), ConsentType.HIPAA_AUTHORIZATION, datetime.now(UTC).date(), "ink", copy_given=True
    )
    found = propose(SUMMARY, FHIR)
    labels = {
        "information": found.information | {Information.COORDINATION},
        "sensitivity": found.sensitivity | {Sensitivity.GENERAL},
    }
    consent = physician.consents.create(terms(world.people, token, **labels), form)
    accepted(physician, consent.id)
    assert FORM.encode() in psychologist.consents.read_form(consent.id)
    accepted(psychologist, consent.id)
    record = note(
        consent.id,
        SUMMARY.read_bytes(),
        media_type=FHIR,
        information=found.information,
        sensitivity=found.sensitivity,
    )
    sent = physician.letters.send(record)
    letter = psychologist.profile.home / "record.json"
    psychologist.letters.open(sent.letter, letter)
    assert findings(canaries()[:4], [("what was read", letter.read_bytes())]), "the record does not hold the words"
    psychologist.letters.send(note(consent.id, f"About {name}.".encode(), reply_to=sent.letter))
    _mistakes(world, name)
    psychologist.consents.revoke(consent.id)
    with contextlib.suppress(ServiceError):
        physician.letters.send(note(consent.id, name.encode()))
    account(physician, consent.id, "released", "opened", "refused")


def _mistakes(world: World, name: str) -> None:
    """A name typed into the directory's search, sent as a token, as an id, as an alias in a header."""
    physician, born = world.people.physician, canaries()[2]
    assert physician.colleagues.find(name) == []
    wrong = {"patient": name, "note": name}
    for method, path, request in (
        ("POST", "/consent/v1/consents", {"json": wrong}),
        ("POST", "/consent/v1/consents", {"content": name.encode()}),
        ("GET", "/consent/v1/consents", {"params": {"cursor": name}}),
        ("GET", "/messaging/v1/inbox", {"params": {"after": name}}),
        ("GET", "/messaging/v1/sent", {"headers": {"X-Request-Id": born, "User-Agent": born}}),
    ):
        with contextlib.suppress(ServiceError):
            physician.transport.send(method, path, **request)
    with httpx.Client(transport=world.transport(), base_url=world.base_url, timeout=60) as http:
        http.post("/directory/v1/token", data={"client_assertion": name, "grant_type": name})


def crash(world: World, consent_words: str) -> None:
    """A letter on which the service fails half-way, in a way that nobody foresaw."""
    people = world.people
    token = people.physician.address_book.add("crash", consent_words).token
    form = Form.concord(
        FORM.encode(), ConsentType.HIPAA_AUTHORIZATION, datetime.now(UTC).date(), "ink", copy_given=True
    )
    consent = people.physician.consents.create(terms(people, token), form)
    accepted(people.physician, consent.id)
    with _failing(world), world.nothing_written(), pytest.raises(ServiceError) as failed:
        people.physician.letters.send(note(consent.id, consent_words.encode()))
    assert (failed.value.status, failed.value.type) == (500, "internal")
    for letter in people.physician.letters.unsent():
        people.physician.letters.resend(letter)
        assert settled(people.physician, letter) == "released"
    account(people.physician, consent.id, "released")  # so that what is told of it is among what is searched


@contextlib.contextmanager
def _failing(world: World) -> Iterator[None]:
    if isinstance(world, DeployedWorld):
        armed = ",".join(f"{name}={action}" for name, action in CRASH.items())
        world.deployment.restart("api-messaging", CONCORD_TEST_FAILPOINTS_ALLOWED="1", CONCORD_FAILPOINTS=armed)
        try:
            world.deployment.wait_until_ready()
            yield
        finally:  # a test that fails leaves no crash behind for the next one
            world.deployment.restart("api-messaging")
            world.deployment.wait_until_ready()
        return
    failpoints.arm(CRASH)
    try:
        yield
    finally:
        failpoints.disarm()


def test_nothing_of_the_patient_reaches_the_embedded_services(
    embedded: EmbeddedWorld, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Database files with what SQLite keeps beside them, the bus, the logs, the report of a crash."""
    journey(embedded)
    crash(embedded, canaries()[0])
    written = capsys.readouterr()
    log = (written.out + written.err).encode()
    assert b"FailpointReachedError" in log, "the crash was not reported"
    places = [*files_below(embedded.data), ("log", log)]
    assert {"messaging.sqlite", "consent.sqlite", "directory.sqlite", "bus.sqlite"} <= {place for place, _ in places}
    assert findings(canaries(), places) == []
    _control_run_on_files(embedded.data, tmp_path)


@pytest.mark.parametrize("log", ["account", "key-log"])
def test_the_keys_of_the_logs_are_in_no_database(embedded: EmbeddedWorld, log: str) -> None:
    """Whoever copies the databases can sign neither a checkpoint nor a line. The key files hold what is searched."""
    files = dict(files_below(embedded.data))
    private = json.loads(files[f"keys/{log}.jwk"])["d"]
    forms = (private.encode(), from_base64url(private))
    databases = {place: content for place, content in files.items() if ".sqlite" in place}
    assert len(databases) >= 4
    assert [place for place, content in databases.items() if any(form in content for form in forms)] == []


def _control_run_on_files(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "planted"
    copy.mkdir()
    for database in data.glob("*.sqlite"):  # by SQLite itself: the services go on writing, and a bare copy may be torn
        with (
            contextlib.closing(sqlite3.connect(database, timeout=60)) as source,
            contextlib.closing(sqlite3.connect(copy / database.name)) as target,
        ):
            source.backup(target)
    for word, service in zip(canaries(), ("messaging", "consent", "directory", "bus", "messaging"), strict=True):
        with contextlib.closing(sqlite3.connect(copy / f"{service}.sqlite")) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS planted (words TEXT)")
            connection.execute("INSERT INTO planted VALUES (?)", (word,))
            connection.commit()
            found = findings([word], files_below(copy))
        assert any(place.startswith(f"{service}.sqlite") for place in found), f"{word!r} was planted and not found"


@pytest.mark.real
def test_nothing_of_the_patient_reaches_the_deployed_services(deployed: DeployedWorld, tmp_path: Path) -> None:
    """A dump of each database in both formats, every message on the broker, every line of every process."""
    with _spy(deployed) as overheard:
        journey(deployed)
        crash(deployed, canaries()[0])
    bodies = overheard()
    logs = list(files_below(deployed.deployment.folder))
    assert any(b"letter-released.v1" in body for _, body in bodies), "the spy heard nothing"
    assert any(b"FailpointReachedError" in content for _, content in logs), "the crash was not reported"
    assert findings(canaries(), [*_dumps(deployed, tmp_path), *bodies, *logs]) == []
    _control_run_on_postgresql(deployed, tmp_path)


def _control_run_on_postgresql(world: DeployedWorld, tmp_path: Path) -> None:
    """As text and as bytes, in a database of its own kind; each dump must show both."""
    words = canaries()
    with psycopg.connect(plain_url(world.deployment, "messaging"), autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (words text, bytes bytea)")
        try:
            for word in words:
                connection.execute("INSERT INTO planted VALUES (%s, NULL), (NULL, %s)", (word, word.encode()))
            found = set(findings(words, _dumps(world, tmp_path)))
        finally:
            connection.execute("DROP TABLE planted")
    assert found >= {f"{kind} dump of messaging: {word}" for kind in ("plain", "custom") for word in words}


def _dumps(world: DeployedWorld, tmp_path: Path) -> Places:
    pg_dump = installed_program("pg_dump", "postgresql-client")
    for service in world.deployment.ports:
        for kind in ("plain", "custom"):
            target = tmp_path / f"{service}.{kind}"
            # Uncompressed: words in a compressed dump would not be found, whether they are there or not.
            line = [
                pg_dump,
                f"--format={kind}",
                "--compress=0",
                f"--file={target}",
                plain_url(world.deployment, service),
            ]
            subprocess.run(line, check=True)
            yield f"{kind} dump of {service}", target.read_bytes()


@contextlib.contextmanager
def _spy(world: DeployedWorld) -> Iterator[Callable[[], list[tuple[str, bytes]]]]:
    """Hears every event from here on; what is yielded gives the bodies and headers that were heard."""
    environment = world.deployment.environment("messaging")
    parameters = pika.URLParameters(environment["CONCORD_AMQP_URL"])
    parameters.heartbeat = 0  # nobody answers the broker while the journey runs
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, f"{environment['CONCORD_AMQP_PREFIX']}.events", routing_key="#")

    def overheard() -> list[tuple[str, bytes]]:
        heard: list[tuple[str, bytes]] = []
        while True:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                connection.close()
                return heard
            heard += [("message", body), ("properties", repr(properties).encode() + method.routing_key.encode())]

    yield overheard


def test_the_search_finds_words_in_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The control for logs: a careless line is found, with its accents escaped by JSON."""
    for word in canaries():
        print(json.dumps({"event": "careless", "who": word}))  # noqa: T201 - what careless code would do
        assert findings([word], [("log", capsys.readouterr().out.encode())]) != []
