"""Whether a colleague's identity was checked: by an administrator of theirs, as the key log knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord.api import Practitioner
from concord.api.directory import Organization, RecordedCheck
from concord.cli import directory
from concord.errors import RecoveredKeysError, ServiceError, UncheckedIdentityError
from concord.identity import Identities, KnownIdentity
from concord_formats.identity_checks import (
    Checked,
    IdentityCheck,
    SignedIdentityCheck,
    unverified_identity_check,
)
from concord_formats.signatures import SignedKind, to_base64url
from typer.testing import CliRunner, Result

from tests.unit.client.lost import HARBOR, RIVERSIDE, FakeBindings
from tests.unit.client.people import Clinician, new_device

DAY = (datetime.now(UTC) - timedelta(days=8)).date()


@dataclass
class Checks:
    """Eve, an administrator of Riverside, checked Ana; the directory shows `recorded` of her."""

    ana: Clinician
    eve: Clinician
    bindings: FakeBindings = field(default_factory=FakeBindings)
    recorded: RecordedCheck | None = None
    refusing: Exception | None = None

    def __post_init__(self) -> None:
        self.bindings.log(self.eve, "administrator")
        self.bindings.log(self.ana)
        self.show(self.word())

    def word(self, **changed: Any) -> SignedIdentityCheck:
        """Eve's word for Ana, some of it changed; `by` signs in her place."""
        by: Clinician = changed.pop("by", self.eve)
        said = {
            "v": 1,
            "organization": RIVERSIDE,
            "role": "practitioner",
            "name": "Ana Whitfield",
            "npi": "1245319599",
            "how": Checked.IN_PERSON_PHOTO_ID,
            "checked_on": DAY,
            "attestor": self.eve.id,
            "device": self.eve.keyring.device,
            "at": datetime.now(UTC),
        } | changed
        line = IdentityCheck(**said).encode()
        return SignedIdentityCheck(line, by.keyring.signing_key().sign(SignedKind.IDENTITY_CHECK, line))

    def show(self, signed: SignedIdentityCheck | None, how: Checked = Checked.IN_PERSON_PHOTO_ID) -> None:
        """What the directory gives out from now on."""
        lines = (
            {} if signed is None else {"line": to_base64url(signed.line), "signature": to_base64url(signed.signature)}
        )
        by = "operator" if signed is None else "administrator"
        self.recorded = RecordedCheck(practitioner=self.ana.id, how=how, checked_on=DAY, by=by, **lines)

    def identity(self, practitioner: UUID) -> RecordedCheck:
        """See `concord.identity.Records`."""
        if self.refusing is not None:
            raise self.refusing
        assert practitioner == self.ana.id and self.recorded is not None
        return self.recorded

    def history_of(self, person: UUID) -> Any:
        """The checked history of who attested."""
        return {each.id: each.history for each in (self.ana, self.eve)}[person]

    def person(self, **changed: Any) -> Practitioner:
        """Ana, as the key log has her."""
        members = {"id": self.ana.id, "role": "practitioner", "name": "Ana Whitfield", "npi": "1245319599"}
        place = Organization(id=RIVERSIDE, name="Riverside")
        return Practitioner(**members | {"organization": place, "status": "active"} | changed)

    def of(self, **changed: Any) -> KnownIdentity | None:
        """Ask about Ana."""
        return Identities(self, self.bindings, self.history_of).of(self.person(**changed))

    def refused(self, why: str, **changed: Any) -> None:
        """It does not verify, and the error says why."""
        with pytest.raises(UncheckedIdentityError, match=why):
            self.of(**changed)


@pytest.fixture
def checks(ana: Clinician, eve: Clinician) -> Checks:
    return Checks(ana, eve)


def test_how_and_when_and_by_whom_is_told(checks: Checks) -> None:
    found = checks.of()
    assert found == KnownIdentity(Checked.IN_PERSON_PHOTO_ID, DAY, checks.eve.id)
    assert found.words("Eve Adler") == f"Identity checked in person with photo ID on {DAY} by Eve Adler"


