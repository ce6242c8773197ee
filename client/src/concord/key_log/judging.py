"""Whether a key history is the one that stands in the log: the rules, without any reading or writing.

Owns the comparison of a history, and of who the directory says somebody is, with the bindings of that account. Refuses
to judge signatures: those of entries are `concord.pins`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from concord_formats.key_entries import SignedEntry, read_entry

from ..api import Practitioner
from ..errors import HiddenRotationError, KeyLogError, NameMismatchError, SwappedKeyError, UnloggedKeyError
from .mirror import Logged, Named
from .names import folded


def judge(account: UUID, history: Sequence[SignedEntry], logged: Sequence[Logged], note: str) -> Logged:
    """The binding of a history's last entry, when every entry is logged and none was logged after it.

    `logged` are the account's bindings in the tree of the checkpoint `note`; each entry has exactly one, of its kind,
    in the order of the history. Raises `SwappedKeyError`, `UnloggedKeyError`, `HiddenRotationError`.
    """
    entries = entries_of(logged)
    shown = {"checkpoint": note, "account": str(account)}
    by_number: dict[int, list[Logged]] = {}
    for each in entries:
        by_number.setdefault(each.n, []).append(each)
    before = -1
    for n, signed in enumerate(history, start=1):
        found = by_number.get(n, [])
        if not found:
            message = f"entry {n} of the keys of {account} stands nowhere in the log"
            evidence = {**shown, "n": n, "entry": signed.digest}
            raise UnloggedKeyError(message, about=f"{account} {n} {signed.digest}", evidence=evidence)
        if len(found) > 1 or not _records(found[0], signed) or found[0].leaf < before:
            raise _swapped(account, n, signed.digest, found, shown)
        before = found[0].leaf
    _check_newest(account, len(history), entries, shown)
    return by_number[len(history)][0]


def _records(logged: Logged, signed: SignedEntry) -> bool:
    """Whether a binding is of this entry, and of its kind: a recovery that is logged as another change names nobody who
    attested to it.
    """
    return logged.entry == signed.digest and logged.kind.value == read_entry(signed).kind.value


def entries_of(logged: Sequence[Logged]) -> list[Logged]:
    """The bindings that record an entry; those of a recovery that waits or was refused are none."""
    return [each for each in logged if each.kind.records_entry]


def check_person(person: Practitioner, named: Named | None, note: str) -> None:
    """Whether an active account is shown as who it was logged. Raises `NameMismatchError`, `UnloggedKeyError`.

    One that was invited and has not enrolled is in no log; nor has it keys.
    """
    if named is None:
        if person.status == "invited":
            return
        raise UnloggedKeyError(f"the account {person.id} stands nowhere in the log", about=f"{person.id} unnamed")
    shown = (folded(person.name), person.npi, person.organization.id, person.role)
    logged = (named.folded, named.npi, named.organization, named.role)
    wrong = [what for what, one, other in zip(_WHAT, shown, logged, strict=True) if one != other]
    if wrong:
        message = f"the account {person.id} is shown with another {' and '.join(wrong)} than stands in the log"
        evidence = {"checkpoint": note, "account": str(person.id), "leaf": named.leaf}
        raise NameMismatchError(message, about=f"{person.id} {shown}", evidence=evidence)


_WHAT = ("name", "NPI", "organization", "role")
# A log can have one number a million times; an alarm has to fit beside others.
_MOST_EVIDENCE = 10


def _check_newest(account: UUID, shown_entries: int, entries: Sequence[Logged], shown: Mapping[str, object]) -> None:
    newest = max((each.n for each in entries), default=0)
    if newest > shown_entries:
        message = f"the log has {newest} entries of the keys of {account}, and {shown_entries} were shown"
        evidence = {**shown, "shown": shown_entries, "logged": newest}
        raise HiddenRotationError(message, about=f"{account} {newest} {shown_entries}", evidence=evidence)


def _swapped(account: UUID, n: int, digest: str, found: Sequence[Logged], shown: Mapping[str, object]) -> KeyLogError:
    """Two entries under one number: one was shown, and another, or one more, or not so, was logged."""
    logged = [{"leaf": each.leaf, "entry": each.entry} for each in found[:_MOST_EVIDENCE]]
    message = f"entry {n} of the keys of {account} is not the one that stands in the log"
    return SwappedKeyError(
        message, about=f"{account} {n} {digest}", evidence={**shown, "n": n, "entry": digest, "logged": logged}
    )


__all__ = ["check_person", "entries_of", "judge"]
