"""Enrolment: from an invitation to an account with keys.

Owns the order of its steps, so that it can be interrupted anywhere and done again: keys are kept before they are
published, and the settings are written last. Refuses to overwrite a keyring.
"""

from __future__ import annotations

import httpx
from concord_formats.key_entries import SignedEntry

from .api import DirectoryApi
from .dpop import AuthenticationKey
from .errors import AlreadyEnrolledError, ServiceError
from .invitation import InvitationCode, read_invitation
from .keyring import Keyring
from .pins import Pins
from .profile import Profile, Settings
from .store import SealedStore
from .transport import Device, Transport


def enrol(
    profile: Profile,
    invitation: str,
    passphrase: str,
    *,
    transport: httpx.BaseTransport | None,
    work_factor: int | None,
) -> tuple[Settings, Keyring]:
    """Do the whole of it; see `Client.enrol`."""
    if profile.enrolled:
        raise AlreadyEnrolledError(profile.home)
    code = read_invitation(invitation)
    profile.create()
    keyring = _keyring(profile, code, passphrase, work_factor)
    settings = Settings(code.base_url, keyring.account, keyring.device)
    with_device = Transport(code.base_url, Device(keyring.device, _key(keyring)), transport=transport)
    try:
        _publish(DirectoryApi(with_device), code, keyring)
    finally:
        with_device.close()
    Pins(SealedStore(profile.sealed, keyring.store_identity())).check(keyring.account, [keyring.first_entry])
    profile.save(settings)
    return settings, keyring


def _keyring(profile: Profile, code: InvitationCode, passphrase: str, work_factor: int | None) -> Keyring:
    if profile.keyring.exists():  # an enrolment that was interrupted: its keys may be published already
        keyring = Keyring.load(profile.keyring, passphrase)
        if keyring.account != code.practitioner:
            raise AlreadyEnrolledError(profile.home)
        return keyring
    keyring = Keyring.create(code.practitioner)
    if work_factor is None:
        keyring.save(profile.keyring, passphrase)
    else:
        keyring.save(profile.keyring, passphrase, work_factor=work_factor)
    return keyring


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
        return directory.keys(keyring.account)[0] == keyring.first_entry
    except ServiceError:
        return False


def _key(keyring: Keyring) -> AuthenticationKey:
    return AuthenticationKey(keyring.authentication_seed)
