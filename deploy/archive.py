"""The archive of PostgreSQL's log of changes, by the names of its segments.

Owns the question whether a backup can come forward through it to its end. Refuses to take a hole for that end:
PostgreSQL does, and would call what stands before it the last commit.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .compose import ComposeError, compose

FOLDER = "/var/lib/postgresql/data"
WAL = "wal"
SEGMENT_BYTES = 16 << 20
# Eight hexadecimal digits of the timeline, then the number in base 256; the one that is being written is `.partial`.
_NAME = re.compile(r"[0-9A-F]{24}(\.partial)?")
# Each segment under the name of a whole one, so that pg_waldump finds the last. At the log's end it says one of these.
_COMMITS = """
set -eu
mkdir /tmp/wal
for each in {folder}/????????????????????????*; do ln -s "$each" "/tmp/wal/$(basename "$each" .partial)"; done
pg_waldump --path=/tmp/wal --timeline={timeline} --start={start} --rmgr=Transaction 2>/tmp/said |
  grep -c 'desc: COMMIT' || true
grep -qE 'error in WAL record|could not find (a valid record|file)' /tmp/said || {{ cat /tmp/said >&2; exit 1; }}
"""


def require(first: str) -> None:
    """Refuse an archive that does not lead from the segment `first` to its own end. Raises `ComposeError`."""
    folders = _held()
    gone = missing(first, folders.get(WAL, ()))
    if gone is None:
        return
    aside = [name for name, names in sorted(folders.items()) if name != WAL and missing(first, names) is None]
    elsewhere = f": {', '.join(aside)} has it, move that back to `{WAL}` (docs/operations.md, Restore)" if aside else ""
    raise ComposeError(f"the archive does not reach from this backup to its end, it lacks segment {gone}{elsewhere}")


def missing(first: str, names: Collection[str]) -> str | None:
    """The first segment that is not there from `first` to the last one of the newest timeline; None: it is whole."""
    timeline, start = first[:8], number(first)
    newest: dict[int, tuple[str, bool]] = {}
    if first not in names and f"{first}.partial" not in names:
        return first
    for name in filter(_NAME.fullmatch, names):
        if name[:8] >= timeline and number(name) >= start:
            found = (name[:8], not name.endswith(".partial"))
            newest[number(name)] = max(newest.get(number(name), found), found)
    # An older timeline may go on beyond where the newest one left it: nobody follows it there.
    timeline = max(each for each, _ in newest.values())
    last = max(place for place, (each, _) in newest.items() if each == timeline)
    for place in range(start, last):
        if not newest.get(place, ("", False))[1]:
            return _name(timeline, place)
    return None


def commits_after(position: int) -> int:
    """How many commits the archive has from a position of the log on. Raises `ComposeError` where it cannot tell."""
    names = {name[:24] for name in _held().get(WAL, ()) if _NAME.fullmatch(name)}
    if not names:
        raise ComposeError("the archive is empty: nobody can tell whether the standby has every commit")
    last = max(names)
    here = _name(last[:8], position // SEGMENT_BYTES)
    if here > last:
        return 0
    if here not in names:
        raise ComposeError(f"the archive lacks segment {here}: nobody can tell whether the standby has every commit")
    start = f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
    return int(in_archive(_COMMITS.format(folder=f"{FOLDER}/{WAL}", timeline=int(last[:8], 16), start=start)))


def in_archive(script: str) -> str:
    """Run a script where the archive's volume is, whether its own container runs or not; what it printed."""
    return compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "bash", "postgresql-archive", "-c", script)


def _held() -> dict[str, set[str]]:
    """The files of each folder on the archive's volume."""
    held: dict[str, set[str]] = {}
    for line in in_archive(f"find {FOLDER} -mindepth 2 -maxdepth 2 -type f -printf '%P\\n'").splitlines():
        folder, _, name = line.partition("/")
        held.setdefault(folder, set()).add(name)
    return held


def number(name: str) -> int:
    """Where a segment stands in the log, whatever its timeline: a later one goes on with the numbers."""
    return int(name[8:16], 16) * 256 + int(name[16:24], 16)


def _name(timeline: str, number: int) -> str:
    return f"{timeline}{number // 256:08X}{number % 256:08X}"
