"""Joining an account, on a new device: from a pairing code to a keyring and settings.

Owns the order of its steps, so that it can be interrupted anywhere and done again: the device's keys are kept before
they are published, the answer before it is used, the settings are written last. Refuses a home folder that is in use,
and an account whose keys at the directory are not those that the other device handed over. Specified in
`spec/keys.md`, "Pairing".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from concord_formats.key_entries import KeyEntryError, read_history
from concord_formats.signatures import SignatureError

from ..api import DirectoryApi
from ..api.devices import DevicesApi
from ..dpop import AuthenticationKey
from ..errors import AlreadyEnrolledError, ServiceError
from ..errors.devices import PairingForgedError, PairingOverError, PairingTakenError
from ..keyring import Keyring
from ..own_keys import KeyringFile
from ..portable import Portable
from ..profile import Profile, Settings
from ..store import SealedStore
from ..transport import Device, Transport
from .joining_files import Begun, JoiningFolder
from .pairing import PairingCode, open_answer

POLL_SECONDS = 2.0
# Longer than a pairing lasts at the directory: it is told there that it is over.
PATIENCE_SECONDS = 900.0
Wait = Callable[[float], object]
Announce = Callable[[UUID], object]
Check = Callable[[Settings, Keyring], object]


def join(
    profile: Profile,
    code: PairingCode,
    file: KeyringFile,
    *,
    check: Check,
    announce: Announce = lambda device: None,
    new_keys: bool = False,
    transport: httpx.BaseTransport | None = None,
    wait: Wait = time.sleep,
) -> tuple[Settings, Keyring]:
    """Do the whole of it; see `Client.join`."""
    if profile.enrolled:
        raise AlreadyEnrolledError(profile.home)
    folder = JoiningFolder(profile, file)
    begun = folder.begin(code, new_keys=new_keys)
    announce(begun.seeds.device)
    portable = _portable(folder, begun, transport, wait)
    keyring = portable.keyring(begun.seeds)
    _check_history(portable, begun, transport)
    profile.create()
    folder.save(keyring)
    portable.unpack(SealedStore(profile.sealed, keyring.store_identity()))
    settings = Settings(code.base_url, keyring.account, keyring.device)
    check(settings, keyring)
    folder.finish(settings)
    return settings, keyring


def _portable(folder: JoiningFolder, begun: Begun, transport: httpx.BaseTransport | None, wait: Wait) -> Portable:
    """The account: from the answer that was kept, or that comes now."""
    if kept := folder.answer():
        return open_answer(kept, begun.seeds, begun.code)
    anonymous = Transport(begun.code.base_url, transport=transport)
    try:
        with _refusals():
            answer = _answer(DevicesApi(anonymous), begun, wait)
    finally:
        anonymous.close()
    portable = open_answer(answer, begun.seeds, begun.code)
    folder.keep_answer(answer)
    return portable


def _answer(api: DevicesApi, begun: Begun, wait: Wait) -> bytes:
    credential = begun.code.keys.credential
    api.ask(begun.code.pairing, credential, begun.request)
    for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
        answer = api.fetch_answer(begun.code.pairing, credential)
        if answer is not None:
            return answer
        wait(POLL_SECONDS)
    raise PairingOverError("the other device has not answered")


def _check_history(portable: Portable, begun: Begun, transport: httpx.BaseTransport | None) -> None:
    """The account at the directory is the one that was handed over, with this device in it."""
    device = Device(begun.seeds.device, AuthenticationKey(begun.seeds.authentication_seed))
    signed_in = Transport(begun.code.base_url, device, transport=transport)
    try:
        history = DirectoryApi(signed_in).keys(portable.account)
        newest = read_history(history)
    except (KeyEntryError, SignatureError) as error:
        raise PairingForgedError(f"the account's key history cannot be relied on: {error}") from None
    finally:
        signed_in.close()
    if newest.identity != portable.identity or portable.first_entry not in history:
        raise PairingForgedError("the directory shows another identity than the one that your other device has")
    if len(history) < portable.n or newest.device(begun.seeds.device) != begun.seeds.public():
        raise PairingForgedError("the directory's history is older than the one that your other device has seen")


@contextmanager
def _refusals() -> Iterator[None]:
    """What the directory answers to a code, told as what it means here."""
    try:
        yield
    except ServiceError as refused:
        if refused.type == "pairing-taken":
            raise PairingTakenError("the code was used by another device") from None
        if refused.type == "not-found":
            raise PairingOverError("the code is not good any more") from None
        raise


__all__ = ["PATIENCE_SECONDS", "POLL_SECONDS", "join"]
