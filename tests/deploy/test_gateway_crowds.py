"""One client of the gateway among many: what it cannot do to the others, and how an operator widens its limits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.deploy.composition import Composition
from tests.deploy.gateway import answered, client_of, own_settings, unfinished
from tests.deployment import wait_for

pytestmark = pytest.mark.long
# More than a service has threads (two processes of sixteen), and fewer than one address may sign in at once.
MANY = 40
# Long for who is served, and shorter than the half minute after which the gateway gives up on a body that never comes.
AT_ONCE = 15
TOKEN = "/directory/v1/token"
LETTER = f"/messaging/v1/letters/{uuid4()}"
EVIDENCE = f"/consent/v1/consents/{uuid4()}/versions/1/evidence"


@pytest.fixture
def browser(composition: Composition) -> httpx.Client:
    """A client of the gateway."""
    return client_of(composition)


def test_bodies_that_never_come_keep_nobody_from_signing_in(composition: Composition, browser: httpx.Client) -> None:
    """They are held by the gateway: the directory, whose threads are fewer, hears of none of them."""
    with unfinished(composition, "POST", TOKEN, MANY) as held:
        for _ in range(3):
            assert browser.get("/directory/readyz", timeout=AT_ONCE).status_code == 200
            assert browser.post(TOKEN, data={"grant_type": "none"}, timeout=AT_ONCE).status_code == 400
        assert not any(map(answered, held)), "they were refused rather than held, and this shows nothing"


@pytest.mark.parametrize("path", [LETTER, EVIDENCE])
def test_what_is_streamed_is_not_read_from_strangers(
    composition: Composition, browser: httpx.Client, path: str
) -> None:
    with unfinished(composition, "PUT", path, MANY) as refused:
        assert browser.get(f"/{path.split('/')[1]}/readyz", timeout=AT_ONCE).status_code == 200
        assert {each.recv(12) for each in refused} == {b"HTTP/1.1 401"}


def test_an_address_is_believed_from_a_load_balancer_alone(composition: Composition, browser: httpx.Client) -> None:
    """Without a word of the operator all who say that they come from elsewhere are one client, with one limit."""

    def limited(address: str) -> bool:
        answer = browser.post("/consent/patient/session", data={"code": "guess"}, headers={"X-Forwarded-For": address})
        return answer.status_code == 429

    assert {limited(f"192.0.2.{n}") for n in range(12)} == {False, True}
    with own_settings(composition, "set_real_ip_from 0.0.0.0/0;\nreal_ip_header X-Forwarded-For;\n"):
        wait_for(lambda: not limited(f"198.51.100.{uuid4().bytes[0]}"), 30, "the gateway to take the header's word")
        assert {limited("203.0.113.1") for _ in range(12)} == {False, True}
        assert not limited("203.0.113.2")


def test_how_many_requests_one_address_may_have_is_the_operators_to_say(
    composition: Composition, browser: httpx.Client
) -> None:
    def crowded() -> bool:
        with unfinished(composition, "POST", "/consent/v1/consents", 3):
            return browser.get("/directory/readyz").status_code == 429

    assert not crowded()
    with own_settings(composition, "limit_conn connections 3;\n"):
        wait_for(crowded, 30, "the gateway to count to three")


def test_a_guesser_of_patients_codes_is_slowed_down(browser: httpx.Client) -> None:
    answers = [browser.post("/consent/patient/session", data={"code": f"guess-{n}"}) for n in range(12)]
    hidden = browser.post("/consent/patient/%2573ession", data={"code": "guess"})
    assert hidden.status_code == 404, "that would be a way around"
    assert 429 in {answer.status_code for answer in answers}
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert limited.headers["retry-after"]


def test_a_guesser_at_the_sign_in_is_slowed_down(browser: httpx.Client) -> None:
    def guess(_: int) -> httpx.Response:
        return browser.post("/directory/v1/token", data={"grant_type": "client_credentials"})

    limited = None
    with ThreadPoolExecutor(8) as guessers:  # one after the other a slow machine would stay below the limit
        for _ in range(5):  # the slower it is, the more of them it takes: two a second are let in
            answers = list(guessers.map(guess, range(120)))
            limited = next((answer for answer in answers if answer.status_code == 429), None)
            if limited is not None:
                break
    assert limited is not None, "nobody was slowed down"
    assert limited.json()["type"] == "urn:concord:problem:too-many-requests"
    assert limited.headers["content-type"] == "application/problem+json"
    wait_for(lambda: guess(0).status_code != 429, 60, "the limit to let people in again")


def test_there_are_files_for_all_connections_that_are_configured(composition: Composition) -> None:
    limits = composition.compose(
        "exec", "-T", "gateway", "sh", "-c", "cat /proc/[0-9]*/limits | grep '^Max open files'"
    )
    assert 16384 in {int(line.split()[3]) for line in limits.splitlines()}
