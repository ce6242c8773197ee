"""Names that pass for one another are refused when somebody is invited."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from concord_formats.identity_checks import Checked
from concord_formats.names import skeleton
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from services.chassis import migrate
from services.chassis.db import Database
from services.chassis.problems import Problem
from services.directory import enrolment, models
from services.directory.identity import by_operator
from services.directory.rules.people import MAX_NAME, MAX_SKELETON, mixed_word, skeleton_of
from tests.unit.directory.house import House, Person, problem

ANA = "Dr. Ana Whitfield"
CYRILLIC = "Dr. Аnа Whitfield"
GREEK = "Νίκη Ομήρου"
ALIKE = "Dr. Ana VVhitfieId"  # two v, and a capital i


def invite(by: Person, name: str, **more: Any) -> Any:
    """The answer to an invitation."""
    return by.request("POST", "/v1/invitations", json=by.invitation(name=name) | more)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param(CYRILLIC, 2, id="cyrillic-a"),
        pytest.param("Nοor Haddad", 1, id="greek-o"),
        pytest.param("Ana-Мария", 1, id="joined"),
    ],
)
def test_a_word_of_several_alphabets_is_refused_and_named(house: House, admin: Person, name: str, word: int) -> None:
    answer = invite(admin, name, look_alike=True)
    assert problem(answer) == (422, "invalid-field")
    assert answer.get_json()["field"] == "name"
    assert f"word {word} " in answer.get_json()["detail"]
    assert name not in answer.get_data(as_text=True)
    with house.database.transaction() as session:
        assert session.scalar(select(models.Practitioner).where(models.Practitioner.name == name)) is None


@pytest.mark.parametrize("name", ["Дмитрий Smith", GREEK, "山田 タロウ", "Łukasz O’Brien-Müller"])
def test_a_name_in_an_alphabet_of_its_own_is_taken(admin: Person, name: str) -> None:
    assert invite(admin, name).status_code == 201


@pytest.mark.parametrize("place", ["own", "another"])
def test_a_name_that_looks_like_that_of_another_account_is_refused(house: House, admin: Person, place: str) -> None:
    """Wherever the two practices are: letters go to people of other practices."""
    ana = house.practitioner(admin, ANA)
    answer = invite(admin if place == "own" else house.administrator(), ALIKE)
    assert problem(answer) == (409, "name-looks-alike")
    assert (answer.get_json()["field"], answer.get_json()["practitioner"]) == ("name", str(ana.id))
    assert "Whitfield" not in answer.get_data(as_text=True)


def test_an_administrator_who_made_sure_that_they_are_two_invites_them(house: House, admin: Person) -> None:
    house.practitioner(admin, "José García")
    assert problem(invite(admin, "Jose Garcia")) == (409, "name-looks-alike")
    assert problem(invite(admin, "Jose Garcia", look_alike=False)) == (409, "name-looks-alike")
    assert invite(admin, "Jose Garcia", look_alike=True).status_code == 201


@pytest.mark.parametrize("name", [ANA, "DR. ANA   WHITFIELD"])
def test_a_namesake_is_invited_like_anybody(house: House, admin: Person, name: str) -> None:
    house.practitioner(admin, ANA)
    assert invite(admin, name).status_code == 201


def test_somebody_who_is_suspended_is_not_imitated_either(house: House, admin: Person) -> None:
    ana = house.practitioner(admin, ANA)
    admin.request("POST", f"/v1/practitioners/{ana.id}/suspension")
    assert problem(invite(admin, ALIKE)) == (409, "name-looks-alike")


def test_two_invitations_that_wait_do_not_pass_beside_each_other(house: House, admin: Person) -> None:
    assert invite(admin, ANA).status_code == 201
    assert problem(invite(house.administrator(), ALIKE)) == (409, "name-looks-alike")


def test_a_spelling_is_mended_by_a_further_invitation(admin: Person) -> None:
    assert invite(admin, "Jose Garcia").status_code == 201
    assert invite(admin, "José García").status_code == 201


def test_an_invitation_that_is_made_again_does_not_look_like_itself(house: House, admin: Person) -> None:
    first = admin.invitation(name="Jose Garcia", npi="1234567893")
    again = admin.invitation(name="José García", npi="1234567893")
    made = [admin.request("POST", "/v1/invitations", json=body) for body in (first, again)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert len({answer.get_json()["practitioner"] for answer in made}) == 1
    with house.database.transaction() as session:
        row = session.get_one(models.Practitioner, UUID(made[0].get_json()["practitioner"]))
    assert row.skeleton == skeleton("José García")


def test_the_operator_imitates_nobody_by_mistake(house: House, admin: Person) -> None:
    house.practitioner(admin, ANA)
    checked = by_operator(house.deps, Checked.KNOWN_IN_PERSON, None)
    with pytest.raises(Problem) as refused:
        enrolment.invite_administrator(house.deps, admin.organization, ALIKE, checked)
    assert refused.value.status == 409
    assert enrolment.invite_administrator(house.deps, admin.organization, ALIKE, checked, look_alike=True)


@given(st.text(max_size=MAX_NAME))
def test_a_skeleton_fits_its_column_and_its_index(name: str) -> None:
    kept = skeleton_of(name)
    assert len(kept) <= MAX_SKELETON
    assert len(kept.encode("utf-8", "surrogatepass")) <= 2704  # what a page of PostgreSQL's index takes


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz -'", max_size=MAX_NAME))
def test_an_ordinary_name_mixes_nothing(name: str) -> None:
    assert mixed_word(name) is None


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Database:
    """An empty database, of either kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql")  # type: ignore[no-any-return]
    return Database(f"sqlite:///{tmp_path}/directory.db")


def test_accounts_from_before_are_not_imitated_either(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migration looks at every name that is there."""
    with monkeypatch.context() as patched:
        real = command.upgrade
        patched.setattr(migrate.command, "upgrade", lambda config, _: real(config, "0008"))
        migrate.upgrade(database, "directory")
    place, ana, house = uuid4(), uuid4(), House(database)
    with database.transaction() as session:
        now = {"created_at": house.clock.now()}
        session.execute(insert(models.Organization).values({"id": place, "name": "N", "folded": "n"} | now))
        row = {"id": ana, "organization_id": place, "role": "practitioner", "name": ANA, "folded": ANA.lower()}
        session.execute(insert(models.Practitioner).values(row | {"status": "active"} | now))
    migrate.upgrade(database, "directory")
    with database.transaction() as session:
        assert session.get_one(models.Practitioner, ana).skeleton == skeleton(ANA)
    assert problem(invite(house.administrator(), ALIKE)) == (409, "name-looks-alike")
