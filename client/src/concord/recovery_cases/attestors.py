"""Asking who attested to a recovery: the directory for the words, the key log for who they are.

Owns the way from a recovered history to an answer that a person can be told. Refuses two administrators who vouch for
one another's recoveries only. The verification itself is `concord.recovery_cases.attested`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from concord_formats.key_entries import EntryKind, SignedEntry
from concord_formats.key_log import Binding, BindingError, read_binding
from concord_formats.merkle import leaf_hash
from concord_formats.tiles import TILE_WIDTH

from ..api.recovery_cases import RecoveryCasesApi
from ..errors import MalformedLogError, RecoveredKeysError, UnattestedRecoveryError, UnloggedKeyError
from ..key_log import KeyLog
from ..pins import newest_identity
from .attested import Attested, Bindings, Histories, check_recovery


class LoggedBindings:
    """The bindings of any account, each held against the mirror of the log."""

    def __init__(self, key_log: KeyLog) -> None:
        self._key_log = key_log

    def binding(self, account: UUID, n: int) -> Binding:
        """What the log holds of entry `n` of an account. Raises `UnloggedKeyError`, `MalformedLogError`."""
        self._key_log.refresh()
        size = self._key_log.pinned.checkpoint.size
        logged = self._key_log.read(lambda: self._key_log.mirror.bindings(account, size))
        leaf = next((each.leaf for each in logged if each.n == n and each.kind.records_entry), None)
        if leaf is None:
            raise UnloggedKeyError(f"entry {n} of the keys of {account} stands nowhere in the log")
        return self._read(leaf, size)

    def _read(self, leaf: int, size: int) -> Binding:
        index, within = divmod(leaf, TILE_WIDTH)
        line = self._key_log.api.bundle(index, min(TILE_WIDTH, size - index * TILE_WIDTH))[within]
        if leaf_hash(line) != self._key_log.read(lambda: self._key_log.mirror.leaf_hash(leaf)):
            raise MalformedLogError(f"the directory gave another binding {leaf} than stands in the log")
        try:
            return read_binding(line)
        except BindingError as error:
            raise MalformedLogError(f"binding {leaf} of the log cannot be read: {error}") from None


class Attestors:
    """Who attested to recoveries. `history_of` gives the checked history of an attestor, and raises `PinError`."""

    def __init__(self, api: RecoveryCasesApi, bindings: Bindings, history_of: Histories) -> None:
        self._api = api
        self._bindings = bindings
        self._history_of = history_of
        self._asked: set[UUID] = set()

    def of(self, account: UUID, history: Sequence[SignedEntry], n: int) -> Attested:
        """Who attested to entry `n`. Raises `UnattestedRecoveryError`, `KeyLogError`, `ServiceError`."""
        if account in self._asked:  # somebody whose own recovery rests upon the word that is being looked at
            raise UnattestedRecoveryError(f"the recovery of {account} is attested by people recovered upon its word")
        self._asked.add(account)
        try:
            words = self._api.attestations(account).get(n, [])
            return check_recovery(history, n, words, self._bindings, self._history_of)
        finally:
            self._asked.discard(account)

    def told(self, refused: RecoveredKeysError, history: Sequence[SignedEntry]) -> RecoveredKeysError:
        """The refusal, with who attested, and when that was logged. Raises what `of` raises."""
        found = self.of(refused.account, history, refused.n)
        return RecoveredKeysError(refused.account, refused.n, found.at, (found.by[0].attestor, found.by[1].attestor))

    def check_first(self, account: UUID, history: Sequence[SignedEntry]) -> None:
        """Keys that are met for the first time, and came by a recovery, are attested or refused."""
        came_by = newest_identity(history)
        if came_by.kind is EntryKind.RECOVERED:
            self.of(account, history, came_by.n)


__all__ = ["Attestors", "LoggedBindings"]