def test_what_was_signed_counts_and_not_what_the_directory_says_beside_it(checks: Checks) -> None:
    checks.show(checks.word(how=Checked.KNOWN_IN_PERSON), how=Checked.CREDENTIALING_FILE)
    found = checks.of()
    assert found is not None
    assert found.how is Checked.KNOWN_IN_PERSON


def test_the_word_of_the_operator_is_told_as_nobodys_signature(checks: Checks) -> None:
    checks.show(None)
    assert checks.of(role="administrator") == KnownIdentity(Checked.IN_PERSON_PHOTO_ID, DAY, None)


@pytest.mark.parametrize("role", ["practitioner", "privacy-officer"])
def test_the_operator_invites_administrators_alone(checks: Checks, role: str) -> None:
    """A directory that leaves a signature out passes nobody's word for the operator's."""
    checks.show(None)
    checks.refused("administrators alone", role=role)


@pytest.mark.parametrize(
    ("after", "good"),
    [(-11, False), (-9, True), (7 * 24 * 60 + 9, True), (7 * 24 * 60 + 11, False), (365 * 24 * 60, False)],
    ids=str,
)
def test_the_check_of_an_earlier_namesake_is_not_this_accounts(checks: Checks, after: int, good: bool) -> None:
    """The same name, role and organization, without an NPI or with the same: a check counts for one enrolment."""
    signed = checks.word()
    checks.show(signed)
    said = unverified_identity_check(signed.line)
    checks.bindings.change(checks.ana, 1, at=said.at + timedelta(minutes=after))
    if good:
        assert checks.of() is not None
    else:
        checks.refused("another invitation")


def test_who_was_invited_before_there_were_checks_has_none(checks: Checks) -> None:
    checks.refusing = ServiceError(404, "not-found", "No such identity check, or it is not yours to see.")
    assert checks.of() is None


def test_any_other_refusal_is_no_absence(checks: Checks) -> None:
    checks.refusing = ServiceError(503, "database-unavailable", "The database did not answer in time.")
    with pytest.raises(ServiceError):
        checks.of()


@pytest.mark.parametrize(
    "shown",
    [
        {"name": "Mallory"},
        {"npi": None},
        {"npi": "1679576722"},
        {"role": "administrator"},
        {"organization": Organization(id=HARBOR, name="Harbor")},
    ],
    ids=lambda shown: f"{next(iter(shown))}={next(iter(shown.values()))!s:.12}",
)
def test_a_check_of_somebody_else_is_not_this_persons(checks: Checks, shown: dict[str, Any]) -> None:
    checks.refused("about another person", **shown)


def test_a_forged_signature_checks_nobody(checks: Checks, noor: Clinician) -> None:
    checks.show(checks.word(by=noor))
    checks.refused("not signed by this key")


@pytest.mark.parametrize("role", ["practitioner", "privacy-officer"])
def test_who_is_no_administrator_checks_nobody(checks: Checks, role: str) -> None:
    checks.bindings.log(checks.eve, role)
    checks.refused("no administrator")


def test_an_administrator_of_another_organization_checks_nobody(checks: Checks) -> None:
    checks.bindings.log(checks.eve, "administrator", HARBOR)
    checks.refused("no administrator")


def test_an_administrator_whom_nobody_logged_checks_nobody(checks: Checks) -> None:
    checks.bindings.lines.clear()
    checks.bindings.log(checks.ana)
    checks.refused("nowhere in the log")


