"""What a decision costs as the number of consents grows: at messaging's gate, and where the grants are compiled.

Owns the two databases of each size, filled by PostgreSQL itself, and the ratio to a bare transaction on the same
connection. Refuses the network and HTTP: those cost the same whatever the number of consents.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import md5
from random import Random
from uuid import UUID, uuid4

import psycopg
from concord_formats.address import Address
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from sqlalchemy import text

from services.chassis import migrate
from services.chassis.db import Database
from services.consent import records, restrictions, texts
from services.consent.rules.grants import compile_grants
from services.messaging import facts
from services.messaging.facts import Question
from services.messaging.rules import Permit, decide

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SECONDS = 3.0
SENDER, RECIPIENT, DEVICE, ORGANIZATION = (UUID(int=n) for n in (0xA1, 0xB1, 0xD1, 0xC1))
PATIENT = "pt_" + "a" * 26
NOW = datetime.now(UTC)
PARTIES = [{"kind": "practitioner", "id": str(person)} for person in (SENDER, RECIPIENT)]
GRANT = {
    "discloser": PARTIES[0],
    "recipient": PARTIES[1],
    "purposes": ["treatment"],
    "information": ["diagnoses", "medications"],
    "sensitivity": ["behavioral-health", "general"],
    "valid_from": (NOW - timedelta(days=1)).isoformat(),
    "valid_until": (NOW + timedelta(days=300)).isoformat(),
    "withheld": [],
}


def measure(postgresql_url: str) -> dict[str, float]:
    """Per size: decisions and compilations a second, and what each costs in bare transactions."""
    figures: dict[str, float] = {}
    for size in SIZES:
        with _database(postgresql_url, "messaging") as database:
            _fill(database, _MESSAGING, size)
            bare, gate = _rate(lambda: _bare(database)), _rate(_gate(database, size))
        figures |= {
            f"gate_decisions_per_second_{size}": gate,
            f"gate_decision_in_bare_transactions_{size}": bare / gate,
        }
        with _database(postgresql_url, "consent") as database:
            _fill(database, _CONSENT, size)
            bare, compiled = _rate(lambda: _bare(database)), _rate(_compile(database, size))
        figures[f"consents_compiled_per_second_{size}"] = compiled
        figures[f"compilation_in_bare_transactions_{size}"] = bare / compiled
    return figures


def _bare(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("SELECT 1"))


def _gate(database: Database, size: int) -> Callable[[], None]:
    letters = [_address(UUID(bytes=md5(str(n).encode()).digest())) for n in _numbers(size)]  # noqa: S324 - as the rows
    turn = itertools.cycle(letters)

    def once() -> None:
        letter = next(turn)
        with database.transaction() as session:
            known = facts.read(session, Question(letter, SENDER, DEVICE))
            decision = decide(known.about(Question(letter, SENDER, DEVICE), RECIPIENT), NOW)
        if not isinstance(decision, Permit):
            raise RuntimeError(f"the gate does not know consent {letter.consent}: {decision}")

    return once


def _compile(database: Database, size: int) -> Callable[[], None]:
    ids = itertools.cycle([UUID(bytes=md5(str(n).encode()).digest()) for n in _numbers(size)])  # noqa: S324 - likewise

    def once() -> None:
        with database.transaction() as session:
            row = records.find(session, next(ids))
            if row is None or not compile_grants(
                texts.text_of(row, row.versions[-1]), restrictions.withheld_of(session, row.patient)
            ):
                raise RuntimeError("the consent comes to nothing")

    return once


def _numbers(size: int) -> list[int]:
    return (
        [Random(size).randint(1, size) for _ in range(5_000)]
        if size < 5_000
        else Random(size).sample(range(1, size), 5_000)
    )


def _rate(work: Callable[[], None]) -> float:
    for _ in range(200):
        work()
    done, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        work()
        done += 1
    return done / SECONDS


def _address(consent: UUID) -> Address:
    letter = uuid4()
    return Address(
        v=1,
        letter=letter,
        sender=SENDER,
        device=DEVICE,
        recipients=(RECIPIENT,),
        patient=PATIENT,
        consent=consent,
        consent_version=1,
        purpose=Purpose.TREATMENT,
        information=frozenset({Information.DIAGNOSES}),
        sensitivity=frozenset({Sensitivity.GENERAL}),
        thread=letter,
        sealed_at=NOW,
    )


@contextmanager
def _database(postgresql_url: str, service: str) -> Iterator[Database]:
    name = f"concord_bench_{uuid4().hex[:8]}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    database = Database(
        postgresql_url.replace("postgresql://", "postgresql+psycopg://").rpartition("/")[0] + f"/{name}"
    )
    try:
        migrate.upgrade(database, service)
        yield database
    finally:
        database.engine.dispose()
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _fill(database: Database, statements: tuple[str, ...], size: int) -> None:
    values = {
        "size": size,
        "patient": PATIENT,
        "sender": SENDER,
        "recipient": RECIPIENT,
        "device": DEVICE,
        "organization": ORGANIZATION,
        "parties": json.dumps(PARTIES),
        "grants": facts.grants_text([GRANT]),
        "now": NOW,
        "until": NOW + timedelta(days=300),
        "sha": "ab" * 32,
    }
    with database.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, values)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


_MESSAGING = (
    "INSERT INTO known_practitioner (practitioner, organization, status)"
    " SELECT person, %(organization)s::uuid, 'active' FROM unnest(ARRAY[%(sender)s, %(recipient)s]::uuid[]) person",
    "INSERT INTO known_device (device, practitioner, status) VALUES (%(device)s, %(sender)s, 'active')",
    "INSERT INTO known_consent (consent, version, status, patient, parties, grants)"
    " SELECT md5(n::text)::uuid, 1, 'active', %(patient)s, %(parties)s, %(grants)s"
    " FROM generate_series(1, %(size)s) n",
)
_CONSENT = (
    # Ten consents a patient.
    "INSERT INTO patient (token) SELECT 'pt_' || n FROM generate_series(0, %(size)s / 10) n",
    "INSERT INTO consent"
    " (id, patient, discloser_kind, discloser_id, recipient_kind, recipient_id, created_at, created_by)"
    " SELECT md5(n::text)::uuid, 'pt_' || n / 10, 'practitioner', %(sender)s, 'practitioner', %(recipient)s, %(now)s,"
    " %(sender)s FROM generate_series(1, %(size)s) n",
    "INSERT INTO consent_version (consent, number, status, type, mutual, purposes, information, sensitivity,"
    " valid_from, valid_until, created_at, created_by, evidence_sha256, evidence_size,"
    " evidence_signed_on, evidence_method, evidence_form, evidence_language, evidence_statements,"
    " evidence_signer, evidence_copy_given)"
    " SELECT id, 1, 'active', 'hipaa-authorization', false, '[\"treatment\"]', '[\"diagnoses\", \"medications\"]',"
    " '[\"general\"]', %(now)s, %(until)s, %(now)s, %(sender)s, %(sha)s, 300, %(now)s, 'ink', 'concord', 'en',"
    ' \'["right-to-revoke", "revocation-exceptions", "how-to-revoke", "conditioning", "redisclosure",'
    " \"plain-language\"]', 'patient', true FROM consent",
    # Of one patient in five, something is withheld.
    "INSERT INTO restriction (id, patient, status, discloser_kind, discloser_id, information, sensitivity,"
    " requested_on, created_at, created_by)"
    " SELECT md5('r' || n)::uuid, 'pt_' || n, 'agreed', 'practitioner', %(sender)s, '[\"medications\"]', '[]', %(now)s,"
    " %(now)s, %(sender)s FROM generate_series(0, %(size)s / 10, 5) n",
    "INSERT INTO consent_direction (consent, version, place, accepted_at, accepted_by, accepted_sha256)"
    " SELECT id, 1, 0, %(now)s, %(sender)s, %(sha)s FROM consent",
)
