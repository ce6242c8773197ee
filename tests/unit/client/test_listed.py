"""What an entry has to pass: nobody with an account is shown as somebody who has none, with a number to call."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord.api.listings import Listing
from concord.colleagues import Colleagues
from concord.errors import NameMismatchError, ServiceError, StalledLogError
from concord.key_log.mirror import MOST_NUMBERED
from concord.listed import Doubt, Entries
from concord_formats.key_log import BindingKind

from tests.unit.client.key_log.fake_log import HARBOR, RIVERSIDE, FakeDirectory, Town, stranger
from tests.unit.client.people import Clinician

NPI, ANOTHER = "1679576722", "1234567893"


class Answering(FakeDirectory):
    """The directory, and whom it was asked for; what it says of somebody can be changed."""

    def __init__(self, honest: FakeDirectory) -> None:
        super().__init__()
        self.people = honest.people
        self.asked: list[UUID] = []
        self.refusing: dict[UUID, int] = {}

    def practitioner(self, practitioner: UUID) -> Any:
        self.asked.append(practitioner)
        if status := self.refusing.get(practitioner):
            raise ServiceError(status, "refused", "Refused.")
        return super().practitioner(practitioner)

    def say(self, practitioner: UUID, **changed: Any) -> None:
        """From now on it says this of somebody."""
        known = self.people[practitioner]
        known.person = known.person.model_copy(update=changed)


@pytest.fixture
def town(tmp_path: Path, ana: Clinician, noor: Clinician) -> Town:
    made = Town(tmp_path)
    made.enrol(ana, "Dr. Ana Whitfield", npi="1245319599")
    made.enrol(noor, "Dr. Noor Haddad", npi=NPI, at=HARBOR)
    return made


@pytest.fixture
def directory(town: Town) -> Answering:
    return Answering(town.directory)


@pytest.fixture
def mine(town: Town, ana: Clinician, directory: Answering) -> Colleagues:
    return town.colleagues(ana, directory=directory)


@pytest.fixture
def entries(mine: Colleagues) -> Entries:
    return Entries(mine)


def public(npi: str | None = NPI, **changed: Any) -> Listing:
    """An entry of somebody who is said not to be enrolled."""
    usual = {"id": uuid4(), "kind": "individual", "name": "NOOR HADDAD", "npi": npi, "phone": "4135550199"}
    return Listing.model_validate(usual | {"enrolled": False, "stale": True} | changed)


def test_somebody_with_an_account_is_not_somebody_without_one(
    entries: Entries, mine: Colleagues, noor: Clinician
) -> None:
    entry = public()
    assert entries.doubt(entry) == Doubt(entry, noor.id, in_force=True)
    assert mine.key_log and mine.key_log.alarms() == []  # or they enrolled between two answers


def test_whoever_has_no_account_passes_and_nothing_more_is_asked(entries: Entries, directory: Answering) -> None:
    assert entries.doubt(public(ANOTHER)) is None
    assert directory.asked == []


def test_the_record_of_somebody_who_was_suspended_is_no_lie(
    entries: Entries, directory: Answering, noor: Clinician
) -> None:
    """They left, say, and work where nobody is enrolled. That the directory alone says so is told."""
    directory.say(noor.id, status="suspended")
    entry = public()
    assert entries.doubt(entry) == Doubt(entry, noor.id, in_force=False)


@pytest.mark.parametrize("status", ["invited", "closed", "Suspended"])
def test_no_other_standing_is_an_excuse(entries: Entries, directory: Answering, noor: Clinician, status: str) -> None:
    """Somebody who stands in the log has enrolled."""
    directory.say(noor.id, status=status)
    doubt = entries.doubt(public())
    assert doubt and doubt.in_force


def test_who_is_suspended_in_one_organization_and_active_in_another_has_an_account(
    town: Town, entries: Entries, directory: Answering, noor: Clinician, eve: Clinician
) -> None:
    elsewhere = town.enrol(eve, "Dr. Noor Haddad", npi=NPI)
    for suspended, active in ((noor, elsewhere), (elsewhere, noor)):
        directory.say(suspended.id, status="suspended")
        directory.say(active.id, status="active")
        doubt = entries.doubt(public())
        assert doubt and (doubt.account, doubt.in_force) == (active.id, True)


def test_an_account_that_the_directory_denies_is_in_force(
    entries: Entries, directory: Answering, noor: Clinician
) -> None:
    directory.refusing[noor.id] = 404
    doubt = entries.doubt(public())
    assert doubt and doubt.in_force
    directory.refusing[noor.id] = 503
    with pytest.raises(ServiceError, match="Refused"):
        entries.doubt(public())


def test_an_excuse_that_the_log_contradicts_is_named(entries: Entries, directory: Answering, noor: Clinician) -> None:
    directory.say(noor.id, status="suspended", name="Dr. Mallory")
    with pytest.raises(NameMismatchError):
        entries.doubt(public())


@pytest.mark.parametrize(
    "npi",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(NPI[:-1], id="nine-digits"),
        pytest.param(f"{NPI} ", id="a-space-behind-it"),
        pytest.param("１６７９５７６７２２", id="digits-of-another-kind"),
    ],
)
def test_a_record_without_a_number_could_be_of_anybody(entries: Entries, npi: str | None) -> None:
    with pytest.raises(ServiceError, match="cannot be read"):
        entries.doubt(public(npi))


def test_an_administrators_public_record_is_their_own(town: Town, entries: Entries) -> None:
    """An administrator has no entry that could take its place."""
    town.log.bind(stranger("Office", npi=ANOTHER, role="administrator"))
    assert entries.doubt(public(ANOTHER)) is None


def test_a_number_that_an_account_had_once_is_not_its_number(town: Town, entries: Entries) -> None:
    account = uuid4()
    town.log.bind(stranger("Dr. Bo Park", account=account, npi=ANOTHER))
    later = {"n": 2, "kind": BindingKind.RECOVERED, "attestations": ("a" * 64, "b" * 64)}
    town.log.bind(stranger("Dr. Bo Park", account=account, npi="1999999992", **later))
    assert entries.doubt(public(ANOTHER)) is None


def test_an_account_that_was_logged_a_moment_ago_counts(
    town: Town, entries: Entries, mine: Colleagues, eve: Clinician
) -> None:
    assert entries.doubt(public(ANOTHER)) is None
    newcomer = town.enrol(eve, "Dr. Bo Park", npi=ANOTHER)
    assert mine.key_log
    mine.key_log.forget()
    doubt = entries.doubt(public(ANOTHER))
    assert doubt and doubt.account == newcomer.id


def test_while_the_log_stands_still_nobody_is_said_to_have_no_account(town: Town, entries: Entries) -> None:
    town.log.clock = 1_700_000_000.0
    with pytest.raises(StalledLogError):
        entries.doubt(public(ANOTHER))


def test_a_number_that_was_logged_many_times_is_asked_after_some_times(
    town: Town, entries: Entries, directory: Answering, noor: Clinician
) -> None:
    for number in range(50):
        account = uuid4()
        town.log.bind(stranger(f"Dr. {number}", account=account, npi=NPI))
        directory.people[account] = directory.people[noor.id]
    directory.say(noor.id, status="suspended")
    assert entries.doubt(public())
    assert len(directory.asked) == MOST_NUMBERED


def test_a_number_is_found_without_reading_the_mirror_through(entries: Entries, mine: Colleagues) -> None:
    entries.doubt(public())
    assert mine.key_log
    mirror, statements = mine.key_log.mirror, []  # type: tuple[Any, list[str]]
    with mirror._file.reading() as db:
        db.set_trace_callback(statements.append)
    mirror.numbered(NPI, mirror.size)
    [query] = (each for each in statements if "npi" in each)
    with mirror._file.reading() as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert any("named_npi" in step for step in plan) and not any("SCAN" in step for step in plan), plan


COVER = {"starts_at": "2026-11-20T00:00:00Z", "ends_at": "2026-12-05T00:00:00Z"}


def away(covering: UUID) -> Listing:
    shown = {"id": str(covering), "name": "Dr. Mallory", "organization": {"id": str(HARBOR), "name": "X"}}
    return public(coverage={"covering": shown} | COVER)


def test_whoever_covers_goes_by_the_name_that_is_logged(entries: Entries, ana: Clinician) -> None:
    covered = entries.covered(away(ana.id)).coverage
    assert covered and (covered.covering.name, covered.covering.organization.id) == ("Dr. Ana Whitfield", RIVERSIDE)


def test_a_covering_colleague_whom_nobody_vouches_for_is_an_id(
    entries: Entries, directory: Answering, ana: Clinician
) -> None:
    """And no reason to find nobody."""
    directory.say(ana.id, name="Dr. Mallory")
    assert (entries.covered(away(ana.id)).coverage or pytest.fail()).covering.name == str(ana.id)
    directory.refusing[unknown := uuid4()] = 404
    assert (entries.covered(away(unknown)).coverage or pytest.fail()).covering.name == str(unknown)
