"""Settings of one service, read from the environment once, at the start.

Owns the names, the defaults and the checks of what an operator may set. Refuses secrets in variables where a file can
hold them: keys are named by path, and a directory of files (`CONCORD_SECRETS_DIR`) may hold any setting, the database's
address with its password first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from . import failpoints

Service = Literal["directory", "consent", "messaging"]
SERVICES: tuple[Service, ...] = ("directory", "consent", "messaging")


def _origin(url: str) -> str:
    """An http(s) address without a trailing slash, a query or a fragment."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an http or https address without a query")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(_origin)]


class Settings(BaseSettings):
    """What one service runs with. Each name is a variable with the prefix `CONCORD_`, such as `CONCORD_BASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="CONCORD_", extra="ignore", frozen=True)

    service: Service
    database_url: str = Field(repr=False)
    amqp_url: str | None = Field(default=None, repr=False)
    # Keeps several deployments apart on one broker; its users' permissions name it.
    amqp_prefix: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")] = "concord"
    # What clients sign into their proofs: the origin they see, not the host name that a proxy passes on.
    base_url: Address
    # Where the peers answer inside the deployment; through the public origin unless told otherwise.
    directory_url: str = ""
    consent_url: str = ""
    messaging_url: str = ""
    service_key_file: Path
    service_keys_file: Path
    # The consent service's alone: it signs the account of disclosures.
    account_key_file: Path | None = None

    # L: how long messaging may act on what a feed last told it, and so the longest wait for a revocation, with M.
    lease_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    # M: the deadline of the transaction that decides, and of the bytes that leave after it.
    gate_deadline_seconds: Annotated[float, Field(gt=0, le=10)] = 1.0
    # 256 MiB of document and what encryption adds to it (16 bytes in each 64 KiB), generously rounded.
    letter_max_bytes: Annotated[int, Field(gt=0)] = 272 * 1024 * 1024
    held_letters_expire_days: Annotated[int, Field(gt=0)] = 5
    # Below the 30 seconds after which common proxies give up on a silent connection.
    long_poll_max_seconds: Annotated[float, Field(ge=0, le=28)] = 25.0
    # Each waiting poll occupies a thread: more of them than this would starve the letters.
    long_polls_max: Annotated[int, Field(ge=0)] = 8
    # Whether X-Forwarded-For is the gateway's word; only where nobody else can reach the service.
    behind_gateway: bool = False
    failpoints: str = ""

    @model_validator(mode="before")
    @classmethod
    def _peers_behind_the_origin(cls, values: dict[str, object]) -> dict[str, object]:
        base = str(values.get("base_url", "")).rstrip("/")
        peers = {f"{name}_url": values.get(f"{name}_url") or f"{base}/{name}" for name in SERVICES}
        return {**values, **peers}

    @model_validator(mode="after")
    def _failpoints_are_for_tests(self) -> Settings:
        if self.failpoints and os.environ.get("CONCORD_TEST_FAILPOINTS_ALLOWED") != "1":
            raise ValueError("failpoints are honoured only with CONCORD_TEST_FAILPOINTS_ALLOWED=1, in tests")
        return self

    @property
    def public_url(self) -> str:
        """Where clients reach this service, such as `https://concord.example/messaging`."""
        return f"{self.base_url}/{self.service}"

    @property
    def issuer(self) -> str:
        """Who issues access tokens: the directory, by its public address."""
        return f"{self.base_url}/directory"


def load_settings(service: Service) -> Settings:
    """Read the environment of one service, and arm the failpoints that a test names there.

    Raises pydantic's `ValidationError` that names what is missing.
    """
    secrets = os.environ.get("CONCORD_SECRETS_DIR")
    settings = Settings(service=service, _secrets_dir=secrets)
    failpoints.arm(failpoints.parse(settings.failpoints))
    return settings
