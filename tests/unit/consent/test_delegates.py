"""A delegate's look at a consent of whom they write for: reading alone, and as long as the delegation holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.chassis.peer_http import HttpPeer, PeerUnavailableError
from services.consent.peers import Directory
from services.consent.rules.standing import Member
from tests.unit.consent.browser import Browser
from tests.unit.consent.examples import COLLEAGUE, PHYSICIAN, PSYCHOLOGIST, STRANGER
from tests.unit.consent.world import World

NURSE = Member(UUID(int=0xA9), PHYSICIAN.organization)
RIGHT = UUID(int=0xD1)
HOLDS = {
    "delegator": str(PHYSICIAN.practitioner),
    "delegate": str(NURSE.practitioner),
    "organization": str(PHYSICIAN.organization),
    "holds": True,
}


@pytest.fixture
def consent(browser: Browser, world: World) -> str:
    """One between two practitioners, of whom one has let the nurse write for her."""
    world.register.given[RIGHT] = (PHYSICIAN, NURSE)
    return browser.active()


def look(browser: Browser, consent: str, member: Member, delegation: object = RIGHT) -> Any:
    return browser.ask("GET", f"/v1/consents/{consent}?delegation={delegation}", member)


def test_a_delegate_sees_it_as_the_delegator_does(browser: Browser, consent: str) -> None:
    assert browser.ask("GET", f"/v1/consents/{consent}", NURSE).status_code == 404
    assert look(browser, consent, NURSE).get_json() == browser.ask("GET", f"/v1/consents/{consent}").get_json()


def test_by_a_delegation_of_somebody_elses_it_is_not_found(browser: Browser, consent: str) -> None:
    assert look(browser, consent, STRANGER).status_code == 404
    assert look(browser, consent, NURSE, uuid4()).status_code == 404


def test_a_delegation_of_somebody_who_is_no_party_opens_nothing(browser: Browser, world: World, consent: str) -> None:
    world.register.given[RIGHT] = (STRANGER, NURSE)
    assert look(browser, consent, NURSE).status_code == 404


def test_a_consent_under_which_the_delegator_may_send_nothing_is_not_theirs_to_show(
    browser: Browser, world: World
) -> None:
    """Who receives under a consent writes nothing under it: there is nothing for a delegate to read it for."""
    clerk = Member(UUID(int=0xB9), PSYCHOLOGIST.organization)
    world.register.given[RIGHT] = (PSYCHOLOGIST, clerk)
    recipient = {"kind": "practitioner", "id": str(PSYCHOLOGIST.practitioner)}
    one_way, both_ways = (browser.draft(recipient=recipient, mutual=mutual) for mutual in (False, True))
    assert browser.ask("GET", f"/v1/consents/{one_way}", PSYCHOLOGIST).status_code == 200
    assert look(browser, one_way, clerk).status_code == 404
    assert look(browser, both_ways, clerk).status_code == 200


def test_a_party_needs_none(browser: Browser, world: World, consent: str) -> None:
    world.register.away = True
    assert look(browser, consent, COLLEAGUE).status_code == 200


def test_without_the_directory_nobody_is_let_in(browser: Browser, world: World, consent: str) -> None:
    world.register.away = True
    assert look(browser, consent, NURSE).status_code == 503


def test_what_is_no_id_is_refused_by_name(browser: Browser, consent: str) -> None:
    answer = look(browser, consent, NURSE, "x")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "delegation")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "revocation"),
        ("POST", "versions/1/activation"),
        ("POST", "versions/1/end"),
        ("GET", "versions/1/evidence"),
        ("GET", "disclosures"),
    ],
    ids=["revoke", "activate", "end", "form", "account"],
)
def test_a_delegate_does_nothing_else_with_it(browser: Browser, consent: str, method: str, path: str) -> None:
    answer = browser.ask(method, f"/v1/consents/{consent}/{path}?delegation={RIGHT}", NURSE)
    assert answer.status_code in {404, 422}


def asked(response: httpx.Response, delegate: Member = NURSE) -> Member | None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.path == f"/v1/service/delegations/{RIGHT}"
        return response

    directory = Directory(HttpPeer("http://directory", "directory", None, httpx.MockTransport(handle)))
    return directory.delegator(RIGHT, delegate)


def test_the_directory_says_in_whose_name() -> None:
    assert asked(httpx.Response(200, json=HOLDS)) == PHYSICIAN


@pytest.mark.parametrize(
    "changed",
    [{"holds": False}, {"delegate": str(UUID(int=1))}, {"organization": str(UUID(int=1))}],
    ids=["over", "another-delegate", "moved"],
)
def test_where_it_does_not_hold_for_this_delegate_it_is_nobodys(changed: dict[str, Any]) -> None:
    assert asked(httpx.Response(200, json=HOLDS | changed)) is None
    assert asked(httpx.Response(404, json={})) is None


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"holds": True}),
        httpx.Response(200, json=HOLDS | {"delegator": "../x"}),
    ],
    ids=["failed", "page", "list", "half", "no-id"],
)
def test_an_answer_that_says_neither_is_no_answer(response: httpx.Response) -> None:
    with pytest.raises(PeerUnavailableError):
        asked(response)
