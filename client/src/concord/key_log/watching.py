"""Watching one's own account in the log: what nobody else can notice for its owner.

Owns what of the log is an alarm to its reader: an entry of one's own account that one's own history does not have, or
that another device made; one's own number, one's own name or one that looks like it under another account; a recovery
that was announced. Refuses to
judge who is right: two people may have one name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from concord_formats.key_entries import SignedEntry, read_entry
from concord_formats.key_log import BindingError, BindingKind, read_binding

from .alarms import OWN_ACCOUNT, OWN_CHANGE, OWN_NAME, RECOVERY_ANNOUNCED, Alarm
from .mirror import Logged, Named
from .pinned import Own

_CALL = "If this was not you: call the directory's operator and your administrator at once."


@dataclass(frozen=True)
class Mine:
    """What is known of one's own account: the checked history, the newest entry that is known to be one's own doing
    (before there is one, the history counts as known), the number of the entry by which this device came to it.
    """

    history: Sequence[SignedEntry]
    own: Own | None
    joined: int | None

    def has(self, each: Logged) -> bool:
        """Whether a binding is of an entry of the history."""
        return each.n <= len(self.history) and self.history[each.n - 1].digest == each.entry


def own_alarms(
    logged: Iterable[Logged], since: int, mine: Mine, line: Callable[[int], bytes | None]
) -> Iterator[Alarm]:
    """What one's own bindings from the leaf `since` on give cause for.

    `logged` are all of one's own, by number and then by place: an entry that is logged once more is nobody's doing, and
    could give the account another name. `line` reads a binding by its place.
    """
    recorded: set[int] = set()
    for each in logged:
        again = each.kind.records_entry and each.n in recorded
        recorded |= {each.n} if each.kind.records_entry else set()
        if each.leaf < since:
            continue
        if each.kind is BindingKind.RECOVERY_ANNOUNCED:
            if not mine.has(each) or each.n != mine.joined:
                yield _announced(each, line(each.leaf))
        elif each.kind.records_entry and (again or not mine.has(each)):
            yield _unknown(each, line(each.leaf))
        elif each.kind.records_entry and mine.own is not None and each.n > mine.own.n and each.n != mine.joined:
            yield _elsewhere(each, line(each.leaf))


def joined(history: Sequence[SignedEntry], device: UUID | None) -> int | None:
    """The number of the entry that lists a device first."""
    entries = enumerate(map(read_entry, history), start=1)
    return next((n for n, entry in entries if device is not None and entry.device(device)), None)


def newest_own(history: Sequence[SignedEntry], own: Own | None) -> Own | None:
    """The newest entry that is known, once the whole history has been looked at."""
    if not history or (own and own.n >= len(history)):
        return own
    return Own(len(history), history[-1].digest)


def name_alarms(me: Named, named: Iterable[Named]) -> Iterator[Alarm]:
    """Accounts that are not one's own and go by one's number, one's name or one that looks like it: each once."""
    for each in named:
        if each.account == me.account:
            continue
        what, hint = _taken(me, each)
        yield Alarm(
            OWN_NAME,
            f"{each.account} {what}",
            f"the account {each.account} in organization {each.organization} goes by {_BY[what]}",
            hint,
            {"leaf": each.leaf, "account": str(each.account)},
        )


def _taken(me: Named, other: Named) -> tuple[str, str]:
    """What of one's own another account has, in a word that stays the same, and what to do."""
    if me.npi is not None and other.npi == me.npi:
        return "NPI", _CALL
    if other.folded == me.folded:
        return "name", f"A namesake is no cause for alarm. {_CALL}"
    return "look-alike", f"It is spelt otherwise, and a reader may take it for yours. {_CALL}"


_BY = {"NPI": "your NPI", "name": "your name", "look-alike": "a name that looks like yours"}


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


__all__ = ["Mine", "joined", "name_alarms", "newest_own", "own_alarms"]
