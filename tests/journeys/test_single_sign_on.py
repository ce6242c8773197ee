"""An organization requires its single sign-on: no device comes in that its provider's user did not confirm."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from concord import errors
from concord.api.single_sign_on import shown_by
from concord.cli import sign_on
from concord.client import Client
from concord.profile import Profile
from concord.recovery import Kit
from concord.recovery_cases.person import CaseProgress
from concord_formats.attestations import Proof
from concord_formats.identity_checks import Checked

from tests.deployment import wait_for
from tests.journeys.test_recovery import Terminal, terminal  # noqa: F401 - used below by its name
from tests.journeys.world import World
from tests.people import CHECKED, PASSPHRASE, WORK_FACTOR
from tests.provider import Provider
from tests.unit.directory.signing_on import code_in

NETWORK = httpx.HTTPTransport.handle_request
# What the services have no part in is tried in one world.
ONE_WORLD = pytest.mark.parametrize("world", ["embedded"], indirect=True)


@dataclass
class Clinic:
    """An organization of a world that requires the provider; `opened` is closed at the end."""

    world: World
    provider: Provider
    folder: Path
    opened: list[Client] = field(default_factory=list)
    page: str = ""

    def __post_init__(self) -> None:
        self.organization = UUID(
            json.loads(self.world.operator("add-organization", "Lakeside", "--json"))["organization"]
        )
        self.office = self.administrator("Office of Lakeside")
        self.require()

    def require(self) -> None:
        """From now on."""
        secret = self.folder / "client-secret"
        secret.write_text("a secret of the provider\n")
        words = ("--issuer", self.provider.issuer, "--client-id", "concord", "--client-secret-file", str(secret))
        self.world.operator("require-single-sign-on", str(self.organization), *words)

    def lift(self) -> None:
        """From now on no more."""
        self.world.operator("lift-single-sign-on", str(self.organization))

    def administrator(self, name: str, **changed: str) -> Client:
        """One more administrator, whom the operator invites."""
        words = ("--organization", str(self.organization), "--name", name, *CHECKED, "--json")
        return self.enrol(json.loads(self.world.operator("invite-administrator", *words))["code"], **changed)

    def enrol(self, code: str, profile: Profile | None = None) -> Client:
        """Somebody uses an invitation."""
        home, way = profile or self.home(), self.world.transport()
        return self.kept(Client.enrol(home, code, PASSPHRASE, transport=way, work_factor=WORK_FACTOR))

    def invited(self, name: str) -> str:
        """The code of an invitation."""
        return self.office.administration.invite(name, Checked.CREDENTIALING_FILE).code

    def home(self) -> Profile:
        """A home folder that nobody has used."""
        return Profile(self.folder / str(uuid4()))

    def kept(self, client: Client) -> Client:
        """Closed at the end."""
        self.opened.append(client)
        return client

    def browser(self, who: str) -> Callable[[str], object]:
        """Somebody at a browser, who signs on as `who`, and is sent back to the directory; `page` is what they see."""

        def show(address: str) -> None:
            with httpx.Client(transport=self.world.transport()) as http:
                self.page = http.get(self.provider.sign_on(address, who)).text

        return show

    def typed(self) -> str:
        """The code that the browser shows, as its reader types it."""
        return code_in(self.page)

    def signing_on(self, who: str) -> AbstractContextManager[None]:
        """While this lasts, somebody is at the device and at a browser."""
        return shown_by(self.browser(who), self.typed)


@pytest.fixture
def clinic(world: World, identity_provider: Provider, tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(world, identity_provider, tmp_path)
    yield made
    made.lift()
    for client in made.opened:
        client.close()


def refused(reason: str, act: Callable[[], object]) -> None:
    """Single sign-on did not confirm it, for this reason."""
    with pytest.raises(errors.SingleSignOnError) as raised:
        act()
    assert raised.value.members["reason"] == reason


def test_every_way_in_leads_by_the_provider(clinic: Clinic) -> None:
    """Enrolment, a further device, the recovery code; each by the same person, and by nobody else."""
    code, profile = clinic.invited("Dr. Pia Lund"), clinic.home()
    with pytest.raises(errors.ServiceError) as bare:
        clinic.enrol(code, profile)
    assert bare.value.type == "single-sign-on-required"
    with clinic.signing_on("pia"):
        pia = clinic.enrol(code, profile)
    assert pia.whoami().status == "active"

    def join(pairing: str) -> Client:
        way = clinic.world.transport()
        return Client.join(clinic.home(), pairing, PASSPHRASE, transport=way, work_factor=WORK_FACTOR)

    opened = pia.adding.open().code
    with ThreadPoolExecutor(1) as other:
        joining = other.submit(join, opened.encode())
        request = pia.adding.wait_for(opened)
        with clinic.signing_on("mallory"):
            refused("other-person", lambda: pia.adding.answer(opened, request))
        assert len(pia.colleagues.entry(pia.practitioner).devices) == 1
        with clinic.signing_on("pia"):
            pia.adding.answer(opened, request)
        clinic.kept(joining.result(60))

    assert pia.recovery_code is not None
    pia.backup.keep()
    kit = Kit(pia.settings.base_url, pia.practitioner, pia.recovery_code)

    def recover(profile: Profile) -> Client:
        way = clinic.world.transport()
        return clinic.kept(Client.recover(profile, kit, PASSPHRASE, transport=way, work_factor=WORK_FACTOR))

    again = clinic.home()
    with clinic.signing_on("who found the sheet"):
        refused("other-person", lambda: recover(again))
    with clinic.signing_on("pia"):
        back = recover(again)
    assert len(back.colleagues.entry(pia.practitioner).devices) == 3


def test_a_recovery_case_ends_at_the_provider_too(clinic: Clinic) -> None:
    """Two administrators who vouch for a stranger's keys do not bring them in by themselves."""
    with clinic.signing_on("second"):
        second = clinic.administrator("Second Office")
    with clinic.signing_on("pia"):
        pia = clinic.enrol(clinic.invited("Dr. Pia Lund"))
    opened, profile = clinic.office.recovery_cases.open(pia.practitioner), clinic.home()

    def step(code: str | None = None) -> CaseProgress:
        way = clinic.world.transport()
        return Client.recover_case(profile, code, PASSPHRASE, transport=way, work_factor=WORK_FACTOR)

    waiting = step(opened.code)
    for each in (clinic.office, second):
        each.recovery_cases.attest(opened.case, waiting.fingerprint, Proof.IN_PERSON, pia.practitioner)

    def bare() -> bool:
        try:
            return step().state == "completed"
        except errors.ServiceError as refusal:
            assert refusal.type == "single-sign-on-required"
            return True

    wait_for(bare, 60, "the delay to be over")
    with clinic.signing_on("mallory"):
        refused("other-person", step)
    with clinic.signing_on("pia"):
        wait_for(lambda: step().state == "completed", 60, "the old devices to be stopped")
    back = clinic.kept(Client.unlock(profile, PASSPHRASE, transport=clinic.world.transport()))
    assert back.whoami().id == pia.practitioner


