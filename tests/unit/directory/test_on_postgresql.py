"""What only two at once, and only PostgreSQL, can show."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from concord_formats import merkle
from concord_formats.cosignatures import WitnessKey, cosign, cosigned_at, own_clock, with_signatures
from concord_formats.key_log import read_binding
from concord_formats.notes import unverified_text
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from services.chassis import migrate
from services.chassis.db import Database
from services.directory import checkpoints, key_log, models
from services.directory.key_tree import TREE
from services.directory.tokens import TokenKeys
from tests.unit.directory.account import Account, TestDevice, body_of, read_code
from tests.unit.directory.grown_log import checkpoint, leaves
from tests.unit.directory.house import House, Person, problem

pytestmark = pytest.mark.real
AT_ONCE = 6


@pytest.fixture
def place(postgresql: Database) -> House:
    """A directory on PostgreSQL."""
    migrate.upgrade(postgresql, "directory")
    return House(postgresql)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Every call in a thread of its own, begun together."""
    line = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        line.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_of_two_who_enrol_at_once_one_wins(place: House) -> None:
    admin = place.administrator()
    made = admin.invites("Pia Practice")
    secret = read_code(made.code)["secret"]

    def enrol() -> Any:
        account = Account(UUID(str(made.practitioner)))
        body = {"practitioner": str(account.id), "secret": secret} | body_of(account.first_entry(TestDevice()))
        return lambda: place.app.test_client().post("/v1/enrolments", json=body)

    answers = at_once(*(enrol() for _ in range(AT_ONCE)))
    won = [answer for answer in answers if answer.status_code == 201]
    lost = {problem(answer) for answer in answers if answer.status_code != 201}
    assert len(won) == 1
    assert lost <= {(409, "already-enrolled"), (403, "invitation-refused")}
    assert place.spoken().count("practitioner-registered") == 2


def test_an_assertion_sent_many_times_at_once_gives_one_token(place: House) -> None:
    person = place.administrator()
    assertion = person.assertion()
    apps = [place.another_process() for _ in range(AT_ONCE)]
    calls = [lambda app=app: person.ask_token(app.test_client(), assertion=assertion) for app in apps]
    assert sorted(answer.status_code for answer in at_once(*calls)) == [200] + [401] * (AT_ONCE - 1)


