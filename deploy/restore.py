"""`make restore`: from a backup, forward through the archive, to the last commit that was kept.

Owns the order: nothing answers before the databases are whole and their feeds have new epochs. Refuses to start without
the archive, or with one that has a hole, unless told `--accept-loss`: what was recorded after the backup is lost then,
revocations among it, so the gateway stays shut and letters stand still until the practices have been told.

The archive stays where it is, and the new timeline goes on in it: whenever this ends half-way it can be run again. What
it has begun is remembered, since PostgreSQL may then take writes that the archive does not follow, and has nothing
that the archive has not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from .archive import FOLDER, WAL, in_archive, require
from .backup import backup
from .backup_files import MANIFEST, backups, manifest_of, read_manifest
from .compose import (
    PROCESSES,
    STANDBY,
    ComposeError,
    compose,
    configured,
    containers,
    docker,
    fail,
    say,
    sql,
)
from .recovery import recover
from .remembered import FENCE, RESTORE, forget, recall, remember

DATABASES = ("postgresql", STANDBY, "postgresql-archive")
# What stays away after a loss: who lets people in, and who releases letters and hands them out.
SHUT = ("gateway", "messaging-api", "messaging-worker")


def check(place: Path, *, with_archive: bool) -> None:
    """That a backup is whole, and the archive from it on. Raises `ComposeError`, OSError, ValueError."""
    manifest = read_manifest(place)
    if with_archive:
        require(manifest.wal)
        if not under_way() and not _followed():
            raise ComposeError("PostgreSQL runs, and the archive does not follow it: the last commits are not in there")


def restore(place: Path, *, with_archive: bool) -> None:
    """Bring everything back from a backup. Raises `ComposeError`, OSError."""
    say("Stopping everything.")
    _stop()
    # From here on PostgreSQL has nothing that the archive has not, until a service writes to it.
    remember(RESTORE, {"from": str(place.resolve()), "begun_at": datetime.now(UTC).isoformat(timespec="seconds")})
    if not with_archive:
        _set_archive_aside()
    # The brokers' as well: what waits in them may tell of what the restored databases do not know.
    _remove_volumes([name for name in configured("volumes") if name.startswith(("postgresql", "rabbitmq"))])
    forget(FENCE)  # it was on one of them
    recover(place, with_archive=with_archive)
    _begin_anew()
    forget(RESTORE)
    say("Starting everything." if with_archive else f"Starting everything but {', '.join(SHUT)}.")
    _start(() if with_archive else SHUT)


def under_way() -> bool:
    """Whether a restore was begun, and no service has been started since. Raises `ComposeError`, OSError.

    A restore begins by removing all containers; services that are there again may have written what the archive lacks.
    """
    return bool(recall(RESTORE)) and not containers(*PROCESSES)


def _followed() -> bool:
    """Whether the archive takes what PostgreSQL commits; where none answers, it has what it could get."""
    try:
        return sql("SELECT active FROM pg_replication_slots WHERE slot_name = 'archive'") == "t"
    except ComposeError:
        return True


def _stop() -> None:
    """Who writes first, and the archive last: PostgreSQL ends once it has handed over everything."""
    services = configured("services")
    compose("stop", *(name for name in services if name not in DATABASES))
    for name in DATABASES:
        if name in services:
            compose("stop", name)
    # A standby too: it may be the one that took over, and would be a second truth beside what is restored.
    compose("rm", "--force", "--volumes", *services)  # the nameless ones alone: sockets, and logs


def _begin_anew() -> None:
    """The databases, and new epochs before anything answers; whoever writes later is followed by the archive."""
    # With its standby, where there is one: commits wait for that.
    compose("up", "--detach", "--wait", *(name for name in DATABASES if name in configured("services")))
    for service in ("directory", "consent"):
        told = compose("run", "--rm", "--no-deps", "-T", f"{service}-api", "new-epoch", service).strip()
        say(f"{service}: new epoch {told}")


def _start(but: tuple[str, ...]) -> None:
    """Everything but these. Migrations come with those that need them."""
    names = [name for name in configured("services") if name not in but and not name.endswith("-migrate")]
    compose("up", "--detach", "--wait", *(names if but else ()))


def _set_archive_aside() -> None:
    """What recovery did not read stays, beside the archive that begins now, until somebody removes it."""
    aside = f"{WAL}-until-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    in_archive(f"cd {FOLDER} && if test -d {WAL}; then mv {WAL} {aside}; fi")


def _remove_volumes(names: list[str]) -> None:
    volumes = json.loads(compose("config", "--format", "json"))["volumes"]
    for volume in (volumes[name]["name"] for name in names):
        # What a restore that was broken off has left there: its container may be unpacking still.
        if left := docker("ps", "--all", "--quiet", "--filter", f"volume={volume}").split():
            docker("rm", "--force", "--volumes", *left)
        docker("volume", "rm", "--force", volume)


def main() -> None:
    """Restore, after a word that says what it replaces."""
    parser = argparse.ArgumentParser(prog="python -m deploy.restore", description=__doc__)
    parser.add_argument("place", type=Path, help="the folder of one backup")
    parser.add_argument("--yes", action="store_true", help="replace what the deployment holds now")
    parser.add_argument("--accept-loss", action="store_true", help="without the archive: to the backup's moment")
    told = parser.parse_args()
    _refuse_without_a_word(told.place, told.yes)
    with_archive = not told.accept_loss
    _try(
        lambda: check(told.place, with_archive=with_archive),
        "nothing was stopped; docs/operations.md, Restore: ACCEPT_LOSS=1 does without the archive",
    )
    _try(
        lambda: restore(told.place, with_archive=with_archive),
        "mend that, and run the same again: nothing that it needs is gone",
    )
    say("Restored." if with_archive else _what_is_lost(told.place))
    _try(
        lambda: say(f"A backup of the new timeline: {backup(told.place.parent)}"),
        f"it is restored all the same; take that backup with `make backup TO={told.place.parent}`",
    )


def _refuse_without_a_word(place: Path, yes: bool) -> None:
    if not (place / MANIFEST).exists():
        there = ", ".join(map(str, backups(place.parent))) or "none"
        fail(f"{place} is no backup", f"there are: {there}")
    if not yes:
        hint = f"`make restore FROM={place} YES=1`, once you are sure"
        fail("this replaces every consent, letter and account that the deployment holds now", hint)


def _try(do: Callable[[], None], hint: str) -> None:
    """Do it, or end with an error; Ctrl-C is one, since what it leaves half-done needs the same hint."""
    try:
        do()
    except (ComposeError, OSError, ValueError) as error:
        fail(str(error), hint)
    except KeyboardInterrupt:
        fail("it was broken off", hint)


def _what_is_lost(place: Path) -> str:
    """What an operator has to do before letters go again."""
    return f"""Restored to {manifest_of(place).made_at}. What was revoked later is in force again: the gateway is shut.
1. Tell every practice from when to when revocations are lost.
2. `docker compose up --detach --no-deps gateway` lets them revoke again what was revoked then; letters stand still.
3. `docker compose up --detach --wait` once they have: letters go again."""


if __name__ == "__main__":
    main()
