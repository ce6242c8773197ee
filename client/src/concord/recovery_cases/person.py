"""All lost, the person's side: from an administrator's code to an account that works again with new keys.

Owns the order of its steps, each of which can be interrupted and done again: the keys are kept before they are posted,
the settings are written last. Refuses a home folder that is in use, and a history that is not the account's. What was
sealed to the lost keys does not come back by it: its senders send it again. Specified in `spec/keys.md`, "Recovery
cases".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn
from uuid import UUID

import httpx
from concord_formats.key_entries import KeyEntryError, SignedEntry, read_entry, read_history

from ..age import HybridIdentity
from ..api import DirectoryApi
from ..api.recovery_cases import CaseHistory, RecoveryCasesApi
from ..dpop import AuthenticationKey
from ..errors import AlreadyEnrolledError, CaseCodeError, CaseHistoryError, CaseRefusedError, ServiceError
from ..keyring import WORK_FACTOR, Keyring
from ..pins import Pins
from ..profile import Profile, Settings
from ..seeds import DeviceSeeds
from ..signing import HybridSigningKey, recovered_entry
from ..store import SealedStore
from ..transport import Device, Transport
from .code import CaseCode

# The code, as long as its case goes on: the person comes back after days, and need not have kept the line.
DOCUMENT = "recovery-case"
# Looks at the key log, signed in as the new device, before the settings say that it is one.
Check = Callable[[Settings, Keyring], None]


@dataclass(frozen=True)
class CaseProgress:
    """Where a recovery stands: `state` as the directory tells it, `completed` once the account works again.

    `fingerprint` is that of the new identity key: two administrators compare it.
    """

    account: UUID
    state: str
    fingerprint: str
    effective_from: datetime | None = None


def recover_case(
    profile: Profile,
    code: CaseCode | None,
    passphrase: str,
    *,
    check: Check,
    transport: httpx.BaseTransport | None = None,
    work_factor: int = WORK_FACTOR,
) -> CaseProgress:
    """Do the next step, whichever that is. Without a code the one of an earlier call is used.

    Raises `AlreadyEnrolledError`, `CaseCodeError`, `CaseRefusedError`, `CaseHistoryError`, `WrongPassphraseError`,
    `ServiceError`, `UnreachableError`.
    """
    if profile.enrolled:
        raise AlreadyEnrolledError(profile.home)
    before = Keyring.load(profile.keyring, passphrase) if profile.keyring.exists() else None
    code = code or _kept(profile, before)
    if before is not None and before.account != code.practitioner:
        raise AlreadyEnrolledError(profile.home)
    anonymous = Transport(code.base_url, transport=transport)
    try:
        case = _Case(RecoveryCasesApi(anonymous), code)
        keyring, found = _keys(case, before)
        with profile.beginning(begun=before is not None):
            if keyring != before:
                keyring.save(profile.keyring, passphrase, work_factor=work_factor)  # before any of it is posted
            _store(profile, keyring).write(DOCUMENT, code.members())
            progress = case.go_on(keyring, found)
            if progress.state == "completed":
                _finish(profile, code, keyring, check, transport)
    finally:
        anonymous.close()
    return progress


class _Case:
    """What the directory does for whoever has a case's code."""

    def __init__(self, api: RecoveryCasesApi, code: CaseCode) -> None:
        self._api = api
        self.code = code

    def history(self) -> CaseHistory:
        with _refusals():
            found = self._api.history(self.code.case, self.code.secret)
        try:
            account = read_history(found.history).account
        except KeyEntryError as error:
            raise CaseHistoryError(f"the account's key history cannot be relied on: {error}") from None
        if account != self.code.practitioner:
            raise CaseHistoryError("the directory gave the key history of another account")
        return found

    def go_on(self, keyring: Keyring, found: CaseHistory) -> CaseProgress:
        """Post the keys, unless they stand in the history already; then ask whether the delay is over."""
        progress = CaseProgress(keyring.account, found.state, _fingerprint(keyring), found.effective_from)
        with _refusals():
            if keyring.first_entry not in found.history:
                state = self._api.enter(self.code.case, self.code.secret, keyring.first_entry)
                progress = replace(progress, state=state)
            if progress.state not in {"announced", "completed"}:
                return progress
            done = self._api.complete(self.code.case, self.code.secret, keyring.account, keyring.first_entry)
        return replace(progress, state=done.state, effective_from=done.effective_from or progress.effective_from)


