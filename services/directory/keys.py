"""The key history of an account: read by everybody, added to by its owner alone.

Owns the recording of entries and of the devices they name. Refuses every entry that does not follow from the last: the
rules are those of `concord_formats.key_entries`, the same that every client applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from concord_formats.key_entries import (
    DeviceKeys,
    EntryKind,
    KeyEntry,
    KeyEntryError,
    SignedEntry,
    read_entries,
    read_entry,
)
from concord_formats.key_log import BindingKind
from concord_formats.signatures import SignatureError, from_base64url
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.event import Event
from services.chassis.feed import Number
from services.chassis.problems import Problem, not_found

from . import events, key_log
from .deps import Deps, acting
from .models import Device, KeyEntryRow, Practitioner
from .openid import single_sign_on_admission
from .rules.people import DeviceStatus
from .standing import Stopped, await_device, revoke_in_force


def history(deps: Deps, practitioner: UUID) -> list[SignedEntry]:
    """Every entry of an account, oldest first. Raises problem 404."""
    with deps.database.transaction() as session:
        rows = session.execute(
            select(KeyEntryRow.entry, KeyEntryRow.signature)
            .where(KeyEntryRow.practitioner_id == practitioner)
            .order_by(KeyEntryRow.n)
        ).all()
        if not rows and session.get(Practitioner, practitioner) is None:
            raise not_found("practitioner")
    return [SignedEntry(entry, signature) for entry, signature in rows]


@dataclass(frozen=True)
class Recorded:
    """An entry that stands in the history; `stopped` is about the device it revoked, if it revoked one."""

    entry: KeyEntry
    stopped: Stopped | None


def append(deps: Deps, caller: Caller, practitioner: UUID, signed: SignedEntry) -> Recorded:
    """Record the next entry of the caller's own history; the last entry again changes nothing.

    Raises problem 403 `not-yours`, or those of `single_sign_on_admission.admit` for a device that is added, 409
    `key-entry-conflict`, 422 `invalid-key-entry`.
    """
    if caller.practitioner != practitioner:
        raise Problem(403, "not-yours", "Not your keys", "An account's keys are changed by its owner alone.")
    entries = history(deps, practitioner)
    if entries[-1:] != [signed]:
        _append(deps, caller, _by_owner(checked(practitioner, entries, signed)), signed)
        entries.append(signed)
    entry = read_entry(signed)
    gone = _removed(entries[-2:-1], entry)
    return Recorded(entry, await_device(deps, gone) if gone else None)


def _by_owner(entry: KeyEntry) -> KeyEntry:
    """A device signs in without the identity key: whoever has one stolen must not name another identity by it."""
    if entry.kind is EntryKind.RECOVERED:
        raise invalid_entry("a new identity is recorded by a recovery case alone")
    return entry


def _removed(before: Sequence[SignedEntry], entry: KeyEntry) -> UUID | None:
    """The device that the entry before lists and this one does not."""
    listed = {device.id for signed in before for device in read_entry(signed).devices}
    return next(iter(listed - {device.id for device in entry.devices}), None)


def _append(deps: Deps, caller: Caller, entry: KeyEntry, signed: SignedEntry) -> None:
    try:
        with deps.database.transaction() as session:
            acting(session, caller)
            if entry.kind is EntryKind.DEVICE_ADDED:
                person = session.get_one(Practitioner, caller.practitioner)
                single_sign_on_admission.admit(deps, session, person, signed.digest)
            record(deps, session, entry, signed)
    except IntegrityError:
        raise taken() from None
    deps.changed()


def checked(practitioner: UUID, history: Sequence[SignedEntry], signed: SignedEntry) -> KeyEntry:
    """The entry, when it goes on from the account's whole history. Raises problem 409 or 422.

    The whole of it is read as a client will: what was retired must not come back.
    """
    try:
        entry = read_entry(signed)
        if history and entry.n != read_entry(history[-1]).n + 1:
            raise conflict()
        read_entries([*history, signed])
        if entry.account != practitioner:
            raise KeyEntryError("account must be the practitioner's id")
    except KeyEntryError as error:
        raise invalid_entry(str(error)) from None
    if entry.kind is EntryKind.ENROLLED and len(entry.devices) == 0:
        raise invalid_entry("the first entry must name the device that enrols")
    return entry


def record(
    deps: Deps, session: Session, entry: KeyEntry, signed: SignedEntry, attestations: Sequence[str] | None = None
) -> None:
    """Store a checked entry and what it says of devices, and log it, in the caller's transaction.

    Do it last: the key log stays locked. `attestations` are the digests of those that a recovered entry rests upon.
    Raises IntegrityError when somebody was first.
    """
    now = deps.clock.now()
    session.add(
        KeyEntryRow(
            practitioner_id=entry.account, n=entry.n, entry=signed.entry, signature=signed.signature, recorded_at=now
        )
    )
    session.flush()
    _follow_devices(deps, session, entry)
    if entry.kind in (EntryKind.KEYS_CHANGED, EntryKind.RECOVERED):
        events.keys_changed(deps.feed, session, entry.account, entry.n)
    key_log.record(
        deps,
        session,
        account=entry.account,
        n=entry.n,
        kind=BindingKind(entry.kind),
        entry_digest=signed.digest,
        at=now,
        attestations=attestations,
    )


def _follow_devices(deps: Deps, session: Session, entry: KeyEntry) -> None:
    known = {row.id: row for row in _devices(session, entry.account)}
    for device in entry.devices:
        if device.id not in known:
            _register(deps, session, entry.account, device)
        elif known[device.id].status != DeviceStatus.ACTIVE and entry.kind is EntryKind.DEVICE_ADDED:
            _refuse_returning(device.id, entry, session)
    for id_ in set(known) - {device.id for device in entry.devices}:
        revoke_in_force(deps, session, known[id_])


def _refuse_returning(device: UUID, entry: KeyEntry, session: Session) -> None:
    """A revoked device may stay listed until an entry removes it, and may not be added a second time."""
    before = session.get_one(KeyEntryRow, (entry.account, entry.n - 1))
    if read_entry(SignedEntry(before.entry, before.signature)).device(device) is None:
        raise invalid_entry("a revoked device does not come back; enrol it as a new device")


def _register(deps: Deps, session: Session, practitioner: UUID, device: DeviceKeys) -> Event:
    row = Device(
        id=device.id,
        practitioner_id=practitioner,
        authentication=device.authentication,
        thumbprint=_thumbprint(device.authentication),
        status=DeviceStatus.ACTIVE,
    )
    session.add(row)
    session.flush()
    event = events.device_registered(deps.feed, session, row)
    row.standing_epoch, row.standing_seq = Number.of(event)
    return event


def _devices(session: Session, practitioner: UUID) -> Sequence[Device]:
    return session.scalars(select(Device).where(Device.practitioner_id == practitioner)).all()


def _thumbprint(authentication: str) -> str:
    """RFC 7638 thumbprint of a raw Ed25519 key in base64url. Raises problem 422."""
    try:
        if len(from_base64url(authentication)) != 32:
            raise invalid_entry("a device's authentication key is 32 bytes of Ed25519")
        return str(OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": authentication}).thumbprint())
    except (SignatureError, JoseError, ValueError):
        raise invalid_entry("a device's authentication key is 32 bytes of Ed25519") from None


def invalid_entry(why: str) -> Problem:
    """The entry breaks the rules of a key history."""
    return Problem(422, "invalid-key-entry", "Key entry not accepted", f"{why[:1].upper()}{why[1:]}.", field="entry")


def conflict() -> Problem:
    """Another entry came first."""
    detail = "The history has other entries than this one follows. Fetch it, and sign the entry anew after the last."
    return Problem(409, "key-entry-conflict", "Key history has moved on", detail)


def taken() -> Problem:
    """Either another entry with this number came first, or a device or its key is already in use."""
    detail = "This entry, device or device key is recorded already. Fetch the history; make new keys for a new device."
    return Problem(409, "key-entry-conflict", "Key history has moved on", detail)
