"""One's own entry in the directory: changed in part, confirmed, hidden, and asked after once a day."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from concord.age import HybridIdentity
from concord.api.listings import ListingsApi
from concord.cli import directory as commands
from concord.cli import listing as listing_commands
from concord.cli.listing_remarks import tell_stale
from concord.client import Client
from concord.errors import ServiceError
from concord.own_listing import ASK_AFTER_SECONDS, OwnListing
from concord.store import SealedStore
from concord.transport import Transport
from typer.testing import CliRunner

ME = UUID("00000000-0000-4000-8000-000000000001")
OTHER = UUID("00000000-0000-4000-8000-000000000002")
ENTRY: dict[str, Any] = {
    "id": "00000000-0000-4000-8000-0000000000aa",
    "practitioner": str(ME),
    "kind": "individual",
    "name": "Dr. Noor Haddad",
    "npi": "1679576722",
    "specialties": [{"code": "103T00000X", "name": "Psychologist"}],
    "organization": {"id": str(OTHER), "name": "Harbor Psychology"},
    "line": "1 Harbor Way",
    "city": "Springfield",
    "state": "MA",
    "postal_code": "01103",
    "phone": None,
    "distance_km": None,
    "languages": ["ar", "en"],
    "telehealth": None,
    "accepting": True,
    "ages": ["adult"],
    "plans": ["aetna"],
    "role": "practitioner",
    "status": "active",
    "enrolled": True,
    "confirmed_at": "2026-08-01T12:00:00Z",
    "stale": True,
    "coverage": None,
    "hidden": False,
}
SAID = {
    "specialties": ["103T00000X"],
    "languages": ["ar", "en"],
    "telehealth": None,
    "accepting": True,
    "ages": ["adult"],
    "plans": ["aetna"],
    "line": "1 Harbor Way",
    "city": "Springfield",
    "state": "MA",
    "postal_code": "01103",
    "phone": None,
    "hidden": False,
}


@dataclass
class Directory:
    """The directory's side: entries by account, and every call."""

    entries: dict[UUID, dict[str, Any]] = field(default_factory=lambda: {ME: dict(ENTRY)})
    calls: list[str] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    failing: Exception | None = None
    signed_in: bool = True

    def json(self, method: str, path: str, **request: Any) -> Any:
        """One call."""
        _, account, below = path.removeprefix("/directory/v1/").split("/", 2)
        self.calls.append(f"{method} {below}")
        if self.failing:
            raise self.failing
        entry = self.entries.get(UUID(account))
        if entry is None:
            raise ServiceError(404, "not-found", "No such listing, or it is not yours to see.")
        if method != "GET":
            entry |= {"confirmed_at": "2026-11-28T12:00:00Z", "stale": False}
        if "json" in request:
            self.sent.append(request["json"])
            entry |= {name: value for name, value in request["json"].items() if name != "specialties"}
        return entry


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def now() -> list[float]:
    """The clock: seconds since 1970, in a box."""
    return [1_800_000_000.0]


@pytest.fixture
def own(directory: Directory, tmp_path: Path, now: list[float]) -> OwnListing:
    store = SealedStore(tmp_path / "sealed", HybridIdentity.generate())
    return OwnListing(ListingsApi(cast(Transport, directory)), ME, store, clock=lambda: now[0])


def test_only_what_is_given_changes(own: OwnListing, directory: Directory) -> None:
    own.edit({"phone": "413-555-0100", "languages": []})
    assert directory.sent == [SAID | {"phone": "413-555-0100", "languages": []}]


def test_an_administrator_changes_somebody_elses(own: OwnListing, directory: Directory) -> None:
    directory.entries[OTHER] = ENTRY | {"practitioner": str(OTHER), "name": "Dr. Bo Park"}
    assert own.show(OTHER).name == own.edit({"city": "Holyoke"}, OTHER).name == own.confirm(OTHER).name == "Dr. Bo Park"
    assert directory.entries[ME] == ENTRY


def test_what_another_says_is_not_sent_as_ones_own(own: OwnListing, directory: Directory) -> None:
    directory.entries[OTHER] = dict(ENTRY)
    for act in (own.show, own.confirm, lambda of: own.edit({"phone": None}, of)):
        with pytest.raises(ServiceError, match="cannot be read"):
            act(OTHER)
    assert directory.sent == []


def test_its_owner_is_asked_once_a_day_while_it_is_stale(
    own: OwnListing, directory: Directory, now: list[float]
) -> None:
    assert own.due()
    assert own.due() is None
    now[0] += ASK_AFTER_SECONDS - 1
    assert own.due() is None
    now[0] += 1
    assert own.due()
    assert directory.calls == ["GET listing"] * 2
    own.confirm()
    now[0] += ASK_AFTER_SECONDS
    assert own.due() is None


def test_a_clock_that_was_set_back_does_not_silence_it(own: OwnListing, now: list[float]) -> None:
    assert own.due()
    now[0] -= 10 * ASK_AFTER_SECONDS
    assert own.due()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"entries": {}}, id="an-administrator-has-none"),
        pytest.param({"failing": ServiceError(503, "busy", "Busy.")}, id="not-answered"),
        pytest.param({"entries": {ME: {"id": "x"}}}, id="not-to-be-read"),
    ],
)
def test_what_cannot_be_asked_is_no_matter(own: OwnListing, directory: Directory, broken: dict[str, Any]) -> None:
    for name, value in broken.items():
        setattr(directory, name, value)
    assert own.due() is None
    assert own.due() is None
    assert directory.calls == ["GET listing"]


