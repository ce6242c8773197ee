"""`make upgrade`: a newer version, one kind of process after the other, while letters go on.

Owns the order: build, back up, migrate, then for each kind of process the new ones beside the old, and the old ones
stopped once the new ones are healthy. Refuses to stop anything that has no healthy successor: a version that does not
start leaves the old one at work.

Every migration of Concord leaves the version before it able to work, so old and new processes run side by side.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

from .backup import backup
from .compose import PROCESSES, SERVICES, ComposeError, compose, containers, docker, fail, healthy, say, wait_for

HEALTHY_SECONDS = 180.0


def upgrade(seconds: float = HEALTHY_SECONDS) -> None:
    """Bring every process to the image that is there now. Raises `ComposeError`; what runs then goes on running."""
    for service in SERVICES:
        compose("run", "--rm", "--no-deps", "-T", f"{service}-migrate")
    for kind in PROCESSES:
        say(f"{kind}: {replace(kind, seconds)} replaced")
    compose("exec", "-T", "gateway", "nginx", "-c", "/etc/concord/nginx.conf", "-s", "reload")


def replace(kind: str, seconds: float = HEALTHY_SECONDS) -> int:
    """New containers of one kind beside the old ones, then the old ones away; how many. Raises `ComposeError`.

    Old is each that is there, one that is just being started again too. Until as many new ones are healthy, whatever
    happens takes the new ones away.
    """
    old = ids(kind)
    count = max(1, len(old))
    try:
        scale = f"{kind}={len(old) + count}"
        compose("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", scale, kind)
        wait_for(lambda: succeeded(kind, old, count), seconds, f"the health of the new {kind}")
    except BaseException:
        try:
            say(compose("logs", "--no-color", "--tail", "5", kind))  # which go with the containers
        finally:
            remove(set(ids(kind)) - set(old))
        raise
    try:
        for each in old:
            docker("stop", "--time", "40", each)  # what a process has begun it ends
    finally:  # left behind they would be doubled by the next upgrade
        remove(old)
    return len(old)


def succeeded(kind: str, old: Collection[str], count: int) -> bool:
    """Whether as many new containers as are needed are there, and each of them is healthy."""
    new = [each for each in ids(kind) if each not in old]
    return len(new) == count and all(map(healthy, new))


def ids(kind: str) -> list[str]:
    """The ids of the containers of one kind, whatever their state."""
    return [each["ID"] for each in containers(kind)]


def remove(which: Collection[str]) -> None:
    """Remove these containers, as they are."""
    if which:
        docker("rm", "--force", *which)


def main() -> None:
    """Build, back up, upgrade."""
    parser = argparse.ArgumentParser(prog="python -m deploy.upgrade", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the backup before the upgrade goes")
    parser.add_argument("--wait", type=float, default=HEALTHY_SECONDS, help="how long new processes may take to start")
    parser.add_argument("--no-build", action="store_true", help="the image is there already")
    told = parser.parse_args()
    try:
        if not told.no_build:
            compose("build", "--quiet")
        say(f"Backed up to {backup(told.folder)}")
        upgrade(told.wait)
    except (ComposeError, OSError, ValueError) as error:
        fail(str(error), "what ran before still runs; mend what is said above, and run it again")


if __name__ == "__main__":
    main()
