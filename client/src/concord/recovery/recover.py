"""The way back: from a recovery code to a new device of the same account.

Owns the order of its steps, so that it can be interrupted anywhere and done again: the new device's keys are kept
before they are published, documents are unpacked before the settings, and the settings are written last. Refuses a home
folder that is in use, and a backup that is not this account's newest. Specified in `spec/recovery.md`, "Recovering".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from uuid import UUID

import httpx
from concord_formats.key_entries import EntryKind, KeyEntry, SignedEntry, read_entry, read_history

from ..api.recovery import RecoveryApi
from ..errors import (
    AlreadyEnrolledError,
    BackupRolledBackError,
    HiddenRotationError,
    RecoveryRefusedError,
    ServiceError,
    TooManyGuessesError,
)
from ..keyring import WORK_FACTOR, Keyring
from ..pins import Pins
from ..portable import Portable
from ..profile import Profile, Settings
from ..seeds import DeviceSeeds
from ..signing import next_entry
from ..store import SealedStore
from ..transport import Transport
from .backup import TAKE_NOTHING, check_backup, check_not_behind, open_backup
from .code import derive
from .kit import Kit, check_address
from .upkeep import DOCUMENT

# Another device may add an entry between the look at the history and the new entry; more often than this is no chance.
ATTEMPTS = 3


def recover(
    profile: Profile,
    kit: Kit,
    passphrase: str,
    *,
    transport: httpx.BaseTransport | None = None,
    work_factor: int = WORK_FACTOR,
    accept_older: bool = False,
    check: Callable[[Settings, Keyring], None],
) -> tuple[Settings, Keyring]:
    """Make this an account's new device. Interrupted, it can be called again with the same kit and passphrase.

    Raises `RecoveryError` and what is below it, `AlreadyEnrolledError`, `WrongPassphraseError`, `ServiceError`,
    `UnreachableError`. `accept_older` takes a backup that is behind the account's key history; `check` looks at the key
    log, signed in as the new device, before the settings say that it is one.
    """
    if profile.enrolled:
        raise AlreadyEnrolledError(profile.home)
    check_address(kit.base_url)
    before = _interrupted(profile, kit.account, passphrase)
    anonymous = Transport(kit.base_url, transport=transport)
    try:
        way = _Way(RecoveryApi(anonymous), kit, accept_older)
        opened = way.open(before)
        with profile.beginning(begun=before is not None):

            def save(keyring: Keyring) -> None:
                keyring.save(profile.keyring, passphrase, work_factor=work_factor)

            added = _added(way, opened, _made(profile, opened.portable, before), save)
            _unpack(SealedStore(profile.sealed, added.keyring.store_identity()), added)
            settings = Settings(kit.base_url, added.keyring.account, added.keyring.device)
            _look_at_log(check, settings, added.keyring)
            profile.save(settings)
    finally:
        anonymous.close()
    return settings, added.keyring


@dataclass(frozen=True)
class _Opened:
    portable: Portable
    history: Sequence[SignedEntry]
    generation: int


@dataclass(frozen=True)
class _Added:
    """The new device as it is published, in `history`, and the newest backup that was opened on the way."""

    keyring: Keyring
    opened: _Opened
    history: Sequence[SignedEntry]


class _Way:
    """What the directory does for whoever has an account's code."""

    def __init__(self, api: RecoveryApi, kit: Kit, accept_older: bool) -> None:
        self._api = api
        self._account = kit.account
        self._keys = derive(kit.code, kit.account)
        self._accept_older = accept_older

    def open(self, before: Keyring | None) -> _Opened:
        """The backup, opened and judged, and the key history beside it; `before` is the keyring of an earlier try."""
        with _refusals():
            fetched = self._api.fetch(self._account, self._keys.credential)
        portable = open_backup(fetched.sealed, self._keys.identity)
        check_backup(portable, self._account, fetched.history, self._keys.recipient)
        newest = _newest_but_own(fetched.history, before.device if before else None)
        check_not_behind(portable, newest, accept_older=self._accept_older)
        return _Opened(portable, fetched.history, fetched.generation)

    def add(self, keyring: Keyring, history: Sequence[SignedEntry]) -> Sequence[SignedEntry]:
        """Publish the device, unless an earlier run did; the history with it in."""
        if read_history(history).device(keyring.device):
            return history
        entry = next_entry(keyring.identity_key(), history[-1], add_device=_seeds(keyring).public())
        with _refusals():
            self._api.add_device(self._account, self._keys.credential, entry)
        return [*history, entry]


