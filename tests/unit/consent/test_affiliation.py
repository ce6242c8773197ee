"""Where a practitioner belongs, as the directory says; what is neither yes nor no is nobody's word."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from services.chassis.peer_http import HttpPeer, PeerUnavailableError
from services.consent.peers import Affiliation, Directory
from tests.unit.consent.examples import PHYSICIAN

HOME = {"id": str(PHYSICIAN.organization), "name": "Riverside"}
TOLD = {"kind": "practitioner", "id": str(PHYSICIAN.practitioner), "status": "active", "organization": HOME}


def asked(response: httpx.Response) -> Affiliation | None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.path == f"/v1/parties/practitioner/{PHYSICIAN.practitioner}"
        return response

    directory = Directory(HttpPeer("http://directory", "directory", None, httpx.MockTransport(handle)))
    return directory.affiliation(PHYSICIAN.practitioner)


@pytest.mark.parametrize(("status", "active"), [("active", True), ("suspended", False), ("invited", False)])
def test_a_practitioner_belongs_to_an_organization_and_is_active_or_not(status: str, active: bool) -> None:
    assert asked(httpx.Response(200, json=TOLD | {"status": status})) == Affiliation(PHYSICIAN, active)


def test_an_unknown_practitioner_belongs_nowhere() -> None:
    assert asked(httpx.Response(404, json={})) is None


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json=TOLD | {"organization": None}),
        httpx.Response(200, json=TOLD | {"organization": {"id": "../x"}}),
        httpx.Response(200, json={"organization": {"id": str(UUID(int=1))}}),
    ],
)
def test_an_answer_that_says_neither_is_no_answer(response: httpx.Response) -> None:
    with pytest.raises(PeerUnavailableError):
        asked(response)
