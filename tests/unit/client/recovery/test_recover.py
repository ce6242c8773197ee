"""The way back: a new device from a code, whatever happens on the way."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from concord.address_book import AddressBook
from concord.errors import (
    AlreadyEnrolledError,
    BackupRolledBackError,
    ForeignBackupError,
    HiddenRotationError,
    MalformedBackupError,
    NotEnrolledError,
    RecoveryCodeError,
    RecoveryRefusedError,
    ServiceError,
    TooManyGuessesError,
    WrongPassphraseError,
)
from concord.keyring import Keyring
from concord.pins import Pins
from concord.profile import Profile, Settings
from concord.recovery import Kit, new_code, recover
from concord.store import SealedStore
from concord_formats.key_entries import EntryKind

from tests.unit.client.people import Clinician, new_device
from tests.unit.client.recovery.made import FAST, ORIGIN, PASSPHRASE, Owner

NEVER = "stop at no step"


class Stopped(BaseException):
    """The machine is switched off: nothing after this runs, and no error of ours catches it."""


@pytest.fixture(autouse=True)
def _stored(owner: Owner) -> None:
    """The owner has a backup at the directory."""
    owner.upkeep.keep()


@pytest.fixture
def fresh(tmp_path: Path) -> Profile:
    """A new device."""
    return Profile(tmp_path / "new")


def run(owner: Owner, profile: Profile, kit: Kit | None = None, **options: Any) -> tuple[Settings, Keyring]:
    """Recover on a device."""
    return recover(
        profile,
        kit or owner.kit,
        options.pop("passphrase", PASSPHRASE),
        transport=owner.directory.transport(),
        work_factor=FAST,
        check=options.pop("check", lambda settings, keyring: None),
        **options,
    )


def opened_store(profile: Profile) -> SealedStore:
    """The documents of the new device."""
    return SealedStore(profile.sealed, Keyring.load(profile.keyring, PASSPHRASE).store_identity())


def test_the_new_device_has_the_accounts_keys_and_its_own(owner: Owner, fresh: Profile) -> None:
    settings, keyring = run(owner, fresh)
    old = owner.clinician.keyring
    assert (keyring.identity_seed, keyring.encryption_seeds) == (old.identity_seed, old.encryption_seeds)
    assert keyring.device != old.device
    assert not {keyring.signing_seed, keyring.authentication_seed, keyring.store_seed} & {
        old.signing_seed,
        old.authentication_seed,
        old.store_seed,
    }
    assert settings == fresh.load() == Settings(ORIGIN, owner.clinician.id, keyring.device)
    assert Keyring.load(fresh.keyring, PASSPHRASE) == keyring


def test_it_is_added_to_the_history_beside_the_others(owner: Owner, fresh: Profile) -> None:
    _, keyring = run(owner, fresh)
    newest = owner.clinician.entry
    assert (newest.kind, newest.n) == (EntryKind.DEVICE_ADDED, 2)
    assert [device.id for device in newest.devices] == [owner.clinician.keyring.device, keyring.device]


def test_patients_and_pins_are_there_again(owner: Owner, noor: Clinician, fresh: Profile) -> None:
    Pins(owner.store).check(noor.id, noor.history)
    owner.upkeep.keep()
    run(owner, fresh)
    store = opened_store(fresh)
    assert AddressBook(store).entries()["blue-heron"].name == "Jaime Armendáriz"
    assert not Pins(store).check(noor.id, noor.history).first_use


def test_the_next_backup_goes_on_from_the_one_that_was_opened(owner: Owner, fresh: Profile) -> None:
    _, keyring = run(owner, fresh)
    upkeep = owner.device(keyring, opened_store(fresh))
    assert upkeep.behind  # one device more
    assert upkeep.keep() is None
    assert owner.directory.generation == 2
    assert owner.directory.asked[-1] == "PUT /backup"


def test_it_can_be_done_again_with_the_same_sheet_on_another_device(
    owner: Owner, fresh: Profile, tmp_path: Path
) -> None:
    _, keyring = run(owner, fresh)
    owner.device(keyring, opened_store(fresh)).keep()
    run(owner, Profile(tmp_path / "third"))
    assert len(owner.clinician.entry.devices) == 3


# Every request and every file that takes its name is a step; the machine may stop before each of them.
def steps_of(owner: Owner, monkeypatch: pytest.MonkeyPatch, stop_before: int | None) -> list[str]:
    """Count the steps from now on, and stop before one of them."""
    taken: list[str] = []

    def step(name: str) -> None:
        if len(taken) == stop_before:
            raise Stopped
        taken.append(name)

    replace = Path.replace

    def replacing(self: Path, target: Path) -> Path:
        step(f"file {Path(target).name}")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replacing)
    owner.directory.before_each = step
    return taken


@contextmanager
def counted(owner: Owner, stop_before: int | None = None) -> Iterator[list[str]]:
    """The steps within the block."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield steps_of(owner, monkeypatch, stop_before)
    owner.directory.before_each = lambda path: None


