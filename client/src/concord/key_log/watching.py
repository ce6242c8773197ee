"""Watching one's own account in the log: what nobody else can notice for its owner.

Owns what of the log is an alarm to its reader: an entry of one's own account that one's own history does not have, or
that another device made; one's own name or number under another account; a recovery that was announced. Refuses to
judge who is right: two people may have one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from concord_formats.key_entries import SignedEntry, read_entry
from concord_formats.key_log import BindingError, BindingKind, read_binding

from .alarms import OWN_ACCOUNT, OWN_CHANGE, OWN_NAME, RECOVERY_ANNOUNCED, Alarm
from .mirror import Logged, Named
from .pinned import Own

_CALL = "If this was not you: call the directory's operator and your administrator at once."


def own_alarms(
    logged: Sequence[Logged],
    history: Sequence[SignedEntry],
    own: Own | None,
    lines: dict[int, bytes],
    device: UUID | None = None,
) -> Iterator[Alarm]:
    """What one's own bindings give cause for; `history` is one's own, checked; `lines` are bindings by their place.

    `own` is the newest entry that is known to be one's own doing; before there is one, the history counts as known. So
    does the entry by which this `device` came to the account, and the announcement of it.
    """
    digests = {(n, signed.digest) for n, signed in enumerate(history, start=1)}
    for each in logged:
        if each.kind is BindingKind.RECOVERY_ANNOUNCED:
            if (each.n, each.entry) not in digests or each.n != _joined(history, device):
                yield _announced(each, lines.get(each.leaf))
        elif each.kind.records_entry and (each.n, each.entry) not in digests:
            yield _unknown(each, lines.get(each.leaf))
        elif each.kind.records_entry and own is not None and each.n > own.n and each.n != _joined(history, device):
            yield _elsewhere(each, lines.get(each.leaf))


def _joined(history: Sequence[SignedEntry], device: UUID | None) -> int | None:
    """The number of the entry that lists a device first."""
    entries = enumerate(map(read_entry, history), start=1)
    return next((n for n, entry in entries if device is not None and entry.device(device)), None)


def newest_own(history: Sequence[SignedEntry], own: Own | None) -> Own | None:
    """The newest entry that is known, once the whole history has been looked at."""
    if not history or (own and own.n >= len(history)):
        return own
    return Own(len(history), history[-1].digest)


def name_alarms(me: UUID, named: Iterable[Named], npi: str | None) -> Iterator[Alarm]:
    """Accounts that are not one's own and go by one's name or number: each once."""
    for each in named:
        if each.account == me:
            continue
        number = npi is not None and each.npi == npi
        what = "NPI" if number else "name"
        yield Alarm(
            OWN_NAME,
            f"{each.account} {what}",
            f"the account {each.account} in organization {each.organization} goes by your {what}",
            _CALL if number else f"A namesake is no cause for alarm. {_CALL}",
            {"leaf": each.leaf, "account": str(each.account)},
        )


def _unknown(each: Logged, line: bytes | None) -> Alarm:
    return Alarm(
        OWN_ACCOUNT,
        f"{each.leaf} {each.entry}",
        f"the log has keys of your account that you do not have: entry {each.n} ({each.kind})",
        f"Somebody may be receiving letters in your name. {_CALL}",
        _evidence(each, line),
    )


def _elsewhere(each: Logged, line: bytes | None) -> Alarm:
    return Alarm(
        OWN_CHANGE,
        f"{each.leaf} {each.entry}",
        f"your keys were changed on another device of yours: entry {each.n} ({each.kind})",
        f"Was it you? See: concord device list. {_CALL}",
        _evidence(each, line),
    )


def _announced(each: Logged, line: bytes | None) -> Alarm:
    return Alarm(
        RECOVERY_ANNOUNCED,
        f"{each.leaf} {each.entry}",
        f"ALL KEYS OF YOUR ACCOUNT ARE ABOUT TO BE REPLACED{_from(line)}: two administrators attested a recovery",
        "If you did not ask for it, refuse it now: concord admin recovery refuse; then call your administrator.",
        _evidence(each, line),
    )


def _from(line: bytes | None) -> str:
    try:
        at = read_binding(line).effective_from if line else None
    except BindingError:
        at = None
    return f" from {at:%Y-%m-%d %H:%M %Z}" if at else ""


def _evidence(each: Logged, line: bytes | None) -> dict[str, object]:
    return {"leaf": each.leaf, "binding": line.decode("utf-8") if line else None}


__all__ = ["name_alarms", "newest_own", "own_alarms"]
