"""`make secrets`: every secret of a deployment, as files in `.secrets`, made once.

Owns the passwords, the services' keys, the broker's users with their permissions, and a self-signed certificate to
start with. Refuses to overwrite: what is there stays, so running it twice changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.chassis.config import SERVICES
from services.chassis.service_auth import make_keys
from services.consent.account_key import make_account_key

# The containers' processes have user ids of their own; the folder's own mode keeps other users of the host out.
READABLE = 0o644


def main(folder: Path) -> None:
    """Make what is missing in `folder`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    make_keys(folder / "keys", SERVICES)
    make_account_key(folder / "keys" / "account.jwk")
    write(folder / "consent" / "account.jwk", (folder / "keys" / "account.jwk").read_text())
    write(folder / "services.jwks", (folder / "keys" / "services.jwks").read_text())
    passwords = {name: password(folder / "postgresql" / name) for name in ("superuser", *SERVICES)}
    broker = {name: password(folder / "rabbitmq" / name) for name in SERVICES}
    write(folder / "rabbitmq" / "definitions.json", json.dumps(definitions(broker), indent=1))
    for name in SERVICES:
        own = folder / name
        write(own / "service.jwk", (folder / "keys" / f"{name}.jwk").read_text())
        write(own / "concord_database_url", f"postgresql+psycopg://{name}:{passwords[name]}@postgresql/{name}")
        write(own / "concord_amqp_url", f"amqp://{name}:{broker[name]}@rabbitmq/%2F")
    certificate(folder / "gateway")


def password(path: Path) -> str:
    """The password in a file, made when there is none; letters and digits only, since it stands in an address."""
    write(path, secrets.token_hex(24))
    return path.read_text()


def write(path: Path, text: str) -> None:
    """A file, unless it is there."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text)
        path.chmod(READABLE)


def definitions(users: dict[str, str]) -> dict[str, object]:
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
                "configure": f"^concord\\.({name}(\\..*)?|events|dead)$",
                "write": f"^concord\\.({name}(\\..*)?|events|dead)$",
                "read": f"^concord\\.({name}(\\..*)?|events|dead)$",
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


def certificate(folder: Path) -> None:
    """A self-signed certificate for localhost, to be replaced by a real one."""
    if (folder / "tls.crt").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    write(folder / "tls.key", private.decode())
    write(folder / "tls.crt", made.public_bytes(serialization.Encoding.PEM).decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
