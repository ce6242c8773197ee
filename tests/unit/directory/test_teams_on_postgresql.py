"""Teams and delegations where two act at once, which only PostgreSQL can show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from concord_formats.delegations import SignedDelegation
from sqlalchemy import func, make_url, select

from services.chassis import migrate
from services.chassis.db import Database
from services.chassis.feed import Number
from services.directory import events, models, standing
from services.directory.rules.delegations import MOST_GIVEN, DelegationStatus
from services.directory.rules.teams import MAX_MEMBERS
from tests.unit.directory.delegating import delegation, give, given
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.test_on_postgresql import at_once
from tests.unit.directory.test_teams import department, made, place
from tests.unit.directory.told import pages, told

pytestmark = pytest.mark.real
AT_ONCE = 4


@pytest.fixture(scope="module")
def house(postgresql_url: str) -> Iterator[House]:
    """A directory on PostgreSQL, one for all of these tests: each has organizations of its own."""
    name = f"concord_test_{uuid4().hex[:12]}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        url = make_url(postgresql_url).set(drivername="postgresql+psycopg", database=name)
        database = Database(url.render_as_string(hide_password=False))
        migrate.upgrade(database, "directory")
        yield House(database)
        database.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def admins(house: House) -> list[Person]:
    """Administrators of a new organization, signed in."""
    first = house.administrator()
    people = [first, *(house.administrator(first.organization) for _ in range(AT_ONCE - 1))]
    for each in people:
        each.request("GET", "/v1/teams", query_string={"limit": 1})
    return people


def asked(by: Person, method: str, path: str, **more: Any) -> Callable[[], Any]:
    """A request to be sent from a thread of its own."""
    client = by.house.app.test_client()
    return lambda: by.request(method, path, client=client, **more)


def giving(by: Person, said: SignedDelegation) -> Callable[[], Any]:
    """A delegation to be sent from a thread of its own."""
    client = by.house.app.test_client()
    return lambda: give(by, said, client)


def replayed(house: House, team: str) -> set[str]:
    """Who is a member by the feed's events in their order."""
    members: set[str] = set()
    for event in house.events():
        if event.data.get("team") == team:
            change = members.add if event.type.endswith("added.v1") else members.discard
            change(event.data["practitioner"])
    return members


def shown(by: Person, team: str) -> set[str]:
    return {each["practitioner"] for each in by.request("GET", f"/v1/teams/{team}").get_json()["members"]}


