"""Departments, teams, and the end of a membership."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.told import facts, pages, rings, told


@pytest.fixture
def house(kept_house: House) -> House:
    return kept_house


@pytest.fixture
def person(house: House, admin: Person) -> Person:
    return house.practitioner(admin)


@pytest.fixture
def team(admin: Person) -> str:
    return made(admin, "Intake")


def made(admin: Person, name: str, **more: Any) -> str:
    answer = admin.request("POST", "/v1/teams", json={"name": name, **more})
    assert answer.status_code == 201, answer.data
    return str(answer.get_json()["id"])


def place(team: str, person: Person) -> str:
    return f"/v1/teams/{team}/members/{person.id}"


def listed(by: Person, **query: Any) -> list[dict[str, Any]]:
    answer = by.request("GET", "/v1/teams", query_string=query)
    assert answer.status_code == 200, answer.data
    return list(answer.get_json()["teams"])


def members(by: Person, team: str) -> list[str]:
    return [each["practitioner"] for each in by.request("GET", f"/v1/teams/{team}").get_json()["members"]]


def test_a_new_team_has_a_name_an_organization_and_no_members(admin: Person, stranger: Person) -> None:
    answer = admin.request("POST", "/v1/teams", json={"name": " Intake  desk "})
    shown = answer.get_json()
    assert answer.status_code == 201
    assert shown | {"id": ""} == {
        "id": "",
        "name": "Intake desk",
        "organization": {"id": str(admin.organization), "name": "North Clinic"},
        "department": None,
        "status": "active",
        "members": [],
    }
    assert stranger.request("GET", f"/v1/teams/{shown['id']}").get_json() == shown, "a sender elsewhere sees it too"


def test_whoever_is_added_is_a_member_and_messaging_is_told(
    house: House, admin: Person, person: Person, team: str
) -> None:
    answer = admin.request("PUT", place(team, person))
    assert answer.status_code == 200
    (member,) = answer.get_json()["members"]
    assert (member["practitioner"], member["name"], member["status"]) == (str(person.id), "Pia Practice", "active")
    assert member["since"] == house.clock.now().isoformat().replace("+00:00", "Z")
    added = house.events()[-1]
    assert added.type == "care.concord.directory.team-member-added.v1"
    assert (added.subject, added.data) == (
        team,
        {"team": team, "organization": str(admin.organization), "practitioner": str(person.id)},
    )


def test_adding_again_changes_nothing(house: House, admin: Person, person: Person, team: str) -> None:
    first = admin.request("PUT", place(team, person)).get_json()
    before = house.spoken()
    house.clock.pass_(60)
    assert admin.request("PUT", place(team, person)).get_json() == first
    assert house.spoken() == before


def test_a_removal_is_done_once_the_barrier_is_passed(house: House, admin: Person, person: Person, team: str) -> None:
    admin.request("PUT", place(team, person))
    answer = admin.request("DELETE", place(team, person))
    assert (answer.status_code, answer.get_json()["status"]) == (200, "removed")
    assert answer.get_json()["effective_at"] is not None
    removed = house.events()[-1]
    assert removed.type == "care.concord.directory.team-member-removed.v1"
    assert (removed.subject, removed.data) == (team, {"team": team, "practitioner": str(person.id)})
    assert house.barrier.asked == [removed.sequence]
    assert members(admin, team) == []


def test_a_removal_is_not_called_done_before(house: House, admin: Person, person: Person, team: str) -> None:
    admin.request("PUT", place(team, person))
    house.barrier.open = False
    answer = admin.request("DELETE", place(team, person))
    assert (answer.status_code, answer.get_json()) == (202, {"status": "removing", "effective_at": None})
    assert members(admin, team) == [], "new letters are sealed to the others from now on"
    before = house.spoken()
    house.barrier.open = True
    assert admin.request("DELETE", place(team, person)).get_json()["status"] == "removed"
    assert house.spoken() == before, "repeating it waits for the same change"
    assert house.barrier.asked[0] == house.barrier.asked[1]


def test_a_member_may_leave_by_themselves_and_take_nobody_along(
    house: House, admin: Person, person: Person, team: str
) -> None:
    other = house.practitioner(admin, name="Olu Other")
    for each in (person, other):
        admin.request("PUT", place(team, each))
    assert problem(person.request("DELETE", place(team, other))) == (403, "administrator-only")
    assert person.request("DELETE", place(team, person)).status_code == 200
    assert members(admin, team) == [str(other.id)]


def test_who_comes_back_has_a_new_membership(house: House, admin: Person, person: Person, team: str) -> None:
    first = admin.request("PUT", place(team, person)).get_json()["members"][0]
    admin.request("DELETE", place(team, person))
    house.clock.pass_(60)
    again = admin.request("PUT", place(team, person)).get_json()["members"][0]
    assert again["since"] > first["since"]
    assert house.spoken()[-3:] == ["team-member-added", "team-member-removed", "team-member-added"]


def test_who_leaves_a_second_time_waits_for_that_change(house: House, admin: Person, person: Person, team: str) -> None:
    for _ in range(2):
        admin.request("PUT", place(team, person))
        admin.request("DELETE", place(team, person))
    assert house.barrier.asked == [event.sequence for event in told(house, "team-member-removed", team=team)]


def test_who_was_never_a_member_is_not_removed(admin: Person, person: Person, team: str) -> None:
    assert problem(admin.request("DELETE", place(team, person))) == (404, "not-found")
    assert problem(admin.request("DELETE", f"/v1/teams/{uuid4()}/members/{person.id}")) == (404, "not-found")


def test_a_suspended_member_stays_one_and_is_shown_as_suspended(
    house: House, admin: Person, person: Person, team: str
) -> None:
    admin.request("PUT", place(team, person))
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    (member,) = admin.request("GET", f"/v1/teams/{team}").get_json()["members"]
    assert member["status"] == "suspended"
    admin.request("DELETE", f"/v1/practitioners/{person.id}/suspension")
    assert admin.request("GET", f"/v1/teams/{team}").get_json()["members"][0]["status"] == "active"
    assert told(house, "team-member-removed", team=team) == []


def test_nobody_who_is_suspended_invited_unknown_or_elsewhere_becomes_a_member(
    house: House, admin: Person, person: Person, stranger: Person, team: str
) -> None:
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    for nobody in (person, stranger):
        assert problem(admin.request("PUT", place(team, nobody))) == (409, "not-a-colleague")
    assert problem(admin.request("PUT", f"/v1/teams/{team}/members/{uuid4()}")) == (404, "not-found")
    assert members(admin, team) == []


def test_only_an_administrator_of_the_organization_changes_a_team(
    house: House, admin: Person, person: Person, stranger: Person, team: str
) -> None:
    other = house.practitioner(admin, name="Olu Other")
    admin.request("PUT", place(team, other))
    before = house.spoken()
    for caller in (person, stranger):
        for method, path in (
            ("PUT", place(team, person)),
            ("DELETE", place(team, other)),
            ("POST", f"/v1/teams/{team}/closing"),
        ):
            assert problem(caller.request(method, path)) == (403, "administrator-only")
    assert problem(person.request("POST", "/v1/teams", json={"name": "Mine"})) == (403, "administrator-only")
    assert house.spoken() == before


def test_an_administrator_who_was_suspended_a_moment_ago_changes_nothing(
    house: House, admin: Person, person: Person, team: str
) -> None:
    second = house.administrator(admin.organization)
    second.sign_in()
    second.request("GET", f"/v1/teams/{team}")
    admin.request("POST", f"/v1/practitioners/{second.id}/suspension")
    assert problem(second.request("PUT", place(team, person))) == (403, "account-suspended")


def test_a_twenty_first_member_is_refused_until_there_is_room(house: House, admin: Person, team: str) -> None:
    people = [house.practitioner(admin, name=f"Person {n:02}") for n in range(21)]
    for each in people[:20]:
        assert admin.request("PUT", place(team, each)).status_code == 200
    assert problem(admin.request("PUT", place(team, people[20]))) == (409, "team-full")
    assert admin.request("PUT", place(team, people[3])).status_code == 200, "who is one already is one still"
    admin.request("DELETE", place(team, people[0]))
    assert admin.request("PUT", place(team, people[20])).status_code == 200
    assert members(admin, team) == [str(each.id) for each in people[1:]], "by name"


def test_closing_ends_every_membership_behind_the_barrier(
    house: House, admin: Person, person: Person, team: str
) -> None:
    other = house.practitioner(admin, name="Olu Other")
    for each in (person, other):
        admin.request("PUT", place(team, each))
    house.barrier.open = False
    answer = admin.request("POST", f"/v1/teams/{team}/closing")
    assert (answer.status_code, answer.get_json()) == (202, {"status": "closing", "effective_at": None})
    gone = told(house, "team-member-removed", team=team)
    assert {event.data["practitioner"] for event in gone} == {str(person.id), str(other.id)}
    house.barrier.open = True
    assert admin.request("POST", f"/v1/teams/{team}/closing").get_json()["status"] == "closed"
    assert house.barrier.asked == [gone[-1].sequence] * 2, "the last of them, and so all"
    shown = admin.request("GET", f"/v1/teams/{team}").get_json()
    assert (shown["status"], shown["members"]) == ("closed", [])


def test_closing_waits_for_the_member_who_was_removed_just_before(
    house: House, admin: Person, person: Person, team: str
) -> None:
    admin.request("PUT", place(team, person))
    house.barrier.open = False
    admin.request("DELETE", place(team, person))
    assert admin.request("POST", f"/v1/teams/{team}/closing").status_code == 202


def test_a_team_that_never_had_a_member_is_closed_at_once(house: House, admin: Person, team: str) -> None:
    house.barrier.open = False
    answer = admin.request("POST", f"/v1/teams/{team}/closing")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "closed")
    assert house.barrier.asked == []


def test_a_closed_team_takes_nobody_and_leaves_its_name(house: House, admin: Person, person: Person, team: str) -> None:
    admin.request("POST", f"/v1/teams/{team}/closing")
    assert problem(admin.request("PUT", place(team, person))) == (409, "team-closed")
    assert listed(admin, organization=admin.organization) == []
    assert made(admin, "Intake") != team


def test_two_teams_of_one_organization_do_not_look_alike(admin: Person, stranger: Person, team: str) -> None:
    for name in ("Intake", "INTAKE ", "lntake", "In take", "Int\u00e0ke"):
        answer = admin.request("POST", "/v1/teams", json={"name": name})
        assert (problem(answer), answer.get_json()["field"]) == ((409, "name-taken"), "name"), ascii(name)
    assert made(stranger, "Intake"), "elsewhere it is another"


def test_a_name_that_is_none_or_mixes_alphabets_is_refused(admin: Person) -> None:
    for name in ("", "   ", "\u0301", "a" * 201, "two\nlines", "\u202eekatnI", "Int\u0430ke", "\u0406ntake"):
        for path in ("/v1/teams", "/v1/departments"):
            answer = admin.request("POST", path, json={"name": name})
            assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "name"), ascii(name)


def test_teams_are_found_by_organization_and_by_a_part_of_the_name_page_by_page(
    admin: Person, stranger: Person
) -> None:
    word = f"x{uuid4().hex[:6]}"  # other tests have made teams here, too
    for name in (f"Zebra {word} Crisis", f"{word} crisis line", "Intake"):
        made(admin, name)
    made(stranger, f"{word} crisis South")
    found = pages(admin, "/v1/teams", "teams", name=f"{word} CRISIS", limit=2)
    assert [[each["name"] for each in page] for page in found] == [
        [f"{word} crisis line", f"{word} crisis South"],
        [f"Zebra {word} Crisis"],
    ]
    assert [each["name"] for each in listed(admin, organization=stranger.organization)] == [f"{word} crisis South"]


def test_a_list_of_teams_shows_the_members_of_each(house: House, admin: Person, person: Person) -> None:
    one, two = made(admin, "One"), made(admin, "Two")
    other = house.practitioner(admin, name="Olu Other")
    for team, member in ((one, person), (two, person), (two, other)):
        admin.request("PUT", place(team, member))
    shown = listed(admin, organization=admin.organization)
    assert [[each["name"] for each in team["members"]] for team in shown] == [
        ["Pia Practice"],
        ["Olu Other", "Pia Practice"],
    ]


def test_the_snapshot_says_what_the_events_came_to(house: House, admin: Person, person: Person, team: str) -> None:
    other, second = house.practitioner(admin, name="Olu Other"), made(admin, "Second")
    for where, who in ((team, person), (team, other), (second, person), (second, other)):
        admin.request("PUT", place(where, who))
    admin.request("DELETE", place(team, person))
    admin.request("DELETE", place(second, other))
    admin.request("PUT", place(second, other))
    admin.request("POST", f"/v1/teams/{made(admin, 'Third')}/closing")
    state: dict[tuple[str, str], dict[str, Any]] = {}
    for event in house.events():
        if "team-member" in event.type:
            key = event.data["team"], event.data["practitioner"]
            state.pop(key, None)
            if event.type.endswith("added.v1"):
                state[key] = {"kind": "team-member", **event.data}
    said = facts(house, "team-member")
    assert sorted(said, key=str) == sorted(state.values(), key=str)
    assert sum(fact["organization"] == str(admin.organization) for fact in said) == 3


def test_the_relay_is_told_of_every_change_of_a_membership_at_once(
    house: House, admin: Person, person: Person, team: str
) -> None:
    path = place(team, person)
    for method, where in (("PUT", path), ("DELETE", path), ("PUT", path), ("POST", f"/v1/teams/{team}/closing")):
        assert rings(house, lambda method=method, where=where: admin.request(method, where)), (method, where)
    assert not rings(house, lambda: admin.request("GET", "/v1/teams"))


def test_no_event_and_no_fact_names_a_team(house: House, admin: Person, person: Person) -> None:
    team = made(admin, "Quetzalcoatl Canary")
    admin.request("PUT", place(team, person))
    (fact,) = [fact for fact in facts(house, "team-member") if fact["team"] == team]
    assert set(fact) == {"kind", "team", "organization", "practitioner"}
    assert "Quetzalcoatl" not in "".join(event.encode().decode() for event in house.events())


# Departments.


def department(admin: Person, name: str = "Behavioral Health") -> str:
    answer = admin.request("POST", "/v1/departments", json={"name": name})
    assert answer.status_code == 201, answer.data
    return str(answer.get_json()["id"])


def test_a_department_says_who_works_there(house: House, admin: Person, person: Person, stranger: Person) -> None:
    id_ = department(admin)
    other = house.practitioner(admin, name="Olu Other")
    for each in (person, other, person):
        assert admin.request("PUT", f"/v1/departments/{id_}/members/{each.id}").status_code == 204
    path = f"/v1/organizations/{admin.organization}/departments"
    (shown,) = stranger.request("GET", path).get_json()["departments"]
    assert (shown["id"], shown["name"], shown["organization"]["name"]) == (id_, "Behavioral Health", "North Clinic")
    page = stranger.request("GET", f"/v1/departments/{id_}/members", query_string={"limit": 1}).get_json()
    assert [each["name"] for each in page["practitioners"]] == ["Olu Other"]
    query = {"limit": 1, "cursor": page["next"]}
    page = stranger.request("GET", f"/v1/departments/{id_}/members", query_string=query).get_json()
    assert ([each["id"] for each in page["practitioners"]], page["next"]) == ([str(person.id)], None)
    for _ in range(2):
        assert admin.request("DELETE", f"/v1/departments/{id_}/members/{other.id}").status_code == 204
    left = stranger.request("GET", f"/v1/departments/{id_}/members").get_json()["practitioners"]
    assert [each["id"] for each in left] == [str(person.id)]


def test_a_department_that_ends_leaves_its_teams_without_one(admin: Person, person: Person) -> None:
    id_ = department(admin)
    admin.request("PUT", f"/v1/departments/{id_}/members/{person.id}")
    team = made(admin, "Crisis line", department=id_)
    assert admin.request("GET", f"/v1/teams/{team}").get_json()["department"] == {
        "id": id_,
        "name": "Behavioral Health",
    }
    assert admin.request("DELETE", f"/v1/departments/{id_}").status_code == 204
    assert admin.request("GET", f"/v1/teams/{team}").get_json()["department"] is None
    assert problem(admin.request("GET", f"/v1/departments/{id_}/members")) == (404, "not-found")
    assert problem(admin.request("DELETE", f"/v1/departments/{id_}")) == (404, "not-found")


def test_a_team_belongs_to_no_department_of_another_organization(admin: Person, stranger: Person) -> None:
    for wrong in (department(stranger), str(uuid4())):
        answer = admin.request("POST", "/v1/teams", json={"name": "Crisis line", "department": wrong})
        assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "department")


def test_two_departments_of_one_organization_do_not_look_alike(admin: Person, stranger: Person) -> None:
    department(admin)
    answer = admin.request("POST", "/v1/departments", json={"name": "behavioraI health"})
    assert problem(answer) == (409, "name-taken")
    department(stranger)


def test_only_an_administrator_of_the_organization_changes_a_department(
    admin: Person, person: Person, stranger: Person
) -> None:
    path = f"/v1/departments/{department(admin)}"
    for caller in (person, stranger):
        for method, where in (("DELETE", ""), ("PUT", f"/members/{person.id}"), ("DELETE", f"/members/{person.id}")):
            assert problem(caller.request(method, path + where)) == (403, "administrator-only")
    assert problem(person.request("POST", "/v1/departments", json={"name": "Mine"})) == (403, "administrator-only")


def test_nobody_of_another_organization_works_in_a_department(admin: Person, stranger: Person) -> None:
    answer = admin.request("PUT", f"/v1/departments/{department(admin)}/members/{stranger.id}")
    assert problem(answer) == (409, "not-a-colleague")


def test_departments_of_an_organization_that_is_none_are_not_found(admin: Person) -> None:
    assert problem(admin.request("GET", f"/v1/organizations/{uuid4()}/departments")) == (404, "not-found")


def test_a_stranger_who_has_not_signed_in_sees_nothing(house: House) -> None:
    id_ = uuid4()
    for path in (
        "/v1/teams",
        f"/v1/teams/{id_}",
        f"/v1/organizations/{id_}/departments",
        f"/v1/departments/{id_}/members",
        "/v1/delegations",
        f"/v1/delegations/{id_}",
        f"/v1/practitioners/{id_}/coverage",
    ):
        assert problem(house.client.get(path)) == (401, "unauthenticated"), path
