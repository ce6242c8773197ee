"""`make restore`: from a backup, forward through the archive, to the last commit that was kept.

Owns the order: nothing answers before the databases are whole and their feeds have new epochs. Refuses to start without
the archive, or with one that has a hole, unless told `--accept-loss`: what was recorded after the backup is lost then,
revocations among it, and letters could be released on consents that a patient has taken back.

The archive stays where it is, and the new timeline goes on in it: whenever this ends half-way it can be run again.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from .archive import FOLDER, WAL, in_archive, require
from .backup import DATA, MANIFEST, backup, backups, read_manifest
from .compose import STANDBY, ComposeError, compose, configured, docker, fail, say, sql, wait_for

RECOVERY = ("deploy/compose.recovery.yml",)
RECOVER_SECONDS = 3600.0
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


def check(place: Path, *, with_archive: bool) -> None:
    """That a backup is whole, and the archive from it on. Raises `ComposeError`, OSError, ValueError."""
    manifest = read_manifest(place)
    if with_archive:
        require(manifest.wal)
        if not _followed():
            raise ComposeError("PostgreSQL runs, and the archive does not follow it: the last commits are not in there")


def restore(place: Path, *, with_archive: bool) -> Path:
    """Bring everything back from a backup; a new one, of what is there then. Raises `ComposeError`, OSError."""
    say("Stopping everything.")
    _stop()
    if not with_archive:
        _set_archive_aside()
    # The brokers' as well: what waits in them may tell of what the restored databases do not know.
    _remove_volumes([name for name in configured("volumes") if name.startswith(("postgresql", "rabbitmq"))])
    say("Unpacking and checking the backup.")
    settings = _FETCH if with_archive else _FETCH_NOTHING
    script = f"{_UNPACK}\ncat >>\"$PGDATA/postgresql.auto.conf\" <<'END'\n{settings}END\n"
    with (place / DATA).open("rb") as data:
        _in_postgresql(script, data)
    say("Bringing it forward through the archive." if with_archive else "Without the archive: to the backup's moment.")
    compose("up", "--detach", "--no-deps", "postgresql", also=RECOVERY)
    wait_for(_recovered, RECOVER_SECONDS, "PostgreSQL's recovery")
    # The archive goes on from where it ends: nothing after that may be removed before it has been taken.
    sql("SELECT pg_create_physical_replication_slot('archive', true)")
    # The settings of the recovery are done with; the file holds them for the next start otherwise.
    sql("ALTER SYSTEM RESET restore_command")
    sql("ALTER SYSTEM RESET recovery_target_timeline")
    compose("rm", "--stop", "--force", "--volumes", "postgresql")
    _begin_anew()
    return backup(place.parent)


def _followed() -> bool:
    """Whether the archive takes what PostgreSQL commits; where none answers, it has what it could get."""
    try:
        return sql("SELECT active FROM pg_replication_slots WHERE slot_name = 'archive'") == "t"
    except ComposeError:
        return True


def _stop() -> None:
    """Who writes first, and the archive last: PostgreSQL ends once it has handed over everything."""
    services = configured("services")
    last = ("postgresql", STANDBY, "postgresql-archive")
    compose("stop", *(name for name in services if name not in last))
    for name in last:
        if name in services:
            compose("stop", name)
    # A standby too: it may be the one that took over, and would be a second truth beside what is restored.
    compose("rm", "--force", "--volumes", *services)  # the nameless ones alone: sockets, and logs


def _begin_anew() -> None:
    """New epochs before anything answers; then everything."""
    # With its standby, where there is one: commits wait for that.
    compose("up", "--detach", "--wait", *(name for name in ("postgresql", STANDBY) if name in configured("services")))
    for service in ("directory", "consent"):
        told = compose("run", "--rm", "--no-deps", "-T", f"{service}-api", "new-epoch", service).strip()
        say(f"{service}: new epoch {told}")
    say("Starting everything.")
    compose("up", "--detach", "--wait")


def _recovered() -> bool:
    try:
        return sql("SELECT pg_is_in_recovery()", service="postgresql") == "f"
    except ComposeError:
        if not compose("ps", "--quiet", "--status", "running", "postgresql").strip():
            said = compose("logs", "--no-color", "--tail", "5", "postgresql").strip()
            raise ComposeError(f"PostgreSQL stopped while it recovered: {said}") from None
        return False


def _in_postgresql(script: str, data: IO[bytes]) -> None:
    compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "bash", "postgresql", "-c", script, stdin=data)


def _set_archive_aside() -> None:
    """What recovery did not read stays, beside the archive that begins now, until somebody removes it."""
    aside = f"{WAL}-until-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    in_archive(f"cd {FOLDER} && if test -d {WAL}; then mv {WAL} {aside}; fi")


def _remove_volumes(names: list[str]) -> None:
    volumes = json.loads(compose("config", "--format", "json"))["volumes"]
    docker("volume", "rm", "--force", *(volumes[name]["name"] for name in names))


def main() -> None:
    """Restore, after a word that says what it replaces."""
    parser = argparse.ArgumentParser(prog="python -m deploy.restore", description=__doc__)
    parser.add_argument("place", type=Path, help="the folder of one backup")
    parser.add_argument("--yes", action="store_true", help="replace what the deployment holds now")
    parser.add_argument("--accept-loss", action="store_true", help="without the archive: to the backup's moment")
    told = parser.parse_args()
    if not (told.place / MANIFEST).exists():
        there = ", ".join(map(str, backups(told.place.parent))) or "none"
        fail(f"{told.place} is no backup", f"there are: {there}")
    if not told.yes:
        hint = f"`make restore FROM={told.place} YES=1`, once you are sure"
        fail("this replaces every consent, letter and account that the deployment holds now", hint)
    with_archive = not told.accept_loss
    try:
        check(told.place, with_archive=with_archive)
    except (ComposeError, OSError, ValueError) as error:
        fail(str(error), "nothing was stopped; docs/operations.md, Restore: ACCEPT_LOSS=1 does without the archive")
    try:
        made = restore(told.place, with_archive=with_archive)
    except (ComposeError, OSError, ValueError) as error:
        fail(str(error), "mend that, and run the same again: nothing that it needs is gone")
    say(f"Restored. A backup of the new timeline: {made}")


if __name__ == "__main__":
    main()