@ONE_WORLD
def test_while_the_provider_is_down_nobody_comes_in_and_work_goes_on(clinic: Clinic) -> None:
    code, profile = clinic.invited("Dr. Pia Lund"), clinic.home()
    clinic.provider.down()
    try:
        with clinic.signing_on("pia"), pytest.raises(errors.ServiceError) as down:
            clinic.enrol(code, profile)
        assert down.value.type == "provider-unreliable"
        assert clinic.office.whoami().status == "active", "who is in, is in"
    finally:
        clinic.provider.up()
    with clinic.signing_on("pia"):
        assert clinic.enrol(code, profile).whoami().status == "active"


@ONE_WORLD
def test_as_it_is_typed(
    clinic: Clinic,
    terminal: Callable[[Path], Terminal],  # noqa: F811 - the fixture
    identity_provider: Provider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`concord enroll` opens a browser, waits, and goes on; with `--no-browser` it prints the address."""
    code, way = clinic.invited("Dr. Pia Lund"), clinic.world.transport()

    def route(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        at_provider = request.url.port == identity_provider.port
        return NETWORK(self, request) if at_provider else way.handle_request(request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", route)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", clinic.browser("pia"))
    monkeypatch.setattr(sign_on, "ask_code", clinic.typed)
    typed = terminal(tmp_path / "pia")
    output, told = typed.run("enroll", "--invitation", "-", "--json", typed=code)
    assert json.loads(output)["status"] == "active"
    assert "Sign on at localhost" in told
    assert any(line.startswith(f"{identity_provider.issuer}/") for line in told.splitlines())
    assert "--no-browser" in typed.run("enroll", "--help")[0]
