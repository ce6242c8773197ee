"""Single sign-on on PostgreSQL, and what only two at once can show."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.chassis import migrate
from services.chassis.db import Database
from tests.provider import Provider
from tests.unit.directory.house import House, problem
from tests.unit.directory.signing_on import Newcomer, came_back, code_in, confirm, required, signed_on

pytestmark = pytest.mark.real
AT_ONCE = 4


@pytest.fixture
def place(postgresql: Database, identity_provider: Provider) -> House:
    """A directory on PostgreSQL."""
    migrate.upgrade(postgresql, "directory")
    return House(postgresql)


def at_once(*calls: Any) -> list[Any]:
    """Every call in a thread of its own."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def test_one_answer_counts_once_and_one_session_enrols_once(place: House, identity_provider: Provider) -> None:
    admin = place.administrator()
    required(place, admin.organization, identity_provider)
    pia, second = Newcomer.of(admin), Newcomer.of(admin, "Second Account")
    begun = pia.begin().get_json()
    address = identity_provider.sign_on(begun["authorization_url"], "pia")
    apps = [place.another_process() for _ in range(AT_ONCE)]
    pages = at_once(*(lambda app=app: came_back(app.test_client(), address) for app in apps))
    assert sorted(page.status_code for page in pages) == [200, *[400] * (AT_ONCE - 1)]
    code = code_in(next(page.text for page in pages if page.status_code == 200))
    confirmations = at_once(*(lambda: confirm(place, begun["session"], code) for _ in range(2)))
    assert [each.status_code for each in confirmations] == [200, 200], "the answer to the first may be lost"
    assert signed_on(second, identity_provider, "pia") == {"status": "done", "reason": None}
    # One person, two accounts, both at once: one comes in, and whichever is later is told.
    answers = at_once(pia.enrol, second.enrol)
    refused = [problem(each) for each in answers if each.status_code != 201]
    assert [each.status_code for each in answers].count(201) == 1
    assert refused[0] in {(403, "single-sign-on-other-person"), (409, "key-entry-conflict")}