def test_interrupted_at_any_step_it_is_done_again(ana: Clinician, tmp_path: Path) -> None:
    """With the same result: one new device, which opens everything; and until then, nobody is enrolled."""
    owner = Owner(Clinician(ana.keyring), tmp_path / "count")
    owner.upkeep.keep()
    with counted(owner) as steps:
        run(owner, Profile(tmp_path / "whole"))
    assert steps[0] == "POST /recoveries" and steps[-1] == "file settings.json"
    assert steps.index("file keyring.age") < steps.index("POST /recoveries/device")
    for stop in range(len(steps)):
        owner = Owner(Clinician(ana.keyring), tmp_path / f"first-{stop}")
        owner.upkeep.keep()
        profile = Profile(tmp_path / f"new-{stop}")
        with counted(owner, stop), pytest.raises(Stopped):
            run(owner, profile)
        with pytest.raises(NotEnrolledError):
            profile.load()
        settings, keyring = run(owner, profile)
        assert len(owner.clinician.entry.devices) == 2, steps[stop]
        assert owner.clinician.entry.device(keyring.device), steps[stop]
        assert profile.load() == settings
        assert "blue-heron" in AddressBook(opened_store(profile)).entries()


def test_an_answer_that_was_lost_is_made_up_for(owner: Owner, fresh: Profile) -> None:
    """The device was recorded, and its owner never heard so."""
    directory = owner.directory
    recorded = directory._add

    def lost(body: dict[str, Any]) -> tuple[int, Any]:
        recorded(body)
        raise Stopped

    directory._add = lost  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        run(owner, fresh)
    directory._add = recorded  # type: ignore[method-assign]
    _, keyring = run(owner, fresh)
    assert owner.clinician.entry.n == 2 and owner.clinician.entry.device(keyring.device)


def test_an_interrupted_run_goes_on_under_its_own_passphrase_only(owner: Owner, fresh: Profile) -> None:
    with counted(owner, 2), pytest.raises(Stopped):
        run(owner, fresh)
    with pytest.raises(WrongPassphraseError):
        run(owner, fresh, passphrase="another one")


def test_what_the_directory_gives_the_second_time_takes_no_key_away(owner: Owner, fresh: Profile) -> None:
    """An older backup after the first run: what that had been given stays, even for who accepts an older one."""
    older = (owner.directory.backup, owner.directory.generation)
    owner.clinician.keyring = owner.clinician.keyring.with_new_encryption_key().with_published_key()
    owner.clinician.change(encryption_recipient=str(owner.clinician.keyring.encryption_identities()[0].recipient()))
    owner.upkeep.store()
    with counted(owner, 2), pytest.raises(Stopped):
        run(owner, fresh)
    owner.directory.backup, owner.directory.generation = older
    with pytest.raises(BackupRolledBackError):
        run(owner, fresh)
    _, keyring = run(owner, fresh, accept_older=True)
    assert keyring.encryption_seeds == owner.clinician.keyring.encryption_seeds


def test_an_entry_that_came_first_is_followed(owner: Owner, fresh: Profile) -> None:
    """Another device is added at that moment, and its backup is stored."""

    def meanwhile(path: str) -> None:
        if path == "POST /recoveries/device" and owner.clinician.entry.n == 1:
            owner.clinician.change(add_device=new_device())
            owner.directory.before_each = lambda path: None
            owner.upkeep.store()

    owner.directory.before_each = meanwhile
    _, keyring = run(owner, fresh)
    assert owner.clinician.entry.n == 3
    assert owner.clinician.entry.device(keyring.device)


