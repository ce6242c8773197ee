"""`make secrets`: every secret of a deployment, as files in `.secrets`, made once.

Owns the passwords, the services' keys, the broker's users with their permissions, and a self-signed certificate to
start with. Refuses to overwrite: what is there stays, so running it twice changes nothing.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.chassis import key_files
from services.chassis.config import SERVICES, Service
from services.chassis.log_key import make_log_key
from services.chassis.service_auth import make_keys
from services.consent.account_key import make_account_key

from .env_file import read_env

# The containers' processes have user ids of their own; the folder's own mode keeps other users of the host out.
READABLE = 0o644


def main(folder: Path, *, new_certificate: bool = False) -> None:
    """Make what is missing in `folder`; another certificate if asked."""
    folder.mkdir(mode=0o700, exist_ok=True)
    make_keys(folder / "keys", SERVICES)
    account_key(folder)
    log_key(folder)
    write(folder / "services.jwks", (folder / "keys" / "services.jwks").read_text())
    passwords = {name: password(folder / "postgresql" / name) for name in ("superuser", "archive", *SERVICES)}
    broker = {name: password(folder / "rabbitmq" / name) for name in SERVICES}
    write(folder / "rabbitmq" / "definitions.json", json.dumps(definitions(broker), indent=1))
    password(folder / "rabbitmq" / "cookie")
    for name in SERVICES:
        write(folder / name / "service.jwk", (folder / "keys" / f"{name}.jwk").read_text())
        for file, address in addresses(name, passwords[name], broker[name]).items():
            write(folder / name / file, address)
    password(folder / "grafana" / "password")
    certificate(folder / "gateway", host_of(folder), new=new_certificate)


def account_key(folder: Path) -> None:
    """The key of the account of disclosures, where consent reads it, and in no second place.

    A copy, which older versions kept, would outlive a rotation, and come back as the key once the other file is lost.
    """
    place, copy = folder / "consent" / "account.jwk", folder / "keys" / "account.jwk"
    if copy.exists() and not place.exists():
        write(place, copy.read_text())
    copy.unlink(missing_ok=True)
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    make_account_key(place)
    place.chmod(READABLE)


def log_key(folder: Path) -> None:
    """The key of the key log, where the directory reads it, and in no second place: a copy would outlive a rotation."""
    place = folder / "directory" / "key-log.jwk"
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    make_log_key(place)
    place.chmod(READABLE)


def addresses(name: Service, database: str, broker: str) -> dict[str, str]:
    """The files of settings that hold a service's passwords.

    `database` and `broker` are every node that has this alias: after a fail-over the writable one is found.
    """
    return {
        "concord_database_url": f"postgresql+psycopg://{name}:{database}@database/{name}?target_session_attrs=read-write",
        "concord_amqp_url": f"amqp://{name}:{broker}@broker/%2F",
    }


def password(path: Path) -> str:
    """The password in a file, made when there is none; letters and digits only, since it stands in an address."""
    write(path, secrets.token_hex(24))
    return path.read_text()


def write(path: Path, text: str) -> None:
    """A file, unless it is there."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not path.exists():
        replace(path, text)


def replace(path: Path, text: str) -> None:
    """A file with this content, whole at every moment: the gateway may read it meanwhile."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    key_files.replace(path, text, READABLE)


def definitions(users: Mapping[Service, str]) -> dict[str, object]:
    """The broker's users: each may declare and read its own queues, and publish its own events only."""
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {"name": name, "password_hash": _hashed(text), "hashing_algorithm": _HASHING, "tags": []}
            for name, text in users.items()
        ],
        "permissions": [
            {
                "user": name,
                "vhost": "/",
                "configure": f"^concord\\.({name}(\\..*)?|events)$",
                "write": f"^concord\\.({name}(\\..*)?|events)$",
                "read": f"^concord\\.({name}(\\..*)?|events)$",
            }
            for name in users
        ],
        "topic_permissions": [
            {
                "user": name,
                "vhost": "/",
                "exchange": "concord.events",
                "write": f"^care\\.concord\\.{name}\\.",
                "read": "^care\\.concord\\.",
            }
            for name in users
        ],
    }


_HASHING = "rabbit_password_hashing_sha256"


def _hashed(text: str) -> str:
    """RabbitMQ's form of a password: base64 of a salt of four bytes and SHA-256 of salt and password."""
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + text.encode()).digest()).decode()


def certificate(folder: Path, host: str, *, new: bool = False) -> None:
    """A self-signed certificate for a host, to be replaced by a real one. `new` replaces the one that is there."""
    if (folder / "tls.crt").exists() and not new:
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([subject(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    replace(folder / "tls.key", private.decode())
    replace(folder / "tls.crt", made.public_bytes(serialization.Encoding.PEM).decode())


def subject(host: str) -> x509.GeneralName:
    """A host as a certificate names it (RFC 5280, section 4.2.1.6): an address is no DNS name."""
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def host_of(folder: Path) -> str:
    """The host that clients use: of CONCORD_BASE_URL in the environment, else in `.env` beside `folder`."""
    told = os.environ.get("CONCORD_BASE_URL") or read_env(folder.parent / ".env").get("CONCORD_BASE_URL", "")
    return urlsplit(told).hostname or "localhost"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m deploy.make_secrets", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the secrets lie, such as .secrets")
    parser.add_argument("--new-certificate", action="store_true", help="replace the self-signed certificate")
    told = parser.parse_args()
    main(told.folder, new_certificate=told.new_certificate)
