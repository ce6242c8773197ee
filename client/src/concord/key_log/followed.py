"""The key log as it is followed: asked for once a command, kept on this device, with what was seen of it.

Owns when the log is asked, the reading of a mirror that may be damaged, and the keeping of alarms. Refuses to judge a
key: that is `log.py`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from concord_formats.cosignatures import WitnessKey
from concord_formats.key_entries import SignedEntry
from concord_formats.merkle import ProofError
from concord_formats.notes import VerifierKey

from ..api.key_log import KeyLogApi
from ..errors import ConcordError, KeyLogError, StoreError
from ..profile import Profile
from ..store import SealedStore
from .alarms import Alarm, acknowledged, added, as_error, of_error
from .checkpoints import Clock
from .following import Following, Told
from .mirror import Mirror, MirrorDamagedError
from .own_account import OwnAccount, OwnHistory
from .pinned import Changing, Own, Pinned, PinnedLog

# Within one command the log is asked for once; a revocation that is this much younger is not known to anybody yet.
REFRESH_SECONDS = 5.0
MIRROR_FILE = "key-log.sqlite"

Found = TypeVar("Found")


class FollowedLog:
    """The key log of one directory, seen from one device. `me` is one's own account, `device` this device of it.

    `own_history` fetches one's own key history and raises what `concord.pins` raises; without it nothing is watched.
    """

    def __init__(
        self,
        api: KeyLogApi,
        store: SealedStore,
        profile: Profile,
        me: UUID,
        *,
        device: UUID | None = None,
        own_history: OwnHistory | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.me = me
        self.sealed = PinnedLog(store)
        self.api = api
        self.mirror = Mirror(profile.home / MIRROR_FILE, me)
        self._own_account = OwnAccount(self.mirror, me, device, own_history)
        self._following = Following(api, self.mirror, clock=clock)
        self._pinned: Pinned | None = None
        self._at = -REFRESH_SECONDS
        self._trouble_at: tuple[float, ConcordError] | None = None

    @property
    def pinned(self) -> Pinned:
        """What is pinned, as this client last saw it."""
        if self._pinned is None:
            self._pinned = self.sealed.read()
        return self._pinned

    def tell(self, told: Told) -> None:
        """Whom to tell how far a long sync has come."""
        self._following.told = told

    def refresh(self, *, within: float = REFRESH_SECONDS) -> Pinned:
        """Bring everything to the newest checkpoint, unless that was done so many seconds ago.

        Raises `KeyLogError` (kept as an alarm, where it is one), `ServiceError`, `UnreachableError`.
        """
        if self._pinned is None or time.monotonic() - self._at > within:
            try:
                with self.keeping(), self.sealed.changing() as change:
                    self._follow(change)
            except ConcordError as error:
                self._trouble_at = (time.monotonic(), error)
                raise
            self._pinned, self._at, self._trouble_at = change.pinned, time.monotonic(), None
        return self._pinned

    def recent_trouble(self) -> ConcordError | None:
        """Why the log could not be followed a moment ago: whoever reads a list of letters does not ask for each."""
        at, error = self._trouble_at or (0.0, None)
        return error if error and self.pinned.note and time.monotonic() - at <= REFRESH_SECONDS else None

    def forget(self) -> None:
        """Ask for the newest checkpoint at the next use, however short a time ago it was asked for."""
        self._at, self._trouble_at = -REFRESH_SECONDS, None

    def read(self, reading: Callable[[], Found]) -> Found:
        """Read the mirror; a damaged one is read anew from the log first. Raises what `refresh` raises."""
        try:
            return reading()
        except (MirrorDamagedError, ProofError):
            self._again()
            self.refresh(within=0)
        with _undamaged():
            return reading()

    def made(self, entry: SignedEntry, n: int) -> None:
        """One's own doing: an entry that this device has published is no news to it."""
        with self.sealed.changing() as change:
            if change.pinned.own is None or change.pinned.own.n < n:
                change.set(own=Own(n, entry.digest))

    def may_seal(self) -> None:
        """Raises the first alarm that stops sealing until somebody has acknowledged it, as an error."""
        for alarm in self.pinned.alarms:
            if alarm.open and alarm.blocks:
                raise as_error(alarm)

    def alarms(self) -> list[Alarm]:
        """Everything that was seen, oldest first."""
        return list(self.sealed.read().alarms)

    def acknowledge(self, id_: str) -> Alarm:
        """A person has seen an alarm. Raises KeyError when none has this id."""
        with self.sealed.changing() as change:
            change.set(alarms=acknowledged(change.pinned.alarms, id_))
        self._pinned = None
        return next(alarm for alarm in change.pinned.alarms if alarm.id == id_)

    def trust(self, key: VerifierKey) -> None:
        """Pin a key that was compared with the log's operator, and begin with its log anew; alarms stay."""
        with self.sealed.changing() as change:
            change.set(keys=(key,), note=None, witnessed=None, watched=0)
        self._again()

    def ask(self, witnesses: Sequence[WitnessKey], threshold: int | None = None) -> Pinned:
        """Demand cosignatures of these witnesses from now on, of `threshold` of them (None: of all)."""
        with self.sealed.changing() as change:
            change.set(witnesses=tuple(witnesses), threshold=threshold, witnessed=None)
        self._pinned = None
        return change.pinned

    def verify(self) -> Pinned:
        """Read the whole log anew, and compare it with what is pinned. Raises what `refresh` raises."""
        self._again()
        return self.refresh(within=0)

    def close(self) -> None:
        """Close the mirror's file."""
        self.mirror.close()

    @contextmanager
    def keeping(self, *but: type[KeyLogError]) -> Iterator[None]:
        """What goes wrong in the block is kept as an alarm, where it is one and none of `but`, and goes on."""
        try:
            yield
        except KeyLogError as error:
            if not isinstance(error, but):
                self.keep(of_error(error))
            raise

    def keep(self, *alarms: Alarm | None) -> None:
        """Keep alarms."""
        new = [alarm for alarm in alarms if alarm]
        self.sealed.alarm(*new)
        if self._pinned and new:
            # Only the alarms: what else another process pinned since is not what was read here.
            self._pinned = replace(self._pinned, alarms=added(self._pinned.alarms, new))

    def _follow(self, change: Changing) -> None:
        try:
            self._following.follow(change)
            self._own_account.look(change)
        except MirrorDamagedError:
            self.mirror.discard()
            with _undamaged():
                self._following.follow(change)
                self._own_account.look(change)

    def _again(self) -> None:
        with self.sealed.changing():  # no other process is writing to it meanwhile
            self.mirror.discard()
        self._pinned = None


@contextmanager
def _undamaged() -> Iterator[None]:
    """A mirror that was read anew a moment ago and is damaged again is a matter of this machine."""
    try:
        yield
    except (MirrorDamagedError, ProofError) as error:
        raise StoreError(f"the mirror of the key log cannot be kept: {error}", "Is the disk in order?") from None


__all__ = ["MIRROR_FILE", "REFRESH_SECONDS", "FollowedLog"]