def test_a_key_that_came_first_is_taken_from_the_backup_that_came_with_it(owner: Owner, fresh: Profile) -> None:
    """Another device rotates between the look and the new entry: with the older keys this one would be deaf."""

    def meanwhile(path: str) -> None:
        if path == "POST /recoveries/device":
            owner.directory.before_each = lambda path: None
            owner.clinician.rotate()
            add_patient(owner, "grey-owl")
            owner.upkeep.store()

    owner.directory.before_each = meanwhile
    _, keyring = run(owner, fresh)
    assert keyring == Keyring.load(fresh.keyring, PASSPHRASE)
    assert keyring.encryption_seeds == owner.clinician.keyring.encryption_seeds
    assert len(keyring.encryption_seeds) == 2
    assert "grey-owl" in AddressBook(opened_store(fresh)).entries()
    assert opened_store(fresh).read("recovery") == {"generation": 2, "verifier": owner.directory.verifier}


def add_patient(owner: Owner, alias: str) -> None:
    """On the first device."""
    AddressBook(owner.store).add(alias, "Somebody")


def test_of_two_at_once_in_one_folder_one_is_told_so(owner: Owner, fresh: Profile) -> None:
    """The keyring of one beside the settings of the other would open nothing."""
    done: list[Keyring] = []

    def meanwhile(path: str) -> None:
        if path == "POST /recoveries" and not done:
            done.append(noted := Keyring.create(owner.clinician.id))
            fresh.create()
            noted.save(fresh.keyring, PASSPHRASE, work_factor=FAST)

    owner.directory.before_each = meanwhile
    with pytest.raises(AlreadyEnrolledError):
        run(owner, fresh)
    assert Keyring.load(fresh.keyring, PASSPHRASE) == done[0]
    assert owner.clinician.entry.n == 1


