"""`make rotate-passwords`: another password for every role of PostgreSQL and every user of RabbitMQ.

Owns the order: the servers learn the new ones, the files in `.secrets` follow, the services start again with them.
Refuses to depend on the old ones: PostgreSQL and RabbitMQ are told inside their own containers, where nobody is asked
for a password, so a round that failed half-way is mended by another one. No password stands in an argument.
"""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path

from services.chassis.config import SERVICES

from .compose import (
    PROCESSES,
    ROOT,
    STANDBY,
    ComposeError,
    compose,
    configured,
    containers,
    fail,
    healthy,
    primary,
    say,
    wait_for,
)
from .make_secrets import addresses, definitions, replace

ROLES = ("superuser", "archive", *SERVICES)
HEALTHY_SECONDS = 180.0
# From standard input it would wait for an end that never comes. The file holds hashes, in memory.
_IMPORT = "umask 077; f=/tmp/users.json; trap 'rm $f' EXIT; cat >$f; rabbitmqctl -q import_definitions $f"


def rotate(folder: Path) -> None:
    """New passwords everywhere, and everybody at work with them. Raises `ComposeError`, OSError."""
    database = {name: secrets.token_hex(24) for name in ROLES}
    broker = {name: secrets.token_hex(24) for name in SERVICES}
    users = json.dumps(definitions(broker), indent=1)
    taking_writes = primary()
    tell_postgresql(taking_writes, database)
    compose("exec", "-T", "rabbitmq", "bash", "-c", _IMPORT, stdin=users.encode())
    for name, text in database.items():
        replace(folder / "postgresql" / name, text)
    for service in SERVICES:
        replace(folder / "rabbitmq" / service, broker[service])
        for file, address in addresses(service, database[service], broker[service]).items():
            replace(folder / service / file, address)
    replace(folder / "rabbitmq" / "definitions.json", users)  # a broker that starts takes them from here
    restart(taking_writes)


def passwords(folder: Path) -> dict[str, str]:
    """What the files hold for the roles of PostgreSQL. Raises OSError."""
    return {name: (folder / "postgresql" / name).read_text().strip() for name in ROLES}


def tell_postgresql(service: str, passwords: dict[str, str]) -> None:
    """All roles at once or none. Raises `ComposeError`."""
    roles = {("postgres" if name == "superuser" else name): text for name, text in passwords.items()}
    lines = [f"ALTER ROLE {role} PASSWORD '{text}';" for role, text in roles.items()]
    words = ("psql", "-qX1", "-v", "ON_ERROR_STOP=1", "-U", "postgres")
    compose("exec", "-T", service, *words, stdin="\n".join(lines).encode())


def restart(taking_writes: str) -> None:
    """Whoever has read a password reads it again: the services, the archive, and a standby that follows."""
    reading = [*PROCESSES, "postgresql-archive"]
    if STANDBY in configured("services") and taking_writes != STANDBY:
        reading.append(STANDBY)
    compose("restart", *reading)
    started = [each["ID"] for each in containers(*reading)]
    wait_for(lambda: all(map(healthy, started)), HEALTHY_SECONDS, "the health of the services")


def main() -> None:
    """Rotate, and say what comes next."""
    parser = argparse.ArgumentParser(prog="python -m deploy.rotate_passwords", description=__doc__)
    parser.parse_args()
    try:
        rotate(ROOT / ".secrets")
    except (ComposeError, OSError) as error:
        fail(str(error), "PostgreSQL and RabbitMQ must be up (`make ps`); then run it again, which is safe")
    say("Every password is another one. Keep a copy of .secrets in another safe: the old copy opens nothing.")


if __name__ == "__main__":
    main()
