"""The patient's page on a world: real rows, names from a directory that the test writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from werkzeug.test import TestResponse

from services.chassis import migrate
from services.chassis.db import Database
from services.chassis.peer_http import PeerUnavailableError
from services.chassis.web import service_app
from services.consent.models import AccountLeafRow, DisclosureRow
from services.consent.patient_page import codes, desk
from services.consent.patient_page.routes import pages
from services.consent.peers import Named
from services.consent.rules.terms import Party
from tests.unit.consent.examples import PATIENT, PHYSICIAN, PSYCHOLOGIST
from tests.unit.consent.world import BASE, World, settings

AT = f"{BASE}/consent"
RIVERSIDE = "Riverside <Family> Medicine"
HARBOR = "Harbor Addiction Recovery"
NAMES = {
    PHYSICIAN.practitioner: Named("Dr. Ana Whitfield", (PHYSICIAN.organization, RIVERSIDE)),
    PHYSICIAN.organization: Named(RIVERSIDE, (PHYSICIAN.organization, RIVERSIDE)),
    PSYCHOLOGIST.practitioner: Named("Dr. Noor Haddad", (PSYCHOLOGIST.organization, HARBOR)),
    PSYCHOLOGIST.organization: Named(HARBOR, (PSYCHOLOGIST.organization, HARBOR)),
}


class Directory:
    """Names as the test has them; `away` makes it silent."""

    away = False

    def named(self, party: Party) -> Named | None:
        """See `Names`."""
        if self.away:
            raise PeerUnavailableError("directory")
        return NAMES.get(party.id)


class Reader:
    """A patient at a browser without scripts: keeps cookies, fills in forms."""

    def __init__(self, client: FlaskClient, world: World, directory: Directory) -> None:
        self.client = client
        self.world = world
        self.directory = directory

    def get(self, path: str = "", **more: object) -> TestResponse:
        """A page."""
        return self.client.get(f"/patient{path}", base_url=AT, **more)  # type: ignore[arg-type]

    def post(self, path: str, **more: object) -> TestResponse:
        """A form, as it stands."""
        return self.client.post(f"/patient{path}", base_url=AT, **more)  # type: ignore[arg-type]

    def enter(self, code: str, **more: object) -> TestResponse:
        """Type a code."""
        once = re.search(r'name="once" value="([^"]+)"', self.get().text)
        assert once is not None
        return self.post("/session", data={"code": code, "once": once[1]}, **more)

    def send(self, path: str, page: str = "/code", **changed: str) -> TestResponse:
        """Send a form of a page."""
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)
        return self.post(path, data={"csrf": csrf[1] if csrf else "", **changed})

    def code(self, patient: str = PATIENT) -> str:
        """A code for a patient."""
        return codes.issue(self.world.all, PHYSICIAN, patient)

    def signed_in(self) -> Reader:
        """With the code entered."""
        assert self.enter(self.code()).status_code == 303
        return self

    def happened(self, event: str, consent: UUID, n: int, **changed: object) -> None:
        """A line of the account, as messaging told it."""
        row = {
            "event_id": uuid4(),
            "event": event,
            "consent": consent,
            "consent_version": 1,
            "letter": uuid4(),
            "sender": PHYSICIAN.practitioner,
            "recipient": PSYCHOLOGIST.practitioner,
            "purpose": "treatment",
            "information": ["medications"],
            "sensitivity": ["behavioral-health"],
            "at": self.world.clock.now(),
            "patient": PATIENT,
            "n": n,
            "basis": "consent",
            "leaf": n - 1,
        } | changed
        with self.world.database.transaction() as session:
            leaf = {"place": n - 1, "patient": PATIENT, "n": n, "data": bytes(32)}
            session.execute(insert(AccountLeafRow), leaf)
            session.execute(insert(DisclosureRow), row)


@pytest.fixture
def reader(database: Database, tmp_path: Path) -> Iterator[Reader]:
    """A patient, and one consent service behind the page."""
    migrate.upgrade(database, "consent")
    world, directory = World(database), Directory()
    said = settings(tmp_path)
    app = service_app(said, [], dict)
    desk.install(app, desk.PatientPage(said, world.all, directory))
    app.register_blueprint(pages)
    with app.test_client() as client:
        yield Reader(client, world, directory)
