"""`make doctor`: every service's own doctor, in its containers, and what only the host sees.

Owns the round, and the checks of the deployment as a whole: is everything there that the compose files name, does the
archive follow, how old is the newest backup, how long is the certificate valid. Refuses to mend.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from services.commands.checks import Finding

from .compose import (
    ROOT,
    SERVICES,
    STANDBY,
    ComposeError,
    compose,
    configured,
    containers,
    docker,
    say,
    sql,
    takes_writes,
)
from .remembered import BACKUPS, recall

CERTIFICATE_DAYS = 30
BACKUP_AGE = timedelta(hours=48)


def main() -> None:
    """Look at every container and ask every service; exit status 1 when anything is wrong."""
    say("== deployment")
    wrong = [each.check for look in CHECKS for each in findings_of(look) if not shown(each)]
    for service in SERVICES:
        say(f"== {service}")
        wrong += ask(service)
    say(f"{len(wrong)} things are wrong." if wrong else "All is well.")
    sys.exit(bool(wrong))


def findings_of(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds; that it could not look is a finding too."""
    try:
        yield from look()
    except (ComposeError, OSError, ValueError) as error:
        yield Finding(look.__name__, False, f"could not be looked at: {error}", "make ps, make logs")


def shown(finding: Finding) -> bool:
    """Show a finding; whether it is well."""
    say(str(finding))
    return finding.ok


def containers_run() -> Iterator[Finding]:
    """Whether every service of the deployment has its containers, and each of them runs and is healthy."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in configured("services")}
    for each in containers():
        found.setdefault(each["Service"], []).append(each)
    lasting = {name: there for name, there in found.items() if not name.endswith("-migrate")}
    for name, there in lasting.items():
        if name == "postgresql" and not there and promoted():
            yield Finding(name, True, f"away, and meant to be: {STANDBY} takes writes")
        elif not there:
            yield Finding(name, False, "has no container", "make up")
    wrong = [each for there in found.values() for each in there if not well(each)]
    for each in wrong:
        state = f"{each['State']} {each['Health']}".rstrip()
        yield Finding(each["Name"], False, state, f"docker compose logs {each['Service']}, then make up")
    if all(lasting.values()) and not wrong:
        yield Finding("containers", True, f"all {len(lasting)} services run")


def well(container: dict[str, Any]) -> bool:
    """Whether a container runs and is healthy, or has ended as it should."""
    if container["Service"].endswith("-migrate"):
        return bool(container["State"] == "exited" and container["ExitCode"] == 0)
    return bool(container["State"] == "running" and container["Health"] in ("healthy", ""))


def promoted() -> bool:
    """Whether the standby has taken over, where there is one. Raises `ComposeError`."""
    return STANDBY in configured("services") and bool(containers(STANDBY)) and takes_writes(STANDBY)


def replication() -> Iterator[Finding]:
    """Whether whoever copies the log of changes follows: without the archive a restore loses commits."""
    rows = sql("SELECT slot_name, active, coalesce(wal_status, '') FROM pg_replication_slots ORDER BY 1").splitlines()
    slots = {name: (active == "t", status) for name, active, status in (row.split("|") for row in rows)}
    if "archive" not in slots:
        yield Finding("slot archive", False, "is not there: nothing is archived", _mend("archive"))
    for name, (active, status) in slots.items():
        ok = active and status not in ("lost", "unreserved")
        detail = f"{'followed' if active else 'nobody follows it'}, wal {status}"
        yield Finding(f"slot {name}", ok, detail, _mend(name))


def _mend(slot: str) -> str:
    container = STANDBY if slot == "standby" else "postgresql-archive"
    return f"docker compose logs {container}; docs/operations.md, {'Fail over' if slot == 'standby' else 'Back up'}"


def backup() -> Iterator[Finding]:
    """How old the newest backup is, whatever folder it went to. A cluster that is younger may have none."""
    times = [datetime.fromisoformat(each["made_at"]) for each in recall(BACKUPS).values()]
    if times:
        age = datetime.now(UTC) - max(times)
        detail = f"the newest is {age.total_seconds() / 3600:.0f} h old"
    else:
        age = timedelta(seconds=float(sql(_CLUSTER_SECONDS)))
        detail = "none was made yet"
    mend = "make backup TO=FOLDER, daily, into a folder on another machine (docs/operations.md, Back up)"
    yield Finding("backup", age < BACKUP_AGE, detail, mend)


# A cluster's identifier begins with the second in which it was made.
_CLUSTER_SECONDS = "SELECT extract(epoch FROM now()) - (system_identifier >> 32) FROM pg_control_system()"


def certificate() -> Iterator[Finding]:
    """How long the gateway's certificate is valid: its file, since no container reaches the public address."""
    shown_to_all = x509.load_pem_x509_certificate((ROOT / ".secrets" / "gateway" / "tls.crt").read_bytes())
    days = (shown_to_all.not_valid_after_utc - datetime.now(UTC)).days
    mend = "a new one into .secrets/gateway, then make reload-certificate (docs/operations.md, Rotate keys)"
    yield Finding("certificate", days >= CERTIFICATE_DAYS, f"{days} days left", mend)


CHECKS = (containers_run, replication, backup, certificate)


def ask(service: str) -> list[str]:
    """What a service's doctor says, in its worker, else in its API: either has the service's settings."""
    for kind in ("worker", "api"):
        running = compose("ps", "--quiet", "--status", "running", f"{service}-{kind}").split()
        if running:
            # A doctor that finds something ends with 1, which is no failure of the call.
            script = f"concord-server doctor {service} --json || true"
            try:
                findings = [Finding(**each) for each in json.loads(docker("exec", running[0], "sh", "-c", script))]
            except (ComposeError, ValueError):
                continue
            return [each.check for each in findings if not shown(within(each, f"{service}-{kind}"))]
    say(f"WRONG  {service}: none of its processes runs\n       do: make up")
    return [service]


def within(finding: Finding, container: str) -> Finding:
    """A finding whose mend is a command that can be typed on the host."""
    command = f"docker compose exec {container} concord-server"
    return replace(finding, mend=finding.mend.replace("concord-server", command))


if __name__ == "__main__":
    main()