def test_administrators_at_once_do_not_add_a_twenty_first_member(admins: list[Person]) -> None:
    admin, house = admins[0], admins[0].house
    team = made(admin, "Intake")
    people = [house.practitioner(admin, name=f"Person {n:02}") for n in range(MAX_MEMBERS - 1 + AT_ONCE)]
    for each in people[: MAX_MEMBERS - 1]:
        admin.request("PUT", place(team, each))
    last = people[MAX_MEMBERS - 1 :]
    answers = at_once(*(asked(by, "PUT", place(team, who)) for by, who in zip(admins, last, strict=True)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (AT_ONCE - 1)
    assert {problem(answer) for answer in answers if answer.status_code == 409} == {(409, "team-full")}
    assert len(shown(admin, team)) == MAX_MEMBERS
    assert replayed(house, team) == shown(admin, team)


def test_the_same_member_added_at_once_is_told_once(admins: list[Person]) -> None:
    house, team = admins[0].house, made(admins[0], "Intake")
    person = house.practitioner(admins[0])
    answers = at_once(*(asked(by, "PUT", place(team, person)) for by in admins))
    assert {answer.status_code for answer in answers} == {200}
    assert len(told(house, "team-member-added", team=team)) == 1


def test_of_adding_and_removing_at_once_the_events_tell_what_stands(admins: list[Person]) -> None:
    house, team = admins[0].house, made(admins[0], "Intake")
    person = house.practitioner(admins[0])
    admins[0].request("PUT", place(team, person))
    for _ in range(5):
        calls = [asked(by, ("PUT", "DELETE")[n % 2], place(team, person)) for n, by in enumerate(admins)]
        assert {answer.status_code for answer in at_once(*calls)} == {200}
        assert replayed(house, team) == shown(admins[0], team)
    changes = [event.type for event in house.events() if event.data.get("team") == team]
    assert all(one != two for one, two in pairwise(changes)), "nobody comes twice or leaves twice"


def test_nobody_is_left_in_a_team_that_is_closed_while_they_are_added(admins: list[Person]) -> None:
    admin, house = admins[0], admins[0].house
    person = house.practitioner(admin)
    for n in range(4):
        team = made(admin, f"Team {'abcd'[n]}")
        added, closed = at_once(
            asked(admins[1], "PUT", place(team, person)), asked(admins[2], "POST", f"/v1/teams/{team}/closing")
        )
        assert closed.status_code == 200
        assert added.status_code == 200 or problem(added) == (409, "team-closed")
        assert shown(admin, team) == replayed(house, team) == set()


def test_who_is_suspended_while_they_are_added_deadlocks_nobody(admins: list[Person]) -> None:
    house, team = admins[0].house, made(admins[0], "Intake")
    people = [house.practitioner(admins[0], name=f"Person {n}") for n in range(AT_ONCE)]
    for who in people:
        answers = at_once(
            asked(admins[1], "PUT", place(team, who)),
            asked(admins[2], "POST", f"/v1/practitioners/{who.id}/suspension"),
            asked(admins[3], "DELETE", place(team, people[0])),
        )
        assert answers[0].status_code in {200, 409}
        assert answers[1].status_code == 200
        assert answers[2].status_code in {200, 404}


def test_of_two_teams_with_one_name_made_at_once_one_stands(admins: list[Person]) -> None:
    for path in ("/v1/teams", "/v1/departments"):
        calls = [asked(by, "POST", path, json={"name": "Intake"}) for by in admins]
        answers = at_once(*calls)
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1), path


def test_a_department_that_ends_while_a_team_is_made_in_it_leaves_no_team_behind_it(admins: list[Person]) -> None:
    for n in range(4):
        within = department(admins[0], f"Department {'abcd'[n]}")
        ended, team, joined = at_once(
            asked(admins[0], "DELETE", f"/v1/departments/{within}"),
            asked(admins[1], "POST", "/v1/teams", json={"name": f"Team {'abcd'[n]}", "department": within}),
            asked(admins[2], "PUT", f"/v1/departments/{within}/members/{admins[2].id}"),
        )
        assert ended.status_code == 204
        assert joined.status_code in {204, 404}
        if team.status_code == 201:
            assert admins[0].request("GET", f"/v1/teams/{team.get_json()['id']}").get_json()["department"] is None
        else:
            assert problem(team) == (422, "invalid-field")


def test_the_same_delegation_sent_at_once_is_told_once(admins: list[Person]) -> None:
    ana, house = admins[0], admins[0].house
    said = delegation(ana, admins[1].id)
    answers = at_once(*(giving(ana, said) for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(told(house, "delegation-given", delegator=ana.id)) == 1


def test_two_words_with_one_id_at_once_leave_one(admins: list[Person]) -> None:
    house = admins[0].house
    first = delegation(admins[0], admins[1].id)
    id_ = first.line.decode().split('"delegation": "')[1][:36]
    others = [delegation(by, admins[0].id, delegation=id_) for by in admins[1:]]
    answers = at_once(*(giving(by, said) for by, said in zip(admins, [first, *others], strict=True)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1)
    assert {problem(answer) for answer in answers if answer.status_code == 409} == {(409, "delegation-known")}
    assert len(told(house, "delegation-given", delegation=id_)) == 1


def test_nobody_gives_more_than_the_most_by_giving_at_once(admins: list[Person]) -> None:
    ana = admins[0]
    for _ in range(MOST_GIVEN - 1):
        given(ana, admins[1].id)
    words = [delegation(ana, admins[1].id) for _ in range(AT_ONCE)]
    answers = at_once(*(giving(ana, said) for said in words))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (AT_ONCE - 1)


def test_a_delegation_that_another_revokes_at_once_is_told_once(admins: list[Person]) -> None:
    house, id_ = admins[0].house, given(admins[0], admins[1].id)
    with ThreadPoolExecutor(1) as pool, house.database.transaction() as session:
        row = session.get_one(models.DelegationRow, UUID(id_), with_for_update=True)
        event = events.delegation_revoked(house.deps.feed, session, row.id)
        row.status, (row.standing_epoch, row.standing_seq) = DelegationStatus.REVOKED, Number.of(event)
        session.flush()
        late = pool.submit(asked(admins[1], "DELETE", f"/v1/delegations/{id_}"))
        assert not wait([late], timeout=0.3).done
        session.commit()
        assert late.result(timeout=10).status_code == 200
    assert len(told(house, "delegation-revoked", delegation=id_)) == 1


def test_a_device_that_is_being_revoked_gives_nothing_more(admins: list[Person]) -> None:
    """What it sends waits for the revocation under way, and is refused then."""
    house, ana = admins[0].house, admins[1]
    said = delegation(ana, admins[2].id)
    with ThreadPoolExecutor(1) as pool, house.database.transaction() as session:
        standing.revoke_in_force(house.deps, session, session.get_one(models.Device, ana.device.id))
        session.flush()
        late = pool.submit(giving(ana, said))
        assert not wait([late], timeout=0.3).done
        session.commit()
        assert problem(late.result(timeout=10)) == (403, "device-revoked")
    assert told(house, "delegation-given", delegator=ana.id) == []


def test_an_absence_told_by_several_at_once_is_one(admins: list[Person]) -> None:
    house, ana = admins[0].house, admins[0]
    ends_at = (house.clock.now() + timedelta(days=3)).isoformat()
    path = f"/v1/practitioners/{house.practitioner(ana).id}/coverage"
    bodies = [{"covering": str(by.id), "starts_at": house.clock.now().isoformat(), "ends_at": ends_at} for by in admins]
    answers = at_once(*(asked(by, "PUT", path, json=body) for by, body in zip(admins, bodies, strict=True)))
    assert {answer.status_code for answer in answers} == {200}
    with house.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(models.Coverage)) == 1
    assert ana.request("GET", path).get_json() in [answer.get_json() for answer in answers]


def test_the_list_of_delegations_pages_here_too(admins: list[Person]) -> None:
    ana, house = admins[0], admins[0].house
    made_ = []
    for n in range(4):
        made_.append(given(ana, admins[1].id))
        house.clock.pass_(0.001 * (n % 2))
    seen = [each["id"] for page in pages(ana, "/v1/delegations", "delegations", limit=1) for each in page]
    assert sorted(seen) == sorted(made_)
    assert len(seen) == 4
