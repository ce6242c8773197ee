"""`make rotate-passwords`: every password is another one afterwards, and everything works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.chassis.config import SERVICES
from tests.deploy.composition import Composition
from tests.deployment import wait_for
from tests.people import People, active_consent, send_note

pytestmark = pytest.mark.long
SECONDS = 120.0
FILES = (
    *(f"postgresql/{name}" for name in ("superuser", "archive", *SERVICES)),
    *(f"rabbitmq/{name}" for name in SERVICES),
    *(f"{service}/concord_{kind}_url" for service in SERVICES for kind in ("database", "amqp")),
    "rabbitmq/definitions.json",
)


@pytest.fixture
def secrets(composition: Composition) -> Path:
    return composition.folder / ".secrets"


def contents(secrets: Path) -> dict[str, str]:
    return {name: (secrets / name).read_text() for name in FILES}


def rotate(composition: Composition) -> None:
    """As `make rotate-passwords` does."""
    composition.module("deploy.rotate_passwords")


def rejected(composition: Composition, address: str, module: str, call: str) -> bool:
    """Whether a server refuses what a service's file held before."""
    program = f"import {module}; {call}"
    shown = address.replace("+psycopg", "")
    with pytest.raises(RuntimeError) as refused:
        composition.compose("exec", "-T", "messaging-worker", "python", "-c", program.format(address=shown))
    return bool(re.search("password authentication failed|ACCESS_REFUSED", str(refused.value)))


def test_every_password_is_another_one_and_letters_go_on(
    composition: Composition, secrets: Path, people: People
) -> None:
    before = contents(secrets)
    rotate(composition)
    after = contents(secrets)
    assert [name for name in FILES if before[name] == after[name]] == []
    assert not list(secrets.rglob("*.part"))
    for service in SERVICES:  # what the files of the services hold is what the others say
        assert after[f"postgresql/{service}"] in after[f"{service}/concord_database_url"]
        assert after[f"rabbitmq/{service}"] in after[f"{service}/concord_amqp_url"]
    consent = active_consent(people)
    sent = send_note(people, consent.id)
    wait_for(lambda: people.physician.letters.status(sent.letter)[0].state == "released", SECONDS, "the letter to go")
    people.physician.consents.revoke(consent.id)
    assert rejected(composition, before["messaging/concord_database_url"], "psycopg", "psycopg.connect('{address}')")
    assert rejected(
        composition,
        before["messaging/concord_amqp_url"],
        "pika",
        "pika.BlockingConnection(pika.URLParameters('{address}'))",
    )
    composition.healthy()


def test_the_archive_and_a_broker_that_starts_again_know_the_new_ones(composition: Composition) -> None:
    rotate(composition)
    composition.compose("restart", "rabbitmq", "postgresql-archive")
    composition.healthy("rabbitmq")
    followed = "SELECT active FROM pg_replication_slots WHERE slot_name = 'archive'"
    wait_for(lambda: composition.sql("postgres", followed) == [["t"]], SECONDS, "the archive to follow")
    wait_for(
        lambda: "broker: answers" in doctor(composition, "consent"), SECONDS, "the broker to take consent's password"
    )
    composition.healthy()


def doctor(composition: Composition, service: str) -> str:
    return composition.compose(
        "exec", "-T", f"{service}-worker", "sh", "-c", f"concord-server doctor {service} || true"
    )


def test_a_round_that_failed_half_way_is_mended_by_another_one(composition: Composition, people: People) -> None:
    """PostgreSQL has learnt other passwords than the files hold: nobody who starts now gets in."""
    for role in ("archive", *SERVICES):
        composition.sql("postgres", f"ALTER ROLE {role} PASSWORD 'half-way'")
    rotate(composition)
    composition.healthy()
    send_note(people, active_consent(people).id)