def _added(way: _Way, opened: _Opened, keyring: Keyring, save: Callable[[Keyring], None]) -> _Added:
    """Publish the device; where somebody else's entry came first, from the newer backup, which may hold another key."""
    for attempt in range(1, ATTEMPTS + 1):
        save(keyring)  # before any of it is published
        try:
            return _Added(keyring, opened, way.add(keyring, opened.history))
        except ServiceError as refused:
            if refused.type != "key-entry-conflict" or attempt == ATTEMPTS:
                raise
        opened = way.open(keyring)
        keyring = _with_newer_seeds(opened.portable, keyring).keyring(_seeds(keyring))
    raise AssertionError("unreachable")


def _interrupted(profile: Profile, account: UUID, passphrase: str) -> Keyring | None:
    """The keyring of an earlier run, whose device may be in the history already."""
    if not profile.keyring.exists():
        return None
    before = Keyring.load(profile.keyring, passphrase)
    if before.account != account:
        raise AlreadyEnrolledError(profile.home)
    return before


def _newest_but_own(history: Sequence[SignedEntry], own: UUID | None) -> KeyEntry:
    """The newest entry that a backup can have seen: not the one by which an earlier run added this device."""
    last = read_entry(history[-1])
    adding = own is not None and last.kind is EntryKind.DEVICE_ADDED
    added = adding and last.devices[-1].id == own  # a device that is added stands last, by `concord.signing`
    return read_entry(history[-2]) if added else last


def _made(profile: Profile, portable: Portable, before: Keyring | None) -> Keyring:
    """The new device's keyring, or that of an earlier run with what the backup knows now."""
    if before is None:
        return portable.keyring()
    if before.identity_seed != portable.identity_seed:  # an enrolment that was interrupted, and is another identity
        raise AlreadyEnrolledError(profile.home)
    return _with_newer_seeds(portable, before).keyring(_seeds(before))


def _unpack(store: SealedStore, added: _Added) -> None:
    added.opened.portable.unpack(store)
    Pins(store).check(added.keyring.account, added.history)
    with store.changing(DOCUMENT) as known:
        known.update(generation=added.opened.generation, verifier=added.keyring.recovery_verifier)


def _with_newer_seeds(portable: Portable, before: Keyring) -> Portable:
    """An encryption key that the earlier run was given does not go, whatever backup comes now."""
    longer = max(portable.encryption_seeds, before.encryption_seeds, key=len)
    return replace(portable, encryption_seeds=longer)


def _seeds(keyring: Keyring) -> DeviceSeeds:
    whole = keyring.completed()
    return DeviceSeeds(**{each.name: getattr(whole, each.name) for each in fields(DeviceSeeds)})


def _look_at_log(check: Callable[[Settings, Keyring], None], settings: Settings, keyring: Keyring) -> None:
    try:
        check(settings, keyring)
    except HiddenRotationError:
        raise BackupRolledBackError(
            "the directory gave an older backup and a key history as old: the key log has a later entry of the account",
            TAKE_NOTHING,
        ) from None


@contextmanager
def _refusals() -> Iterator[None]:
    """The directory's two answers to a wrong code, told as what they mean here."""
    try:
        yield
    except ServiceError as refused:
        if refused.type == "recovery-refused":
            raise _refused(refused.members.get("left")) from None
        if refused.type == "too-many-guesses":
            raise _too_many(refused.retry_after) from None
        raise


def _refused(left: object) -> RecoveryRefusedError:
    message = "no backup opens with this account and this code"
    if isinstance(left, int):
        message += f"; {left} more {'try is' if left == 1 else 'tries are'} taken in these minutes"
    return RecoveryRefusedError(message, left=left)


def _too_many(retry_after: str | None) -> TooManyGuessesError:
    wait = int(retry_after) if retry_after and retry_after.isdecimal() else None
    when = "later" if wait is None else f"in {-(-wait // 60)} minutes"
    return TooManyGuessesError(f"too many wrong codes were tried; the next is taken {when}", retry_after=wait)


__all__ = ["ATTEMPTS", "recover"]