def _keys(case: _Case, before: Keyring | None) -> tuple[Keyring, CaseHistory]:
    """New keys whose entry follows the history, or those of an earlier call."""
    found = case.history()
    last = found.history[-1]
    if before is None:
        return _new_keyring(last), found
    mine = read_entry(before.first_entry)
    if before.first_entry in found.history or mine.previous == last.digest:
        return before, found
    if found.state != "opened":
        return before, found  # what waits there, or does not, the directory tells
    return _following(before, last), found


def _new_keyring(last: SignedEntry) -> Keyring:
    identity, encryption, device = HybridSigningKey.generate(), HybridIdentity.generate(), DeviceSeeds.create()
    entry = recovered_entry(identity, last, str(encryption.recipient()), device.public())
    return Keyring.of(device, read_entry(entry).account, identity.seed, (encryption.seed,), entry)


def _following(before: Keyring, last: SignedEntry) -> Keyring:
    """The same keys, in an entry that follows: the history moved on before they were posted."""
    mine = read_entry(before.first_entry)
    entry = recovered_entry(before.identity_key(), last, mine.encryption, mine.devices[0])
    return replace(before, first_entry=entry)


def _finish(
    profile: Profile, code: CaseCode, keyring: Keyring, check: Check, transport: httpx.BaseTransport | None
) -> None:
    """The account at the directory is this one now: pin it, and write the settings last."""
    device = Device(keyring.device, AuthenticationKey(keyring.authentication_seed))
    signed_in = Transport(code.base_url, device, transport=transport)
    try:
        history = DirectoryApi(signed_in).keys(keyring.account)
    finally:
        signed_in.close()
    if keyring.first_entry not in history:
        raise CaseHistoryError("the directory shows other keys for the account than those that were recovered")
    store = _store(profile, keyring)
    pins = Pins(store)
    if pins.verify(keyring.account, history).identity != keyring.identity_key().public().encode():
        raise CaseHistoryError("the directory shows that the account's keys were replaced once more")
    pins.check(keyring.account, history)
    settings = Settings(code.base_url, keyring.account, keyring.device)
    check(settings, keyring)
    profile.save(settings)
    store.write(DOCUMENT, {})  # the secret has done its work


def _kept(profile: Profile, before: Keyring | None) -> CaseCode:
    members = _store(profile, before).read(DOCUMENT) if before else None
    try:
        return CaseCode.of(members or {})
    except (KeyError, ValueError, TypeError):
        raise CaseCodeError(
            "no recovery was begun in this folder", "Give the code: concord recover-case --code FILE"
        ) from None


def _store(profile: Profile, keyring: Keyring) -> SealedStore:
    return SealedStore(profile.sealed, keyring.store_identity())


def _fingerprint(keyring: Keyring) -> str:
    return keyring.identity_key().public().fingerprint()


@contextmanager
def _refusals() -> Iterator[None]:
    """What the directory answers to a code, told as what it means here."""
    try:
        yield
    except ServiceError as refused:
        _tell(refused)


def _tell(refused: ServiceError) -> NoReturn:
    match refused.type:
        case "case-code-refused":
            raise CaseCodeError("the directory does not accept the code: it is unknown or expired") from None
        case "recovery-case-stopped" | "recovery-case-overtaken" | "recovery-entry-taken":
            raise CaseRefusedError(refused.message) from None
        case _:
            raise refused


__all__ = ["DOCUMENT", "CaseProgress", "recover_case"]
