"""What a client does for single sign-on at a directory, for tests: begin, come back, look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from concord_formats.key_entries import SignedEntry
from flask.testing import FlaskClient

from services.directory.openid import single_sign_on_requirement
from tests.provider import Provider, query_of
from tests.unit.directory.account import Account, TestDevice, body_of, read_code
from tests.unit.directory.house import House, Person

CLIENT_ID = "concord"


@dataclass
class Newcomer:
    """Somebody who was invited, at a device whose keys are made: `entry` is the first of their history."""

    house: House
    code: dict[str, str]
    account: Account
    device: TestDevice
    entry: SignedEntry
    organization: UUID

    @classmethod
    def of(cls, by: Person, name: str = "Pia Practice") -> Newcomer:
        """Invited by an administrator."""
        code = read_code(by.invites(name).code)
        account, device = Account(UUID(code["practitioner"])), TestDevice()
        return cls(by.house, code, account, device, account.first_entry(device), by.organization)

    def begin(self, **changed: Any) -> Any:
        """The answer to beginning a sign-on."""
        body = {"purpose": "enrolment", "practitioner": self.code["practitioner"], "secret": self.code["secret"]}
        return self.house.client.post("/v1/single-sign-on", json=body | {"entry_sha256": self.entry.digest} | changed)

    def enrol(self, entry: SignedEntry | None = None) -> Any:
        """The answer to an enrolment."""
        body = {"practitioner": self.code["practitioner"], "secret": self.code["secret"]}
        return self.house.client.post("/v1/enrolments", json=body | body_of(entry or self.entry))

    def enrolled(self) -> Person:
        """The same person, whose enrolment passes."""
        answer = self.enrol()
        assert answer.status_code == 201, answer.data
        return Person(self.house, self.account, self.device, self.organization)


def required(house: House, organization: UUID, provider: Provider) -> None:
    """The organization requires this provider."""
    single_sign_on_requirement.require(
        house.deps, organization, single_sign_on_requirement.Provider(provider.issuer, CLIENT_ID, "a secret")
    )


def came_back(client: FlaskClient, address: str) -> Any:
    """What a browser is shown that is sent back to this address."""
    path = urlsplit(address).path.removeprefix("/directory")
    return client.get(f"{path}?{query_of(address)}")


def code_in(page: str) -> str:
    """The code that a page shows."""
    found = re.search(r"<strong>([0-9A-Z]{4}-[0-9A-Z]{4})</strong>", page)
    assert found is not None, page
    return found[1]


def confirm(house: House, session: object, code: str) -> Any:
    """The answer to a code, as the device gives it that began."""
    return house.client.post(f"/v1/single-sign-on/{session}/confirmation", json={"code": code})


def came_back_and_confirmed(house: House, begun: Any, address: str) -> Any:
    """As `came_back`; the code on the page is typed into the device that began."""
    shown = came_back(house.client, address)
    if shown.status_code == 200:
        assert confirm(house, begun["session"], code_in(shown.text)).status_code == 200
    return shown


def signed_on(newcomer: Newcomer, provider: Provider, who: str) -> dict[str, Any]:
    """Begun, and done as `who`; what the session says then."""
    begun = newcomer.begin().get_json()
    came_back_and_confirmed(newcomer.house, begun, provider.sign_on(begun["authorization_url"], who))
    return status(newcomer.house, begun["session"])


def status(house: House, session: object) -> dict[str, Any]:
    """What a session says."""
    return dict(house.client.get(f"/v1/single-sign-on/{session}").get_json())