def test_who_is_first_ends_before_the_second_begins(owner: Owner, fresh: Profile) -> None:
    settings, keyring = run(owner, fresh)
    with pytest.raises(AlreadyEnrolledError), fresh.beginning(begun=True):
        pytest.fail("somebody is enrolled")
    free = Profile(fresh.home.parent / "free")
    with free.beginning(begun=False), pytest.raises(BlockingIOError), free.keyring.with_suffix(".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert (fresh.load(), Keyring.load(fresh.keyring, PASSPHRASE)) == (settings, keyring)


def test_who_is_always_overtaken_is_told_after_a_while(owner: Owner, fresh: Profile) -> None:
    owner.directory._add = lambda body: (409, "key-entry-conflict")  # type: ignore[method-assign]
    with pytest.raises(ServiceError) as told:
        run(owner, fresh)
    assert told.value.type == "key-entry-conflict"
    assert owner.directory.asked.count("POST /recoveries/device") == 3


def test_an_older_backup_is_named_so_and_nothing_is_published(owner: Owner, fresh: Profile) -> None:
    owner.clinician.change(add_device=new_device())
    with pytest.raises(BackupRolledBackError):
        run(owner, fresh)
    assert owner.clinician.entry.n == 2
    assert not fresh.keyring.exists()


def test_who_knows_that_the_last_backup_failed_can_take_the_older_one(owner: Owner, fresh: Profile) -> None:
    owner.clinician.change(add_device=new_device())
    _, keyring = run(owner, fresh, accept_older=True)
    assert owner.clinician.entry.device(keyring.device)


def test_nobody_can_take_a_backup_with_a_history_that_is_older_than_it(owner: Owner, fresh: Profile) -> None:
    """What the new device signed then would be a second history of the account, for the directory to show."""
    owner.clinician.change(add_device=new_device())
    owner.upkeep.store()
    del owner.clinician.history[1:]
    with pytest.raises(BackupRolledBackError) as told:
        run(owner, fresh, accept_older=True)
    assert "--accept-older" not in told.value.hint
    assert (owner.clinician.entry.n, fresh.keyring.exists()) == (1, False)


def test_a_key_log_that_has_a_later_entry_names_the_backup_an_older_one(owner: Owner, fresh: Profile) -> None:
    """History and backup are as old as one another; the log, which everybody sees, is not."""

    def check(settings: Settings, keyring: Keyring) -> None:
        raise HiddenRotationError("the log has a later entry")

    with pytest.raises(BackupRolledBackError):
        run(owner, fresh, check=check)
    assert not fresh.enrolled


def test_the_backup_of_somebody_else_is_named_so(owner: Owner, noor: Clinician, tmp_path: Path, fresh: Profile) -> None:
    other = Owner(noor, tmp_path / "other")
    other.clinician.keyring = other.clinician.keyring.with_recovery(
        owner.clinician.keyring.recovery_recipient or "", owner.clinician.keyring.recovery_verifier or ""
    )
    other.upkeep.keep()
    owner.directory.backup = other.directory.backup
    with pytest.raises(ForeignBackupError):
        run(owner, fresh)
    assert not fresh.home.exists()


@pytest.mark.parametrize("bad", [b"", b"age-encryption.org/v1\n", b"\x00" * 1000])
def test_a_backup_that_is_none_is_refused(owner: Owner, fresh: Profile, bad: bytes) -> None:
    owner.directory.backup = bad
    with pytest.raises(MalformedBackupError):
        run(owner, fresh)
    assert not fresh.home.exists()


@pytest.mark.parametrize(
    "answer", [{}, {"backup": "!", "generation": 1, "entries": []}, {"backup": 7}, [], None, {"backup": "AA"}], ids=str
)
def test_an_answer_that_holds_no_backup_is_refused(owner: Owner, fresh: Profile, answer: Any) -> None:
    owner.directory._fetch = lambda body: (200, answer)  # type: ignore[method-assign]
    with pytest.raises(MalformedBackupError):
        run(owner, fresh)


def test_a_wrong_code_is_told_with_how_many_tries_are_left(owner: Owner, fresh: Profile) -> None:
    with pytest.raises(RecoveryRefusedError, match="7 more tries") as refused:
        run(owner, fresh, Kit(ORIGIN, owner.clinician.id, new_code()))
    assert refused.value.members["left"] == 7
    assert owner.directory.failed == 1
    assert not fresh.home.exists()


def test_a_slip_is_told_before_anything_is_asked(owner: Owner, fresh: Profile) -> None:
    owner.directory.asked.clear()
    slipped = ("1" if owner.code[0] != "1" else "2") + owner.code[1:]
    with pytest.raises(RecoveryCodeError):
        run(owner, fresh, Kit(ORIGIN, owner.clinician.id, slipped))
    assert owner.directory.asked == []


def test_too_many_guesses_are_told_with_when(owner: Owner, fresh: Profile) -> None:
    owner.directory.refusing = (429, "too-many-guesses")
    with pytest.raises(TooManyGuessesError, match="in 14 minutes") as told:
        run(owner, fresh)
    assert told.value.members["retry_after"] == 840


def test_another_refusal_stays_what_it_is(owner: Owner, fresh: Profile) -> None:
    owner.directory.refusing = (403, "account-suspended")
    with pytest.raises(ServiceError) as refused:
        run(owner, fresh)
    assert refused.value.type == "account-suspended"


def test_a_code_goes_nowhere_in_the_clear(owner: Owner, fresh: Profile) -> None:
    owner.directory.asked.clear()
    with pytest.raises(RecoveryCodeError):
        run(owner, fresh, Kit("http://concord.example", owner.clinician.id, owner.code))
    assert owner.directory.asked == []


def test_a_home_folder_in_use_is_left_alone(owner: Owner, fresh: Profile) -> None:
    run(owner, fresh)
    before = fresh.keyring.read_bytes()
    with pytest.raises(AlreadyEnrolledError):
        run(owner, fresh)
    assert fresh.keyring.read_bytes() == before


def test_another_persons_interrupted_enrolment_is_left_alone(owner: Owner, noor: Clinician, fresh: Profile) -> None:
    fresh.create()
    noor.keyring.save(fresh.keyring, PASSPHRASE, work_factor=FAST)
    with pytest.raises(AlreadyEnrolledError):
        run(owner, fresh)
    assert Keyring.load(fresh.keyring, PASSPHRASE) == noor.keyring


def test_ones_own_interrupted_enrolment_is_left_alone(owner: Owner, fresh: Profile) -> None:
    anew = Keyring.create(owner.clinician.id)
    fresh.create()
    anew.save(fresh.keyring, PASSPHRASE, work_factor=FAST)
    with pytest.raises(AlreadyEnrolledError):
        run(owner, fresh)
    assert Keyring.load(fresh.keyring, PASSPHRASE) == anew


def test_the_code_is_left_nowhere_on_the_new_device(owner: Owner, fresh: Profile) -> None:
    run(owner, fresh)
    written = b"".join(path.read_bytes() for path in fresh.home.rglob("*") if path.is_file())
    assert owner.code.encode() not in written
