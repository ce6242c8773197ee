"""Enrolment: from an invitation to an account with keys.

Owns the order of its steps, so that it can be interrupted anywhere and done again: keys are kept before they are
published, and the settings are written last. Refuses to overwrite a keyring.
"""

from __future__ import annotations

from typing import NamedTuple

import httpx
from concord_formats.key_entries import SignedEntry

from .api import DirectoryApi
from .api.key_log import KeyLogApi
from .dpop import AuthenticationKey
from .errors import AlreadyEnrolledError, ServiceError
from .invitation import InvitationCode, read_invitation
from .key_log import KeyLog
from .keyring import WORK_FACTOR, Keyring
from .pins import Pins
from .profile import Profile, Settings
from .recovery.upkeep import with_new_code
from .store import SealedStore
from .transport import Device, Transport


class Enrolled(NamedTuple):
    """What came of it; the recovery code is here and nowhere else."""

    settings: Settings
    keyring: Keyring
    recovery_code: str


def enrol(
    profile: Profile,
    invitation: str,
    passphrase: str,
    *,
    transport: httpx.BaseTransport | None,
    work_factor: int | None,
) -> Enrolled:
    """Do the whole of it; see `Client.enrol`."""
    if profile.enrolled:
        raise AlreadyEnrolledError(profile.home)
    code = read_invitation(invitation)
    profile.create()
    keyring, recovery_code = _keyring(profile, code, passphrase, work_factor or WORK_FACTOR)
    settings = Settings(code.base_url, keyring.account, keyring.device)
    with_device = Transport(code.base_url, Device(keyring.device, _key(keyring)), transport=transport)
    try:
        _publish(DirectoryApi(with_device), code, keyring)
        _check(profile, keyring, with_device)
    finally:
        with_device.close()
    profile.save(settings)
    return Enrolled(settings, keyring, recovery_code)


def _keyring(profile: Profile, code: InvitationCode, passphrase: str, work_factor: int) -> tuple[Keyring, str]:
    """The keyring, on the disk, and its recovery code: a new one at each run, as that of an earlier one was shown to
    nobody.
    """
    keyring, recovery_code = with_new_code(_new_or_interrupted(profile, code, passphrase))
    keyring.save(profile.keyring, passphrase, work_factor=work_factor)
    return keyring, recovery_code


def _new_or_interrupted(profile: Profile, code: InvitationCode, passphrase: str) -> Keyring:
    if profile.keyring.exists():  # an enrolment that was interrupted: its keys may be published already
        keyring = Keyring.load(profile.keyring, passphrase)
        if keyring.account != code.practitioner:
            raise AlreadyEnrolledError(profile.home)
        return keyring
    return Keyring.create(code.practitioner)


def _publish(directory: DirectoryApi, code: InvitationCode, keyring: Keyring) -> None:
    first: SignedEntry = keyring.first_entry
    try:
        directory.enrol(code.practitioner, code.secret, first)
    except ServiceError as refused:
        if not _published_before(directory, keyring, refused):
            raise


def _published_before(directory: DirectoryApi, keyring: Keyring, refused: ServiceError) -> bool:
    """Whether an earlier, interrupted run got through: then this device's key signs in and its entry is the first."""
    if refused.type not in {"already-enrolled", "invitation-refused"}:
        return False
    try:
        return keyring.first_entry in directory.keys(keyring.account)[:1]
    except ServiceError:
        return False


def _check(profile: Profile, keyring: Keyring, with_device: Transport) -> None:
    """What was published is what everybody can see: in the key log, and pinned. Raises `KeyLogError`."""
    store = SealedStore(profile.sealed, keyring.store_identity())
    log = KeyLog(KeyLogApi(with_device), store, profile, keyring.account, device=keyring.device)
    try:
        log.made(keyring.first_entry, 1)
        log.check(keyring.account, [keyring.first_entry], fresh=True)
    finally:
        log.close()
    Pins(store).check(keyring.account, [keyring.first_entry])


def _key(keyring: Keyring) -> AuthenticationKey:
    return AuthenticationKey(keyring.authentication_seed)