# -- the commands and the remark

Run = Callable[..., Any]


@pytest.fixture
def run(own: OwnListing, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types `concord directory …`."""

    @contextmanager
    def unlock(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(own_listing=own)

    monkeypatch.setattr(listing_commands, "unlock", unlock)

    def running(*words: str) -> Any:
        done = CliRunner().invoke(commands.app, list(words))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return running


def test_mine_shows_what_colleagues_find_and_how_old_it_is(run: Run) -> None:
    shown = run("mine").stdout
    for text in (
        "Dr. Noor Haddad, Harbor Psychology",
        "Psychologist (103T00000X)",
        "1 Harbor Way, Springfield, MA 01103",
        "Arabic, English",
    ):
        assert text in shown
    assert "2026-08-01; if it is right: concord directory confirm" in shown
    assert json.loads(run("mine", "--json").stdout)["stale"] is True


def test_what_a_directory_says_of_an_entry_begins_no_line_of_its_own(run: Run, directory: Directory) -> None:
    honest = run("mine").stdout.splitlines()
    directory.entries[ME] |= {"city": "X\n  found by      nobody", "name": "Noor\x1b[2J\r\nHaddad"}
    shown = run("mine").stdout
    assert len(shown.splitlines()) == len(honest) and "\x1b" not in shown


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        pytest.param(["--specialty", "103TC0700X"], {"specialties": ["103TC0700X"]}, id="specialty"),
        pytest.param(["--language", "es", "--language", "en"], {"languages": ["es", "en"]}, id="languages"),
        pytest.param(["--language", ""], {"languages": []}, id="no-language"),
        pytest.param(["--telehealth"], {"telehealth": True}, id="telehealth"),
        pytest.param(["--no-telehealth"], {"telehealth": False}, id="no-telehealth"),
        pytest.param(["--not-accepting"], {"accepting": False}, id="not-accepting"),
        pytest.param(["--age", "child", "--age", "older-adult"], {"ages": ["child", "older-adult"]}, id="ages"),
        pytest.param(["--plan", "Blue Cross", "--plan", "Blue Cross"], {"plans": ["Blue Cross"]}, id="plan"),
        pytest.param(["--line", "2 Main St"], {"line": "2 Main St"}, id="line"),
        pytest.param(["--city", "Holyoke", "--state", "MA"], {"city": "Holyoke", "state": "MA"}, id="town"),
        pytest.param(["--postal-code", "01040"], {"postal_code": "01040"}, id="postal-code"),
        pytest.param(["--phone", ""], {"phone": None}, id="no-phone"),
    ],
)
def test_each_option_changes_its_member_alone(
    run: Run, directory: Directory, words: list[str], changed: dict[str, Any]
) -> None:
    assert run("edit", *words).exit_code == 0
    assert directory.sent == [SAID | changed]


@pytest.mark.parametrize("words", [[], ["--age", "teenager"]], ids=["nothing-to-change", "no-such-age"])
def test_what_cannot_be_changed_is_said_before_anything_is_asked(
    run: Run, directory: Directory, words: list[str]
) -> None:
    assert run("edit", *words).exit_code == 2
    assert directory.calls == []


def test_an_entry_is_confirmed_hidden_and_shown_again(run: Run, directory: Directory) -> None:
    assert "2026-11-28" in run("confirm").stdout and directory.sent == []
    assert "your own organization" in run("hide").stdout
    assert "everybody enrolled" in run("unhide").stdout
    assert [each["hidden"] for each in directory.sent] == [True, False]


def told(own: OwnListing, directory: Directory, capsys: pytest.CaptureFixture[str]) -> str:
    tell_stale(cast(Client, SimpleNamespace(own_listing=own, transport=directory)))
    shown = capsys.readouterr()
    assert shown.out == ""  # a program reads that
    return shown.err


def test_the_remark_stands_beside_the_result_once_a_day(
    own: OwnListing, directory: Directory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "last confirmed on 2026-08-01" in told(own, directory, capsys)
    assert told(own, directory, capsys) == ""


def test_an_entry_that_was_never_confirmed_is_asked_for_too(
    own: OwnListing, directory: Directory, capsys: pytest.CaptureFixture[str]
) -> None:
    directory.entries[ME]["confirmed_at"] = None
    assert "never confirmed" in told(own, directory, capsys)


def test_a_command_that_needed_no_service_asks_for_nothing(
    own: OwnListing, directory: Directory, capsys: pytest.CaptureFixture[str]
) -> None:
    directory.signed_in = False
    assert told(own, directory, capsys) == ""
    assert directory.calls == []


def test_a_fresh_entry_is_not_asked_about(
    own: OwnListing, directory: Directory, capsys: pytest.CaptureFixture[str]
) -> None:
    directory.entries[ME]["stale"] = False
    assert told(own, directory, capsys) == ""
