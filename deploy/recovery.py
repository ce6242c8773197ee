"""PostgreSQL out of a backup, forward through the archive, with the passwords that `.secrets` holds.

Owns the fresh volume, the recovery and its end. Refuses a volume that is not empty, and a backup whose files are not
what its own manifest says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .backup_files import DATA
from .compose import ROOT, ComposeError, compose, say, sql
from .rotate_passwords import passwords, tell_postgresql

RECOVERY = ("deploy/compose.recovery.yml",)
# How long it may stand still; how long it takes in all depends on the archive. Until the backup itself is whole, which
# takes the changes of its own hour, PostgreSQL lets nobody ask how far it is.
STILL_SECONDS = 1800.0
# In the container, as PostgreSQL's own user, on an empty volume. Each file is checked against the manifest inside.
_UNPACK = """
set -eu
test -z "$(ls -A "$PGDATA")" || { echo "the volume is not empty" >&2; exit 1; }
chmod 0700 "$PGDATA"
tar -xzf - -C "$PGDATA"
pg_verifybackup --quiet --no-parse-wal "$PGDATA"
touch "$PGDATA/recovery.signal"
"""
# The segment that was being written when the server was lost has a name of its own, and is whole as far as it goes.
_FETCH = """
restore_command = 'f=/archive/wal/%f; if test -f "$f"; then cp "$f" "%p"; else cp "$f.partial" "%p"; fi'
recovery_target_timeline = 'latest'
"""
# Without the archive recovery still has to end on a timeline of its own, so that nobody takes it for what was lost.
_FETCH_NOTHING = """
restore_command = 'false'
recovery_target_timeline = 'latest'
"""


def recover(place: Path, *, with_archive: bool) -> None:
    """Leave the volume with a primary at the last commit, its server stopped. Raises `ComposeError`, OSError."""
    say("Unpacking and checking the backup.")
    _unpack(place, _FETCH if with_archive else _FETCH_NOTHING)
    say("Bringing it forward through the archive." if with_archive else "Without the archive: to the backup's moment.")
    compose("up", "--detach", "--no-deps", "postgresql", also=RECOVERY)
    wait_while_it_moves(_position, STILL_SECONDS)
    # The archive goes on from where it ends: nothing after that may be removed before it has been taken.
    sql("SELECT pg_create_physical_replication_slot('archive', true)", service="postgresql")
    # The roles came with the backup. Since then `.secrets` may have other passwords, or be another one.
    tell_postgresql("postgresql", passwords(ROOT / ".secrets"))
    # The settings of the recovery are done with; the file holds them for the next start otherwise.
    sql("ALTER SYSTEM RESET restore_command", service="postgresql")
    sql("ALTER SYSTEM RESET recovery_target_timeline", service="postgresql")
    compose("rm", "--stop", "--force", "--volumes", "postgresql")


def wait_while_it_moves(position: Callable[[], str | None], seconds: float) -> None:
    """Until there is no position any more; `seconds` is how long one may stay the same. Raises `ComposeError`."""
    before, since = "", time.monotonic()
    while (now := position()) is not None:
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > seconds:
            raise ComposeError(
                f"PostgreSQL's recovery has stood still for {seconds:.0f} seconds, at {now or 'its start'}"
            )
        time.sleep(0.5)


def _position() -> str | None:
    """How far recovery is, as far as anybody may ask; None: it is done. Raises `ComposeError`."""
    query = "SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn()::text, '') ELSE 'done' END"
    try:
        told = sql(query, service="postgresql")
    except ComposeError:
        if not compose("ps", "--quiet", "--status", "running", "postgresql").strip():
            said = compose("logs", "--no-color", "--tail", "5", "postgresql").strip()
            raise ComposeError(f"PostgreSQL stopped while it recovered: {said}") from None
        return ""
    return None if told == "done" else told


def _unpack(place: Path, settings: str) -> None:
    script = f"{_UNPACK}\ncat >>\"$PGDATA/postgresql.auto.conf\" <<'END'\n{settings}END\n"
    with (place / DATA).open("rb") as data:
        compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "bash", "postgresql", "-c", script, stdin=data)