def test_the_history_of_one_administrator_stands_for_no_other(checks: Checks, noor: Clinician, ana: Clinician) -> None:
    """A directory that gives Eve's keys out as Noor's puts no word of Eve's into Noor's mouth."""
    checks.show(checks.word(attestor=noor.id))
    place = Organization(id=RIVERSIDE, name="Riverside")
    members = {"id": ana.id, "role": "practitioner", "name": "Ana Whitfield", "npi": "1245319599", "status": "active"}
    person = Practitioner(**members, organization=place)
    with pytest.raises(UncheckedIdentityError, match="no administrator"):
        Identities(checks, checks.bindings, lambda _: checks.eve.history).of(person)


def test_nobody_checks_themselves(checks: Checks, ana: Clinician) -> None:
    checks.bindings.log(ana, "administrator")
    checks.show(checks.word(by=ana, attestor=ana.id, device=ana.keyring.device))
    checks.refused("themselves")


def test_a_device_that_came_later_or_is_nobodys_signed_nothing(checks: Checks) -> None:
    checks.show(checks.word(device=uuid4()))
    checks.refused("do not know")
    checks.show(checks.word(at=datetime.now(UTC) - timedelta(hours=1)))
    checks.refused("not enrolled yet")


def test_the_word_of_a_device_that_was_retired_since_stands(checks: Checks, eve: Clinician) -> None:
    word = checks.word()
    eve.change(add_device=new_device())
    eve.change(revoke_device=eve.keyring.device)
    checks.bindings.log(eve, "administrator")
    checks.show(word)
    assert checks.of() is not None


def test_bytes_that_are_no_check_are_refused(checks: Checks) -> None:
    checks.show(SignedIdentityCheck(b"{}", b"x" * 3373))
    checks.refused("identity check of")
    assert checks.recorded is not None
    checks.recorded = checks.recorded.model_copy(update={"line": "not base64url!"})
    checks.refused("base64url")


def test_changed_keys_of_who_checked_say_nothing_against_the_person(checks: Checks, eve: Clinician) -> None:
    at, two = datetime.now(UTC), (uuid4(), uuid4())

    def refuse(person: UUID) -> Any:
        raise RecoveredKeysError(person, 2, at, two)

    with pytest.raises(RecoveredKeysError) as raised:
        Identities(checks, checks.bindings, refuse).of(checks.person())
    assert raised.value.account == eve.id


def shown(checks: Checks, monkeypatch: pytest.MonkeyPatch, told: Callable[[Practitioner], Any]) -> Result:
    """What `concord directory show` makes of what is known of an identity."""
    colleagues = SimpleNamespace(
        person=lambda _: checks.person(),
        keys=lambda _: SimpleNamespace(first_use=False),
        fingerprint=lambda _: "1234",
        name=lambda _: "Eve Adler",
    )

    @contextmanager
    def unlock(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(colleagues=colleagues, identities=SimpleNamespace(of=told))

    monkeypatch.setattr(directory, "unlock", unlock)
    return CliRunner().invoke(directory.app, ["show", str(checks.ana.id)])


def test_a_check_that_does_not_verify_ends_the_command(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.show(checks.word(), how=Checked.IN_PERSON_PHOTO_ID)
    told = shown(checks, monkeypatch, lambda _: checks.of(name="Ana Whitman"))
    assert (type(told.exception), told.stdout) == (UncheckedIdentityError, "")


def test_of_whoever_checked_the_command_says_that_they_cannot_be_verified(
    checks: Checks, monkeypatch: pytest.MonkeyPatch, eve: Clinician
) -> None:
    def refuse(_: object) -> Any:
        raise RecoveredKeysError(eve.id, 2, datetime.now(UTC), (uuid4(), uuid4()))

    told = shown(checks, monkeypatch, refuse)
    assert told.exit_code == 0 and "Who checked their identity cannot be verified" in told.stdout
    told = shown(checks, monkeypatch, lambda _: None)
    assert told.exit_code == 0 and "No identity check is recorded" in told.stdout
    told = shown(checks, monkeypatch, lambda _: checks.of())
    assert told.exit_code == 0 and f"on {DAY} by Eve Adler" in told.stdout
