"""What following the key log costs a client: the first sync of a million bindings, and what comes after it.

Owns a process that does only this, for the peak of its memory. Refuses the network: bundles come from files, so that
what is measured is the client's reading, hashing and storing.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from concord.api.key_log import KeyLogApi
from concord.key_log.following import Following
from concord.key_log.mirror import Mirror
from concord.key_log.pinned import Changing, Pinned
from concord_formats.merkle import leaf_hash, verify_inclusion
from concord_formats.notes import Checkpoint
from concord_formats.tiles import TILE_WIDTH, decode_bundle

from .large_letter import peak_mib
from .large_log import BASE_URL, VERIFIER, binding, bundle_file, clock

READS = 1_000
MIB = 1024 * 1024


class LogInFiles(KeyLogApi):
    """The log's calls, answered from the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.newest = "checkpoint"
        self.bytes = 0

    @property
    def base_url(self) -> str:
        """As if there were services."""
        return BASE_URL

    def checkpoint(self) -> str:
        """The note that is the newest just now."""
        return (self._folder / self.newest).read_text()

    def bundle(self, index: int, width: int) -> Sequence[bytes]:
        """A bundle from its file."""
        raw = bundle_file(self._folder, index, width).read_bytes()
        self.bytes += len(raw)
        return decode_bundle(raw, width)


def mirror(folder: Path) -> dict[str, float]:
    """The first sync, a refresh by one binding, proofs, earlier roots; seconds in the time of the bare hashes."""
    api, kept = LogInFiles(folder), Mirror(folder / "mirror.sqlite", UUID(int=1))
    change = Changing(Pinned(keys=(VERIFIER,)))
    following, before = Following(api, kept, clock=clock), peak_mib()
    first = _seconds(lambda: following.follow(change))
    synced, peak, size = api.bytes, peak_mib(), change.pinned.checkpoint.size
    bare = _hashes(folder, size)
    again = _seconds(lambda: following.follow(change))
    api.newest = "checkpoint-after"
    refreshed = _seconds(lambda: following.follow(change))
    restarted = _seconds(lambda: Following(api, kept, clock=clock).follow(change))
    return {
        "key_log_first_sync_seconds": first,
        "key_log_first_sync_in_bare_hashings": first / bare,
        "key_log_first_sync_mib_read": synced / MIB,
        "key_log_first_sync_peak_mib": peak,
        "key_log_first_sync_peak_mib_above_start": peak - before,
        "key_log_mirror_mib": (folder / "mirror.sqlite").stat().st_size / MIB,
        "key_log_nothing_new_ms": again * 1000,
        "key_log_one_binding_more_ms": refreshed * 1000,
        "key_log_first_look_of_a_process_ms": restarted * 1000,
        "key_log_account_looked_up_us": _each(lambda _: kept.bindings(UUID(int=_some(size // 4) + 1), size)),
        "key_log_proof_us": _each(lambda _: kept.path(_some(size), size)),
        "key_log_root_at_an_older_size_us": _each(lambda _: kept.root(_some(size) + 1)),
    } | _checked(kept, size, change.pinned.checkpoint)


def _checked(kept: Mirror, size: int, after: Checkpoint) -> dict[str, float]:
    """Inclusion checks, each with its leaf's own hash, against as many bare SHA-256 of the same lengths."""
    leaves = random.Random(size).sample(range(size), READS)
    lines = [binding(leaf, size).encode() for leaf in leaves]
    paths = [kept.path(leaf, after.size) for leaf in leaves]
    at = iter(zip(leaves, lines, paths, strict=True))

    def check(_: int) -> None:
        leaf, line, path = next(at)
        verify_inclusion(leaf_hash(line), leaf, after.size, path, after.root)

    checked = _each(check) / 1e6
    node, turn = bytes(65), iter(zip(lines, paths, strict=True))

    def bare(_: int) -> None:
        line, path = next(turn)
        hashlib.sha256(line).digest()
        for _step in path:
            hashlib.sha256(node).digest()

    return {
        "key_log_inclusion_checks_per_second": 1 / checked,
        "key_log_inclusion_checks_of_bare_hashes": _each(bare) / 1e6 / checked,
    }


def _hashes(folder: Path, size: int) -> float:
    """Seconds for the bare SHA-256 of the same bytes: every binding, and a node for each but the first."""
    spent, node = 0.0, bytes(65)
    for index in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        lines = decode_bundle(bundle_file(folder, index, width).read_bytes(), width)
        began = time.perf_counter()
        for line in lines:
            hashlib.sha256(line).digest()
            hashlib.sha256(node).digest()
        spent += time.perf_counter() - began
    return spent


def _some(count: int) -> int:
    return random.randrange(count)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _each(work: Callable[[int], object]) -> float:
    """Microseconds of one."""
    return _seconds(lambda: [work(n) for n in range(READS)]) / READS * 1e6


if __name__ == "__main__":
    print(json.dumps(mirror(Path(sys.argv[1]))))
