"""The client's side of single sign-on: a refusal, a browser, and the same request once more."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from concord.api import DirectoryApi, single_sign_on
from concord.api.single_sign_on import confirmed, shown_by
from concord.cli import sign_on
from concord.errors import ServiceError, SingleSignOnError, UnreachableError
from concord.transport import Transport
from concord_formats.key_entries import SignedEntry

from tests.unit.client.people import Clinician

ORIGIN = "https://concord.example"
ADDRESS = "https://login.example/authorize?state=s"
SESSION = str(uuid4())
CODE = "7HQ2-MM0X"


@dataclass
class Directory:
    """Refuses an enrolment until a session is done; `statuses` are what it answers, one after the other."""

    person: Clinician
    address: str = ADDRESS
    statuses: list[tuple[str, str | None]] = field(default_factory=lambda: [("waiting", None), ("answered", None)])
    codes: list[str] = field(default_factory=lambda: [CODE])
    begun: dict[str, Any] | None = None
    required: bool = True
    given: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def enrol(self) -> Any:
        """What the client does."""
        transport = Transport(ORIGIN, transport=httpx.MockTransport(self._answer))
        by = {"purpose": "enrolment", "practitioner": str(self.person.id), "secret": "s" * 43}
        act: Callable[[], Any] = lambda: transport.anonymous("POST", "/directory/v1/enrolments", json={})  # noqa: E731
        return confirmed(transport, self.person.history[0], by, act, self.waited.append)

    def browser(self) -> str:
        """What the person types, one after the other."""
        return self.codes.pop(0) + "\n"

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/directory/v1")
        if path == "/enrolments":
            return self._refusal("single-sign-on-required") if self.required else httpx.Response(201, json={"id": "x"})
        if path == f"/single-sign-on/{SESSION}/confirmation":
            self.given.append(json.loads(request.content)["code"])
            if self.given[-1] != CODE:
                return self._refusal("sign-on-code-refused")
            self.required = False
            return httpx.Response(200, json={"status": "done", "reason": None})
        if request.method == "POST":
            self.begun = json.loads(request.content)
            moment = "2026-11-28T12:00:00Z"
            shown = {"session": SESSION, "authorization_url": self.address, "expires_at": moment}
            return httpx.Response(201, json=shown)
        assert path == f"/single-sign-on/{SESSION}"
        if not self.statuses:
            return self._refusal("not-found", 404)
        status, reason = self.statuses.pop(0)
        return httpx.Response(200, json={"status": status, "reason": reason})

    def _refusal(self, type_: str, status: int = 403) -> httpx.Response:
        return httpx.Response(status, json={"type": f"urn:concord:problem:{type_}", "title": "No", "detail": "No."})


@pytest.fixture
def directory(ana: Clinician) -> Directory:
    return Directory(ana)


def test_the_person_signs_on_and_the_same_is_asked_again(directory: Directory) -> None:
    shown: list[str] = []
    with shown_by(shown.append, directory.browser):
        assert directory.enrol() == {"id": "x"}
    assert shown == [ADDRESS]
    assert directory.waited == [single_sign_on.ASK_SECONDS]
    assert directory.begun == {
        "purpose": "enrolment",
        "practitioner": str(directory.person.id),
        "secret": "s" * 43,
        "entry_sha256": directory.person.history[0].digest,
    }


def test_without_the_code_of_their_browser_nothing_is_asked_again(directory: Directory) -> None:
    directory.codes = ["0000-0000"] * 6
    with shown_by(lambda _: None, directory.browser), pytest.raises(SingleSignOnError) as failed:
        directory.enrol()
    assert (failed.value.members["reason"], directory.required, len(directory.codes)) == ("wrong-code", True, 1)


def test_a_code_that_was_mistyped_is_asked_for_again(directory: Directory) -> None:
    directory.codes = ["0000-0000", "", CODE]
    with shown_by(lambda _: None, directory.browser):
        assert directory.enrol() == {"id": "x"}


def test_pressing_enter_is_no_wrong_code(directory: Directory) -> None:
    directory.codes = ["", "", CODE]
    with shown_by(lambda _: None, directory.browser):
        directory.enrol()
    assert directory.given == [CODE]


def test_who_says_done_before_a_code_was_given_is_not_believed(directory: Directory) -> None:
    directory.statuses = [("done", None)]
    with shown_by(lambda _: None, pytest.fail), pytest.raises(SingleSignOnError):
        directory.enrol()


def test_the_code_is_asked_for_at_the_terminal_and_not_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], directory: Directory
) -> None:
    """Where an invitation may have come from."""
    monkeypatch.setattr("builtins.open", lambda *_, **__: io.StringIO(f"{CODE}\n"))
    monkeypatch.setattr("sys.stdin", None)
    with sign_on.browsing(no_browser=True):
        assert directory.enrol() == {"id": "x"}
    told = capsys.readouterr()
    assert (directory.given, told.out, "give it to nobody" in told.err) == ([CODE], "", True)


def test_without_a_terminal_no_code_is_asked_for(monkeypatch: pytest.MonkeyPatch, directory: Directory) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("builtins.open", none)
    with sign_on.browsing(no_browser=True), pytest.raises(SingleSignOnError, match="no terminal"):
        directory.enrol()


def test_where_it_is_not_required_nobody_is_asked(directory: Directory) -> None:
    directory.required = False
    with shown_by(pytest.fail, pytest.fail):
        assert directory.enrol() == {"id": "x"}
    assert directory.begun is None


def test_without_anybody_to_show_it_to_the_refusal_stands(directory: Directory) -> None:
    with shown_by(pytest.fail, pytest.fail):
        pass  # that run is over
    with pytest.raises(ServiceError) as refused:
        directory.enrol()
    assert (refused.value.type, directory.begun) == ("single-sign-on-required", None)
    assert refused.value.hint


@pytest.mark.parametrize("reason", [*single_sign_on._WHY, "something new", None])
def test_why_it_failed_is_told(directory: Directory, reason: str | None) -> None:
    directory.statuses = [("failed", reason)]
    with shown_by(lambda _: None, directory.browser), pytest.raises(SingleSignOnError) as failed:
        directory.enrol()
    assert failed.value.members["reason"] == reason
    assert failed.value.message == single_sign_on._WHY.get(reason or "", "the single sign-on failed")


def test_a_session_that_is_over_is_told_as_that(directory: Directory) -> None:
    directory.statuses = [("waiting", None)]
    with shown_by(lambda _: None, directory.browser), pytest.raises(SingleSignOnError, match="within ten minutes"):
        directory.enrol()


def test_a_session_that_goes_on_for_ever_is_given_up(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_sign_on, "GIVE_UP_SECONDS", 0.0)
    with shown_by(lambda _: None, pytest.fail), pytest.raises(SingleSignOnError, match="within ten minutes"):
        directory.enrol()


def test_who_refuses_again_after_it_was_done_is_heard(directory: Directory) -> None:
    """Not asked about for ever: the second refusal stands."""
    directory.statuses = [("answered", None)]
    answer = directory._answer

    def stubborn(request: httpx.Request) -> httpx.Response:
        found = answer(request)
        directory.required = True
        return found

    directory._answer = stubborn  # type: ignore[method-assign]
    with shown_by(lambda _: None, directory.browser), pytest.raises(ServiceError) as refused:
        directory.enrol()
    assert refused.value.type == "single-sign-on-required"


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://login.example",
        "https://",
        "https://me@login.example",
        "https://login.example/\x1b[2J",
        "http://localhost.example",
        "https://[",
        "",
    ],
    ids=repr,
)
def test_what_is_no_address_of_a_provider_is_opened_nowhere(directory: Directory, address: str) -> None:
    directory.address = address
    with shown_by(pytest.fail, pytest.fail), pytest.raises(SingleSignOnError, match="gave an address"):
        directory.enrol()


def test_another_refusal_is_no_matter_of_single_sign_on(directory: Directory) -> None:
    def down(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    transport = Transport(ORIGIN, transport=httpx.MockTransport(down))
    entry = SignedEntry(b"{}", b"")
    with shown_by(pytest.fail, pytest.fail), pytest.raises(UnreachableError):
        DirectoryApi(transport).enrol(directory.person.id, "s" * 43, entry)


def test_a_browser_opens_where_there_is_a_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], directory: Directory
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(sign_on, "ask_code", directory.browser)
    monkeypatch.setattr(sign_on.webbrowser, "open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    with sign_on.browsing(no_browser=False):
        directory.enrol()
    assert opened == [ADDRESS]
    told = capsys.readouterr()
    assert (told.out, ADDRESS in told.err.splitlines(), "login.example" in told.err) == ("", True, True)


@pytest.mark.parametrize("no_browser", [True, False])
def test_and_elsewhere_the_address_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], directory: Directory, no_browser: bool
) -> None:
    monkeypatch.setattr(sign_on, "ask_code", directory.browser)
    monkeypatch.setattr(sign_on.webbrowser, "open", pytest.fail)
    monkeypatch.setattr(sign_on.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0" if no_browser else "")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with sign_on.browsing(no_browser):
        directory.enrol()
    assert ADDRESS in capsys.readouterr().err.splitlines()