def test_of_two_entries_with_one_number_one_stands(place: House) -> None:
    person = place.administrator()
    person.sign_in()

    def entry() -> Callable[[], Any]:
        signed = person.account.rotating()
        person.account.entries.pop()
        path = f"/v1/practitioners/{person.id}/keys"
        return lambda: person.request("POST", path, client=place.app.test_client(), json=body_of(signed))

    person.request("GET", f"/v1/practitioners/{person.id}")
    answers = at_once(*(entry() for _ in range(AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1)


def test_processes_that_start_together_make_one_key_set(place: House) -> None:
    """Both have looked, found nothing and want to make the first key: they must take turns."""
    first, second = (TokenKeys(place.database, place.clock) for _ in range(2))
    with place.database.transaction() as session, ThreadPoolExecutor(2) as pool:
        session.execute(text("SELECT pg_advisory_xact_lock(7404951)"))
        both = [pool.submit(keys.rotate) for keys in (first, second)]
        assert not wait(both, timeout=0.5).done, "who rotates waits for whoever rotates already"
        session.commit()
        wait(both, timeout=10)
    with place.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(models.TokenKey)) == 1


def test_numbers_have_no_gaps_when_many_change_at_once(place: House) -> None:
    admin = place.administrator()
    people = [place.practitioner(admin, name=f"Person {n}") for n in range(AT_ONCE)]
    admin.sign_in()
    admin.request("GET", f"/v1/practitioners/{admin.id}")
    calls = [
        lambda p=p: admin.request("POST", f"/v1/practitioners/{p.id}/suspension", client=place.app.test_client())
        for p in people
    ]
    assert {answer.status_code for answer in at_once(*calls)} == {200}
    numbers = [event.sequence for event in place.events()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("statement", ["UPDATE key_entry SET n = n", "DELETE FROM key_entry", "TRUNCATE key_entry"])
def test_the_database_itself_keeps_the_past(place: House, statement: str) -> None:
    place.administrator()
    with pytest.raises(DBAPIError, match="never changed"), place.database.engine.begin() as connection:
        connection.execute(text(statement))


def test_a_name_is_found_in_pages_here_too(place: House) -> None:
    admin = place.administrator()
    for name in ("Zoë Ångström", "zoe Second", "Åsa Third"):
        admin.invites(name)
    seen, query = [], {"limit": 1}
    while True:
        page = admin.request("GET", "/v1/practitioners", query_string=query).get_json()
        seen += [each["name"] for each in page["practitioners"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(seen) == ["Ada Admin", "Zoë Ångström", "zoe Second", "Åsa Third"]
    found = admin.request("GET", "/v1/practitioners", query_string={"name": "ÅNGSTRÖM"}).get_json()["practitioners"]
    assert [each["name"] for each in found] == ["Zoë Ångström"]


def test_models_and_migrations_agree(place: House) -> None:
    assert migrate.differences(place.database, "directory", models.Base.metadata) == []


def test_a_log_that_many_append_to_at_once_stays_one_tree(place: House) -> None:
    """Each changes its keys twice, and others read meanwhile: every size has one checkpoint, and all of them agree."""
    admin = place.administrator()
    people = [admin, *(place.practitioner(admin, name=f"Person {n}") for n in range(AT_ONCE - 1))]
    for person in people:
        person.sign_in()
        person.request("GET", f"/v1/practitioners/{person.id}")

    def changes(person: Person) -> list[int]:
        client, path = place.app.test_client(), f"/v1/practitioners/{person.id}/keys"
        entries = [person.account.rotating(), person.account.adding(TestDevice())]
        return [person.request("POST", path, client=client, json=body_of(each)).status_code for each in entries]

    def reads() -> list[int]:
        client = place.app.test_client()
        return [checkpoint(place, client).size for _ in range(2 * AT_ONCE)]

    renewing = [lambda: [checkpoints.renew(place.deps).size for _ in range(AT_ONCE)]]
    told = at_once(*(lambda p=p: changes(p) for p in people), reads, *renewing)
    assert told[:AT_ONCE] == [[201, 201]] * AT_ONCE
    assert told[AT_ONCE] == sorted(told[AT_ONCE])
    hashes = [merkle.leaf_hash(data) for data in leaves(place)]
    assert len(hashes) == 3 * AT_ONCE
    with place.database.transaction() as session:
        given = [place.log_key.checkpoint(note) for note in session.scalars(select(models.KeyCheckpointRow.note))]
    assert {each.size for each in given if each} == set(range(1, 3 * AT_ONCE + 1))
    assert all(each and each.root == merkle.root(hashes[: each.size]) for each in given)
    order = [(each.account, each.n) for each in map(read_binding, leaves(place))]
    assert all([n for account, n in order if account == person.id] == [1, 2, 3] for person in people)


def test_a_cosignature_that_comes_while_the_log_speaks_anew_takes_nothing_back(place: House) -> None:
    place.administrator()
    clock, witness = own_clock(place.log_key.verifier), Ed25519PrivateKey.generate()
    note = checkpoints.newest(place.deps)
    line = cosign(unverified_text(note), "w.test", witness, 7)
    later = cosigned_at(note, clock) + 60
    with ThreadPoolExecutor(1) as pool, place.database.transaction() as session:
        TREE.lock(session)
        late = pool.submit(checkpoints.add_cosignature, place.deps, 1, line)
        assert not wait([late], timeout=0.3).done
        again = cosign(unverified_text(note), clock.name, place.log_key.private, later)
        session.get_one(models.KeyCheckpointRow, 1).note = with_signatures(note, [again])
    late.result()
    told = checkpoints.newest(place.deps)
    assert (cosigned_at(told, clock), cosigned_at(told, WitnessKey.of("w.test", witness))) == (later, 7)


def test_of_many_enrolments_that_race_the_one_that_wins_is_logged_alone(place: House) -> None:
    admin = place.administrator()
    made = admin.invites("Pia Practice")
    secret = read_code(made.code)["secret"]
    accounts = [Account(made.practitioner) for _ in range(AT_ONCE)]

    def enrol(account: Account) -> Any:
        body = {"practitioner": str(account.id), "secret": secret} | body_of(account.first_entry(TestDevice()))
        return lambda: place.app.test_client().post("/v1/enrolments", json=body)

    answers = at_once(*map(enrol, accounts))
    winner = next(each for each, answer in zip(accounts, answers, strict=True) if answer.status_code == 201)
    bound = [read_binding(data) for data in leaves(place)]
    assert [(each.account, each.entry) for each in bound[1:]] == [(winner.id, winner.entries[0].digest)]
    assert checkpoint(place).size == 2


@pytest.mark.parametrize("statement", ["UPDATE key_leaf SET n = n", "DELETE FROM key_leaf", "TRUNCATE key_leaf"])
def test_the_database_itself_keeps_the_leaves_of_the_log(place: House, statement: str) -> None:
    place.administrator()
    with pytest.raises(DBAPIError, match="never changed"), place.database.engine.begin() as connection:
        connection.execute(text(statement))


def test_what_an_earlier_version_recorded_is_logged_once_however_many_come_for_it(place: House) -> None:
    admin = place.administrator()
    signed = admin.account.rotating()
    with place.database.transaction() as session:
        row = {"practitioner_id": admin.id, "n": 2, "entry": signed.entry, "signature": signed.signature}
        session.execute(insert(models.KeyEntryRow).values(row | {"recorded_at": place.clock.now()}))
    told = at_once(*(lambda: key_log.places(place.deps, admin.id, 2) for _ in range(AT_ONCE)))
    assert told == [[0, 1]] * AT_ONCE
    assert checkpoint(place).size == 2
