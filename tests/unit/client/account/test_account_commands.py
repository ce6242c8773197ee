"""`concord account` as it is typed, over a service that is kept in memory."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from concord import errors
from concord.account import Accounts
from concord.account.pinned_log import PinnedLog
from concord.address_book import AddressBook
from concord.age import HybridIdentity
from concord.api import Practitioner
from concord.api.teams import Team
from concord.cli import account_of_disclosures as commands
from concord.cli.app import main
from concord.store import SealedStore

from tests.unit.client.account.log import OTHER, TOKEN, Log, encoded, small_log
from tests.unit.client.account.made import PATIENT, PEOPLE, PRACTICE, TEAM, full_log

IDENTITY = HybridIdentity.generate()


@dataclass
class Service:
    """The consent service as the client sees it: pages of at most `limit` lines."""

    log: Log
    limit: int = 3
    blinded: frozenset[int] = frozenset()
    changed: dict[int, dict[str, Any]] = field(default_factory=dict)  # members of a page, by its number
    asked: list[tuple[int | None, int]] = field(default_factory=list)

    def page(self, patient: str, *, size: int | None = None, after: int = 0) -> bytes:
        """See `AccountApi`."""
        self.asked.append((size, after))
        members = self.log.members(patient, blinded=self.blinded)
        members["lines"] = [line for line in members["lines"] if line["n"] > after][: self.limit]
        last = members["lines"][-1]["n"] if members["lines"] else 0
        members["next"] = last if last < members["last"] else None
        return encoded(members | self.changed.get(len(self.asked), {}))

    def consistency(self, size: int, later: int) -> Sequence[bytes]:
        """See `AccountApi`."""
        return self.log.consistency(size, later)


@dataclass
class Office:
    """A clinician at a terminal."""

    service: Service
    accounts: Accounts
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, status: int = 0) -> tuple[str, str]:
        """Type a command; what it printed."""
        sys.argv = ["concord", "account", *words]
        try:
            main()
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
        printed = self.capsys.readouterr()
        assert code == status, printed.err
        return printed.out, printed.err

    def json(self, *words: str) -> Any:
        """What a command tells a program."""
        return json.loads(self.run(*words, "--json")[0])

    def exported(self, format_: str, *words: str) -> Path:
        """The file that an export wrote."""
        path = self.folder / f"account.{format_}"
        self.run("export", "--patient", "blue-heron", "--format", format_, "--output", str(path), *words)
        return path


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    store = SealedStore(tmp_path / "sealed", IDENTITY)
    book = AddressBook(store)
    book.add("blue-heron", PATIENT, token=TOKEN)
    service = Service(full_log())
    accounts = Accounts(service, PinnedLog(store), book)  # type: ignore[arg-type]

    def find(person: UUID, *, fresh: bool) -> Practitioner:
        assert not fresh, "an account is read while the key log stands still, too"
        return PEOPLE[person]

    def find_team(team: UUID) -> Team:
        assert team == TEAM
        return Team(id=team, name="Intake", organization=PRACTICE, status="active")

    class Unlocked(SimpleNamespace):
        def __enter__(self) -> Unlocked:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    colleagues, teams = SimpleNamespace(person=find), SimpleNamespace(show=find_team)
    client = Unlocked(accounts=accounts, address_book=book, colleagues=colleagues, teams=teams)
    monkeypatch.setattr(commands, "unlock", lambda home, passphrase_file: client)
    monkeypatch.setattr(sys, "argv", [])
    return Office(service, accounts, tmp_path, capsys)


def test_show_lists_the_account_by_date_and_pins_the_log(office: Office) -> None:
    told = office.json("show", "--patient", "blue-heron")
    assert (told["last"], told["blinded"], told["first_use"]) == (9, 0, True)
    assert [line["event"] for line in told["lines"]][:4] == ["released", "handed-out", "opened", "refused"]
    assert told["lines"][4]["basis"] == "EMERGENCY"
    assert told["lines"][0]["to_whom"] == "Dr. Noor Haddad, Riverside Health"
    assert office.json("show", "--patient", TOKEN)["first_use"] is False
    assert office.json("key") == {"key": office.service.log.vkey}
    output, _ = office.run("show", "--patient", "blue-heron")
    assert "EMERGENCY" in output
    assert PATIENT not in output


def test_show_since_a_day(office: Office) -> None:
    assert office.json("show", "--patient", TOKEN, "--since", "2026-03-02")["lines"] == []
    assert len(office.json("show", "--patient", TOKEN, "--since", "2026-03-01")["lines"]) == 9


def test_pages_are_fetched_at_one_checkpoint(office: Office) -> None:
    office.run("show", "--patient", TOKEN)
    assert office.service.asked == [(None, 0), (9, 3), (9, 6)]


@pytest.mark.parametrize(
    "changed", [{"checkpoint": small_log().checkpoint()}, {"patient": OTHER}, {"lines": []}, {"next": 3}, {"next": 1}]
)
def test_pages_that_do_not_belong_together_are_refused(office: Office, changed: dict[str, Any]) -> None:
    office.service.changed[2] = changed
    with pytest.raises(errors.AccountError):
        office.accounts.fetch(TOKEN)


def test_the_account_of_another_patient_is_refused(office: Office) -> None:
    office.service.log.append(OTHER)
    other = office.service.log.export(OTHER)
    office.service.page = lambda *_, **__: other  # type: ignore[method-assign]
    with pytest.raises(errors.CountError):
        office.accounts.fetch(TOKEN)


def test_what_does_not_verify_is_neither_shown_nor_written(office: Office) -> None:
    office.service.changed[1] = {"lines": office.service.log.members()["lines"][1:3]}
    path = office.folder / "account.csv"
    words = ("--patient", TOKEN, "--output", str(path), "--format", "csv")
    output, told = office.run("export", *words, status=1)
    assert output == ""
    assert told.startswith("error: line 1 is missing\nhint: ")
    assert not path.exists()
    assert office.accounts.log.key is None


@pytest.mark.parametrize("format_", ["json", "csv", "pdf", "fhir"])
def test_an_export_is_for_its_owners_eyes(office: Office, format_: str) -> None:
    assert stat.S_IMODE(office.exported(format_).stat().st_mode) == 0o600


def test_an_exported_account_verifies_offline(office: Office) -> None:
    first = office.exported("json")
    earlier = first.rename(first.with_name("earlier.json"))
    office.service.log.append(blinded=True)
    office.service.blinded = frozenset({10})
    whole = office.exported("json")
    told = office.json("verify", str(whole), "--checkpoint", str(earlier), "--key", office.service.log.vkey)
    assert (told["verified"], told["last"], told["blinded"], told["goes_on"]) == (True, 10, 1, True)
    output, remarks = office.run("verify", str(whole))
    assert f"Verified: 10 lines of {TOKEN}, 1 of them not for this reader." in output
    assert "The key is the file's own" in remarks


def test_verify_names_what_is_wrong_and_ends_with_status_one(office: Office) -> None:
    path = office.exported("json")
    path.write_bytes(path.read_bytes().replace(b"medications", b"diagnoses__", 1))
    output, told = office.run("verify", str(path), status=1)
    assert (output, told.splitlines()[0]) == ("", "error: line 1 was changed: it is not what stands in the log")
    _, told = office.run("verify", str(path), "--json", status=1)
    assert json.loads(told)["n"] == 1
    _, told = office.run("verify", str(office.exported("json")), "--key", small_log().vkey, status=1)
    assert "another key" in told
    _, told = office.run("verify", str(office.folder / "none.json"), status=1)
    assert told.startswith("error: ")


def test_a_bare_checkpoint_of_before_is_said_to_show_little(office: Office) -> None:
    note = office.folder / "checkpoint"
    note.write_text(office.service.log.checkpoint(), encoding="utf-8")
    office.service.log.append()
    _, remarks = office.run("verify", str(office.exported("json")), "--checkpoint", str(note))
    assert "an earlier export of this account would" in remarks.replace("\n", " ")


def test_a_service_that_rewrites_the_past_is_found_out(office: Office) -> None:
    office.run("show", "--patient", TOKEN)
    office.service.log.lines[2].event = office.service.log.lines[2].event.replace("treatment", "payment")
    office.service.log.append()
    _, told = office.run("show", "--patient", TOKEN, status=1)
    assert told.startswith("error: the log does not begin with what stood in it before")
