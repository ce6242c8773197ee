"""`concord team`, `department`, `delegation`, `coverage`, and what `send` says of who is away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import typer
from concord import errors
from concord.address_book import AddressBook
from concord.age import HybridIdentity
from concord.api import InboxEntry
from concord.cli import addressing, coverage, delegation, department, letter_lists, team
from concord.client import Client
from concord.coverage import Coverages
from concord.delegations import Delegations
from concord.deliveries import ReceiptLine
from concord.drafts import Draft
from concord.own_keys import OwnKeys
from concord.store import LetterBox, SealedStore
from concord.teams import Teams
from concord_formats.signatures import to_base64url
from typer.testing import CliRunner

from tests.unit.client.key_log.fake_log import HARBOR, Town
from tests.unit.client.people import TOKEN, Clinician, address
from tests.unit.client.test_letter_delegated import delegation as signed
from tests.unit.client.test_teams import draft
from tests.unit.client.together import FakeServices, body_of

Run = Callable[..., Any]


@dataclass
class Desk:
    """Noor's device at Harbor, with Bo beside her; Ana is of another practice."""

    services: FakeServices
    client: Client
    ana: Clinician
    noor: Clinician
    bo: Clinician

    def run(self, group: Any, *words: str) -> tuple[str, str]:
        """A command; what it told on standard output and on standard error."""
        done = CliRunner().invoke(group.app, [*words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout, done.stderr

    def json(self, group: Any, *words: str) -> Any:
        """As `run`, for a program."""
        return json.loads(self.run(group, *words, "--json")[0])


@pytest.fixture
def desk(tmp_path: Path, ana: Clinician, noor: Clinician, eve: Clinician, monkeypatch: pytest.MonkeyPatch) -> Desk:
    town = Town(tmp_path)
    town.enrol(ana, "Dr. Ana Whitfield")
    town.enrol(noor, "Dr. Noor Haddad", at=HARBOR)
    town.enrol(eve, "Bo Park", at=HARBOR)
    services, colleagues = FakeServices(), town.colleagues(noor)
    client = SimpleNamespace(
        practitioner=noor.id,
        colleagues=colleagues,
        teams=Teams(services.teams_api, colleagues, LetterBox(tmp_path / "letters")),
        delegations=Delegations(services.delegations_api, colleagues, OwnKeys(noor.keyring)),
        coverage=Coverages(services.coverage_api, colleagues),
        address_book=AddressBook(SealedStore(tmp_path / "sealed", HybridIdentity.generate())),
        letters=SimpleNamespace(recipients=lambda made: made.recipients, name=lambda party: f"called {party[:5]}"),
    )

    @contextmanager
    def unlock(*_: object) -> Iterator[Any]:
        yield client

    for module in (team, department, delegation, coverage, letter_lists):
        monkeypatch.setattr(module, "unlock", unlock)
    return Desk(services, cast(Client, client), ana, noor, eve)


class TestTeam:
    """Members go by their names in the key log, whatever the directory calls them."""

    def test_who_is_in_it(self, desk: Desk) -> None:
        made = desk.services.team(HARBOR, desk.noor.id, desk.bo.id)
        told, _ = desk.run(team, "show", str(made))
        assert "Intake, Harbor (active)" in told
        assert f"Bo Park (active)  {desk.bo.id}" in told
        shown = desk.json(team, "show", str(made))
        assert [each["name"] for each in shown["members"]] == ["Dr. Noor Haddad", "Bo Park"]

    def test_which_there_are(self, desk: Desk) -> None:
        made = desk.services.team(HARBOR, desk.noor.id)
        (row,) = desk.json(team, "list")
        assert (row["id"], row["members"]) == (str(made), 1)
        assert desk.run(team, "list", "--name", "Intake")[0]

    def test_one_is_made_filled_left_and_closed(self, desk: Desk) -> None:
        made = desk.json(team, "create", "Crisis line")
        assert made["name"] == "Crisis line"
        assert desk.json(team, "add", made["id"], str(desk.bo.id))["members"][0]["name"] == "Bo Park"
        assert "Removed. In effect everywhere" in desk.run(team, "remove", made["id"])[0]
        assert "Closed. In effect everywhere" in desk.run(team, "close", made["id"])[0]
        assert desk.services.asked[-2:] == ["DELETE teams/ID/members/ID", "POST teams/ID/closing"]

    def test_its_inbox_says_who_has_read_what(self, desk: Desk) -> None:
        made = desk.services.team(HARBOR, desk.noor.id, desk.bo.id)
        for_team = address(desk.ana, desk.noor, desk.bo, team=made)
        at = datetime.now(UTC).isoformat()
        deliveries = [
            {"recipient": str(desk.noor.id), "state": "released", "fetched_at": at, "opened_at": at},
            {"recipient": str(desk.bo.id), "state": "released"},
        ]
        line = to_base64url(for_team.encode())
        desk.services.letters = [{"letter": str(for_team.letter), "address": line, "deliveries": deliveries}]
        rows = desk.json(team, "inbox", str(made))
        assert [(row["member"], row["opened"] is not None) for row in rows] == [
            ("Dr. Noor Haddad", True),
            ("Bo Park", False),
        ]
        assert {(row["from"], row["patient"]) for row in rows} == {("Dr. Ana Whitfield", TOKEN)}


class TestDepartment:
    """Where people work."""

    def test_one_is_made_listed_and_ended(self, desk: Desk) -> None:
        made = desk.json(department, "create", "Emergency room")["id"]
        assert desk.json(department, "list") == [{"id": made, "name": "Emergency room"}]
        desk.run(department, "add", made, str(desk.bo.id))
        desk.run(department, "remove", made, str(desk.bo.id))
        assert desk.json(department, "list"), "somebody left, and the department is there"
        desk.run(department, "remove", made)
        assert "No departments." in desk.run(department, "list")[0]


class TestDelegation:
    """Who may write in whose name."""

    def give(self, desk: Desk, *more: str) -> Any:
        until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
        return desk.json(delegation, "give", str(desk.bo.id), "--information", "diagnoses", "--until", until, *more)

    def test_what_was_given_is_said_word_for_word(self, desk: Desk) -> None:
        row = self.give(desk, "--purpose", "treatment,care-coordination")
        assert (row["by"], row["to"]) == ("Dr. Noor Haddad", "Bo Park")
        assert row["may"] == "care-coordination, treatment, diagnoses, general"
        (listed,) = desk.json(delegation, "list")
        assert listed == row

    def test_one_that_was_not_signed_is_listed_with_the_reason(self, desk: Desk) -> None:
        row = self.give(desk)
        forged = desk.services.record(body_of(signed(desk.ana, desk.bo)), delegator=str(desk.noor.id))
        rows = {each["id"]: each for each in desk.json(delegation, "list")}
        assert rows[row["id"]] == row
        assert rows[forged["id"]]["may"] is None
        assert "giver's device signed" in rows[forged["id"]]["doubt"]
        assert "giver's device signed" in desk.run(delegation, "list")[0]

    def test_an_administrator_lists_those_of_everybody(self, desk: Desk) -> None:
        desk.services.keeps(signed(desk.ana, desk.bo))
        assert desk.json(delegation, "list") == []
        (row,) = desk.json(delegation, "list", "--everybody")
        assert (row["by"], row["to"], row["doubt"]) == ("Dr. Ana Whitfield", "Bo Park", None)
        assert "doubt" not in desk.run(delegation, "list", "--everybody")[0]

    def test_a_day_beyond_the_calendar_is_refused_by_name(self, desk: Desk) -> None:
        words = ("give", str(desk.bo.id), "--information", "diagnoses", "--until", "9999-12-31")
        done = CliRunner().invoke(delegation.app, words)
        assert done.exit_code == 2
        assert "9999-12-31" in done.output

    def test_it_is_taken_back(self, desk: Desk) -> None:
        told, _ = desk.run(delegation, "revoke", self.give(desk)["id"])
        assert told.startswith("Revoked. In effect everywhere since")

    def test_an_emergency_and_everything_are_not_offered(self, desk: Desk) -> None:
        with pytest.raises(ValueError, match="emergency"):
            self.give(desk, "--purpose", "emergency")
        with pytest.raises(AssertionError, match="not one of"):
            self.give(desk, "--sensitivity", "*")


class TestCoverage:
    """Who stands in."""

    def test_it_is_set_shown_and_cleared(self, desk: Desk) -> None:
        until = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
        desk.run(coverage, "set", str(desk.bo.id), "--until", until)
        told, _ = desk.run(coverage, "show")
        assert told.startswith("Dr. Noor Haddad is away from")
        assert told.strip().endswith("Bo Park covers.")
        covering = desk.json(coverage, "show")["coverage"]["covering"]
        assert (covering["id"], covering["name"]) == (str(desk.bo.id), "Bo Park")
        desk.run(coverage, "clear")
        assert desk.json(coverage, "show") == {"coverage": None}
        assert "Nobody was named" in desk.run(coverage, "show", str(desk.bo.id))[0]

    def test_an_administrator_says_so_for_somebody(self, desk: Desk) -> None:
        until = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
        desk.run(coverage, "set", str(desk.ana.id), "--until", until, "--for", str(desk.bo.id))
        assert list(desk.services.coverage) == [desk.bo.id]
        desk.run(coverage, "clear", "--for", str(desk.bo.id))
        assert desk.services.coverage == {}


class TestSending:
    """A recipient who is away."""

    def addressed(self, desk: Desk, made: Draft, *, covering: bool = False) -> tuple[UUID, ...]:
        return addressing.with_covering(desk.client, made, covering=covering).recipients

    def test_the_sender_is_told_and_nothing_is_added(self, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        desk.services.covers(desk.ana.id, desk.bo.id)
        assert self.addressed(desk, draft(None, desk.ana.id)) == (desk.ana.id,)
        told = " ".join(capsys.readouterr().err.split())
        assert "Dr. Ana Whitfield is away until" in told
        assert "Bo Park covers. To send it to them as well: --covering" in told

    def test_who_covers_is_one_more_recipient_when_asked_for(
        self, desk: Desk, capsys: pytest.CaptureFixture[str]
    ) -> None:
        desk.services.covers(desk.ana.id, desk.bo.id)
        assert self.addressed(desk, draft(None, desk.ana.id), covering=True) == (desk.ana.id, desk.bo.id)
        assert "goes to them as well" in " ".join(capsys.readouterr().err.split())
        assert self.addressed(desk, draft(None, desk.ana.id, desk.bo.id), covering=True) == (desk.ana.id, desk.bo.id)

    @pytest.mark.parametrize("when", [{"since": 1}, {"days": -0.5}], ids=["not-yet", "over"])
    def test_an_absence_of_another_day_is_none(
        self, desk: Desk, when: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        desk.services.covers(desk.ana.id, desk.bo.id, **when)
        assert self.addressed(desk, draft(None, desk.ana.id), covering=True) == (desk.ana.id,)
        assert capsys.readouterr().err == ""

    def test_somebody_who_is_suspended_covers_for_nobody(self, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        desk.services.covers(desk.ana.id, desk.bo.id, status="suspended")
        assert self.addressed(desk, draft(None, desk.ana.id), covering=True) == (desk.ana.id,)
        assert "They are suspended" in " ".join(capsys.readouterr().err.split())

    def test_whom_the_key_log_does_not_know_is_not_written_to(self, desk: Desk) -> None:
        """Who covers is the directory's word: keys and names are not."""
        person = desk.client.colleagues.directory.practitioner(desk.bo.id)
        found = desk.client.colleagues.directory.people[desk.bo.id]  # type: ignore[attr-defined]
        found.person = person.model_copy(update={"name": "Dr. Kim"})
        desk.services.covers(desk.ana.id, desk.bo.id)
        with pytest.raises(errors.NameMismatchError):
            self.addressed(desk, draft(None, desk.ana.id), covering=True)

    def test_that_nobody_can_be_asked_stops_no_letter(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(_people: object) -> Any:
            raise errors.UnreachableError("https://concord.example", "cut")

        monkeypatch.setattr(desk.client.coverage, "away", away)
        assert self.addressed(desk, draft(None, desk.ana.id)) == (desk.ana.id,)
        with pytest.raises(errors.UnreachableError):
            self.addressed(desk, draft(None, desk.ana.id), covering=True)

    def test_a_team_covers_for_its_own(self, desk: Desk) -> None:
        made = draft(desk.services.team(HARBOR, desk.bo.id))
        with pytest.raises(typer.BadParameter):
            self.addressed(desk, made, covering=True)

    def test_a_letter_to_a_team_goes_to_those_who_were_named_before_it_was_sealed(
        self, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A directory that shows more members a moment later adds nobody whom the sender did not see."""
        made = draft(uuid4())
        monkeypatch.setattr(desk.client.letters, "recipients", lambda _draft: (desk.ana.id, desk.bo.id))
        assert self.addressed(desk, made) == (desk.ana.id, desk.bo.id)
        told = " ".join(capsys.readouterr().err.split())
        assert told == "To called team:: Dr. Ana Whitfield, Bo Park."

    def test_who_covers_is_not_the_sender_themselves(self, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        desk.services.covers(desk.ana.id, desk.noor.id)
        assert self.addressed(desk, draft(None, desk.ana.id), covering=True) == (desk.ana.id,)
        assert self.addressed(desk, draft(None, desk.ana.id)) == (desk.ana.id,)
        told = " ".join(capsys.readouterr().err.split())
        assert told.count("and you cover.") == 2
        assert "--covering" not in told

    def test_who_gets_the_letter_anyhow_is_not_offered_again(
        self, desk: Desk, capsys: pytest.CaptureFixture[str]
    ) -> None:
        desk.services.covers(desk.ana.id, desk.bo.id)
        self.addressed(desk, draft(None, desk.ana.id, desk.bo.id))
        told = " ".join(capsys.readouterr().err.split())
        assert "goes to them as well" in told
        assert "--covering" not in told

    def test_somebody_elses_absence_is_no_answer(self, desk: Desk) -> None:
        """It would add a recipient whom nobody named, beside somebody who is not away."""
        desk.services.covers(desk.noor.id, desk.bo.id)
        desk.services.coverage[desk.ana.id] = desk.services.coverage[desk.noor.id]
        with pytest.raises(errors.ServiceError, match="cannot be read"):
            self.addressed(desk, draft(None, desk.ana.id), covering=True)
        assert self.addressed(desk, draft(None, desk.ana.id)) == (desk.ana.id,)

    def test_of_more_people_than_a_letter_goes_to_nobody_is_asked_about(self, desk: Desk) -> None:
        people = tuple(uuid4() for _ in range(21))
        assert self.addressed(desk, draft(None, *people)) == people
        assert self.addressed(desk, draft(None, *people), covering=True) == people
        assert desk.services.asked == []


class TestLists:
    """`receipts` and `inbox` say in whose name and to which team, where there is something to say."""

    def receipts(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, *lines: ReceiptLine) -> tuple[list[Any], str]:
        asked: list[bool] = []

        def told(*, on_behalf: bool) -> Iterator[ReceiptLine]:
            asked.append(on_behalf)
            yield from lines

        monkeypatch.setattr(desk.client.letters, "receipts", told, raising=False)
        app = typer.Typer()
        app.command()(letter_lists.receipts)
        text = CliRunner().invoke(app, []).stdout
        rows = json.loads(CliRunner().invoke(app, ["--json", "--on-behalf"]).stdout)
        assert asked == [False, True]
        return rows, text

    @pytest.mark.parametrize("text", ["e30", "*"], ids=["no-address", "no-text"])
    def test_a_letter_whose_address_cannot_be_read_is_told_so(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        entry = InboxEntry(cursor="1", letter=uuid4(), address=text, size=1, released_at=datetime.now(UTC))
        monkeypatch.setattr(desk.client.letters, "inbox", lambda **_: ([entry], None), raising=False)
        app = typer.Typer()
        app.command()(letter_lists.inbox)
        assert isinstance(CliRunner().invoke(app, []).exception, errors.ServiceError)

    def line(self, desk: Desk, **changed: Any) -> ReceiptLine:
        usual = (uuid4(), desk.bo.id, "released", None, None, None, None, False)
        return ReceiptLine(*usual, **changed)

    def test_a_letter_in_ones_name_and_to_a_team(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        line = self.line(desk, sender=desk.bo.id, on_behalf_of=desk.noor.id, team=uuid4())
        (row,), text = self.receipts(desk, monkeypatch, line)
        assert (row["sent_by"], row["on_behalf_of"], row["team"]) == ("Bo Park", "Dr. Noor Haddad", "called team:")
        assert "on behalf of" in text

    def test_an_ordinary_list_has_no_such_columns(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        (row,), text = self.receipts(desk, monkeypatch, self.line(desk, sender=desk.noor.id))
        assert row["sent_by"] is None
        assert "on behalf of" not in text
        assert "team" not in text
