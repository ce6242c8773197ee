"""Following the key log: from what is pinned to the newest checkpoint, every binding between them read.

Owns the order: the log's key, the signature, the size, the age, the witnesses, then the bindings, whose root has to be
the one that was signed. Refuses a log that shrank or forked, and to believe the mirror: it counts only as far as its
roots are those of checkpoints. What was read stays when a sync is interrupted, and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concord_formats.key_log import Binding, BindingError, read_binding
from concord_formats.notes import Checkpoint
from concord_formats.tiles import MAX_LISTED, TILE_WIDTH

from ..api.key_log import KeyLogApi
from ..errors import ForkedLogError, LogKeyError, MalformedLogError, RolledBackLogError
from .checkpoints import Clock, Signed, check_age, read_checkpoint, successors, trusted_key, witnessed
from .mirror import Mirror
from .pinned import Changing, Pinned

# Written to the disk at once: some 4 MiB of bindings at the very most, usually one.
BUNDLES_AT_ONCE = 16
# A bundle may be cut on the way, or have been written by a sync that was: from what is known, once more.
_ATTEMPTS = 2
# Told how many bindings are here, and of how many.
Told = Callable[[int, int], None]


class Following:
    """Brings the mirror, and what is pinned, to the log's newest checkpoint."""

    def __init__(self, api: KeyLogApi, mirror: Mirror, *, clock: Clock = time.time) -> None:
        self._api = api
        self._mirror = mirror
        self._clock = clock
        self.told: Told | None = None

    def follow(self, change: Changing) -> None:
        """Do it; `change` is what is pinned, held against other processes.

        Raises `KeyLogError`, `ServiceError`, `UnreachableError`, `MirrorDamagedError`; nothing is then pinned.
        """
        if not change.pinned.keys:
            change.set(keys=(trusted_key(self._api.base_url, self._api.key()),))
        signed = self._newest(change)
        check_size(change.pinned, signed)
        now = self._clock()
        check_age(signed, now)
        seen = witnessed(signed, change.pinned, now)
        # Even where nothing is new: another process, or a sync that was interrupted, may have left anything there.
        self._grow(change.pinned, change.pinned.checkpoint, signed)
        change.set(note=signed.note, witnessed=seen)

    def _newest(self, change: Changing) -> Signed:
        """The newest checkpoint, under a pinned key, or under one that the newest pinned key names as its successor."""
        note = self._api.checkpoint()
        try:
            return read_checkpoint(note, change.pinned.keys[-1:])
        except LogKeyError:
            keys = successors(self._api.key(), change.pinned.keys)
            if keys == change.pinned.keys:
                raise
        signed = read_checkpoint(note, keys[-1:])
        change.set(keys=keys)
        return signed

    def _grow(self, pinned: Pinned, before: Checkpoint, signed: Signed) -> None:
        after = signed.checkpoint
        if not self._stands(before):
            self._mirror.discard()
        # What lies beyond was read by a sync that was interrupted, on the way to a larger tree than this one.
        if self._mirror.size > after.size:
            self._mirror.truncate(before.size)
        for _ in range(_ATTEMPTS):
            self._read(after.size)
            if self._leads(before, after):
                return
            self._mirror.truncate(before.size if self._stands(before) else 0)
        raise forked("its bindings do not lead from the checkpoint seen to the one shown", pinned, signed)

    def _stands(self, checkpoint: Checkpoint) -> bool:
        """Whether the mirror holds the tree of a checkpoint; one that is shorter may yet become it."""
        return self._mirror.size < checkpoint.size or self._mirror.root(checkpoint.size) == checkpoint.root

    def _leads(self, before: Checkpoint, after: Checkpoint) -> bool:
        return self._stands(before) and self._mirror.root(after.size) == after.root

    def _read(self, size: int) -> None:
        while (have := self._mirror.size) < size:
            if self.told:
                self.told(have, size)
            self._mirror.append(self._some(have, size))

    def _some(self, have: int, size: int) -> list[tuple[bytes, Binding]]:
        """The next bindings: of some bundles, without those of the first bundle that are here."""
        first = have // TILE_WIDTH
        lines: list[bytes] = []
        for index in range(first, min(first + BUNDLES_AT_ONCE, -(-size // TILE_WIDTH))):
            lines += self._api.bundle(index, min(TILE_WIDTH, size - index * TILE_WIDTH))
        return [(line, _read_binding(line)) for line in lines[have - first * TILE_WIDTH :]]


def check_size(pinned: Pinned, signed: Signed) -> None:
    """Raises `RolledBackLogError`, `ForkedLogError` for what two checkpoints alone show, and `MalformedLogError` for a
    size that no log has: it would be read until the disk is full.
    """
    before, shown = pinned.checkpoint, signed.checkpoint
    if shown.size > MAX_LISTED:
        raise MalformedLogError(f"the log says that it has {shown.size} bindings")
    if shown.size < before.size:
        raise rolled_back(f"the log had {before.size} bindings, and is shown with {shown.size}", pinned, signed.note)
    if shown.size == before.size and shown.root != before.root:
        raise forked(f"two logs of {before.size} bindings are signed by one key", pinned, signed)


def forked(why: str, pinned: Pinned, signed: Signed) -> ForkedLogError:
    """The error, with both notes."""
    evidence = {"seen": pinned.note, "shown": signed.note}
    return ForkedLogError(f"the log was forked: {why}", about=pinned.checkpoint.encode(), evidence=evidence)


def rolled_back(why: str, pinned: Pinned, shown: str) -> RolledBackLogError:
    """The error, with both notes."""
    about = pinned.checkpoint.encode()
    return RolledBackLogError(
        f"the log was rolled back: {why}", about=about, evidence={"seen": pinned.note, "shown": shown}
    )


def _read_binding(line: bytes) -> Binding:
    try:
        return read_binding(line)
    except BindingError as error:
        hint = "Update Concord on this device. If that does not help, tell the directory's operator."
        raise MalformedLogError(f"the log holds a binding that cannot be read: {error}", hint) from None


__all__ = ["BUNDLES_AT_ONCE", "Following", "Told", "check_size", "forked", "rolled_back"]
