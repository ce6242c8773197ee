"""What a person is told when a service answers with anything at all: one error and one hint, and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from concord.api import DirectoryApi
from concord.api.recovery_cases import OpenedCase, RecoveryCasesApi
from concord.cli import app as commands
from concord.dpop import AuthenticationKey
from concord.errors import ServiceError
from concord.transport import Device, Transport

from tests.unit.client.people import Clinician, address

ORIGIN = "https://concord.example"


def told(raised: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    """Run the command line with a command that fails so."""
    monkeypatch.setattr(commands, "app", lambda standalone_mode: raised())
    monkeypatch.setattr(commands.sys, "argv", ["concord", *options])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == 1


def refusing(**members: Any) -> Callable[[], Any]:
    def refused() -> None:
        raise ServiceError.from_response(403, {"type": "urn:concord:problem:not-found"} | members, {})

    return refused


@pytest.mark.parametrize("json_", [(), ("--json",)])
@pytest.mark.parametrize(
    "members",
    [{"missing": 7}, {"missing": ["x"]}, {"missing": [{}]}, {"as_json": 1, "message": "", "hint": 3, "status": "x"}],
)
def test_members_that_a_service_makes_up_break_nothing(
    members: dict[str, Any], json_: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(refusing(detail="It was refused.", **members), monkeypatch, *json_)
    assert "It was refused." in capsys.readouterr().err


def test_a_services_words_do_not_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(refusing(detail="\x1b[2J\x1b]0;owned\x07 gone"), monkeypatch)
    assert "\x1b[2J" not in (said := capsys.readouterr().err) and "gone" in said


def test_an_answer_of_another_form_is_told_without_what_was_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(lambda: OpenedCase.model_validate({"code": "concord-recovery:secret", "case": 7}), monkeypatch)
    said = capsys.readouterr().err
    assert "cannot be read" in said and "secret" not in said


def test_what_one_is_about_to_send_is_told_by_what_is_wrong_with_it(
    ana: Clinician, noor: Clinician, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(lambda: address(ana, noor, noor), monkeypatch)
    assert "recipients: " in (said := capsys.readouterr().err) and "cannot be read" not in said


Asked = Callable[[Transport, Clinician], Any]


@pytest.mark.parametrize(
    "ask",
    [
        lambda t, who: DirectoryApi(t).keys(who.id),
        lambda t, who: RecoveryCasesApi(t).cases(),
        lambda t, who: RecoveryCasesApi(t).open(who.id),
        lambda t, who: RecoveryCasesApi(t).refuse(who.id),
    ],
    ids=["keys", "cases", "open", "refuse"],
)
@pytest.mark.parametrize(
    "content", [b"<html>", b"[" * 100_000, b"null", b"[7]", b"{}", b'{"entries": [{}], "cases": 7}', b"9" * 5000]
)
def test_answers_that_are_none_are_refusals(ask: Asked, content: bytes, ana: Clinician) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        token = json.dumps({"access_token": "t", "expires_in": 600}).encode()
        return httpx.Response(200, content=token if request.url.path.endswith("/token") else content)

    device = Device(ana.keyring.device, AuthenticationKey(ana.keyring.authentication_seed))
    with pytest.raises(ServiceError, match="cannot be read"):
        ask(Transport(ORIGIN, device, transport=httpx.MockTransport(answer)), ana)
