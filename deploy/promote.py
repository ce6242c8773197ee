"""`make promote`: the standby takes over from a primary that is lost for good.

Owns the order: the old primary is stopped, the standby compared with the archive, the old primary fenced off, and only
then does the new one take writes. Refuses to leave two that each take commits, now or when the old one starts again:
they would be two truths about who has consented. Refuses a standby that lacks a commit unless told `--accept-loss`:
`make restore` loses none.

The services find the writable node by themselves (`target_session_attrs`), and see by its timeline that it is another
one: each feed begins a new epoch, and messaging takes a snapshot before it releases anything.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

from .archive import commits_after
from .compose import STANDBY, ComposeError, compose, fail, say, sql, takes_writes, wait_for
from .remembered import FENCE, recall, remember

# On the volume of the old primary. With this file it comes up read-only and nobody takes it for the database; where its
# disk was lost so does an empty one in its place, which would else make itself a new and writable database.
_FENCE = """
set -eu
test -s "$PGDATA/PG_VERSION" || initdb --username=postgres >/dev/null
touch "$PGDATA/standby.signal"
"""

_BEFORE = "docs/operations.md, Fail over. `docker compose up --detach` goes on with the old primary"
_AFTER = "the old primary is fenced off, and nothing goes on with it: mend that, and run the same again"


def prepare(*, accept_loss: bool) -> None:
    """Stop the primary, and see what the standby lacks; the old primary can still go on. Raises `ComposeError`."""
    compose("stop", "postgresql")
    if not accept_loss:
        _lacks_nothing()


def take_over() -> None:
    """Fence the old primary off, promote the standby. Raises `ComposeError`, OSError; it can be run again then."""
    remember(FENCE, {"fenced_at": datetime.now(UTC).isoformat(timespec="seconds")})
    compose("rm", "--force", "--volumes", "postgresql")
    compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "bash", "postgresql", "-c", _FENCE)
    # Nobody follows the new primary yet: with the setting of the old one its commits would wait for ever.
    compose("exec", "-T", STANDBY, "pg_ctl", "promote", "--wait")
    wait_for(lambda: takes_writes(STANDBY), 60, "the promotion")


def _lacks_nothing() -> None:
    """The archive has no commit that the standby has not. Raises `ComposeError`."""
    lacking = commits_after(_applied())
    if lacking:
        raise ComposeError(
            f"{lacking} commits are in the archive, not in {STANDBY}. If every commit waited for it, nobody was told "
            "of them; else revocations may be among them. `make restore` has them, ACCEPT_LOSS=1 goes without"
        )


def _applied() -> int:
    """How far the standby has come, in bytes of the log, once it has applied all that reached it."""
    before, now = -1, 0
    while before != now:
        time.sleep(1)
        before, now = now, int(sql("SELECT pg_last_wal_replay_lsn() - '0/0'", service=STANDBY))
    return now


def main() -> None:
    """Promote, after a word that says what for, and say what comes next."""
    parser = argparse.ArgumentParser(prog="python -m deploy.promote", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="the primary is lost for good")
    parser.add_argument(
        "--accept-loss", action="store_true", help="even if the archive has commits that the standby lacks"
    )
    told = parser.parse_args()
    if not told.yes:
        fail("this gives the primary up for good", "`make promote YES=1`, once you are sure")
    try:
        if takes_writes(STANDBY):
            fail(f"{STANDBY} takes writes already", "there is nothing left to promote: `make doctor`")
        prepare(accept_loss=told.accept_loss)
        take_over()
    except (ComposeError, OSError, KeyboardInterrupt) as error:
        fail(str(error) or "it was broken off", _AFTER if recall(FENCE) else _BEFORE)
    say(f"{STANDBY} takes writes now; `postgresql` stays read-only. `make doctor`, then docs/operations.md, Fail over.")


if __name__ == "__main__":
    main()
