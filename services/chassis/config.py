"""Settings of one service, read from the environment once, at the start.

Owns the names, the defaults and the checks of what an operator may set. Refuses secrets in variables where a file can
hold them: keys are named by path, and a directory of files (`CONCORD_SECRETS_DIR`) may hold any setting, the database's
address with its password first. Refuses names it does not know: a setting that is misspelt would else be one that is
silently not set.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from concord_formats.cosignatures import WitnessKey
from concord_formats.notes import MAX_SIGNATURES
from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from . import failpoints

Service = Literal["directory", "consent", "messaging"]
SERVICES: tuple[Service, ...] = ("directory", "consent", "messaging")
# A hundred years. With much more there is no date any more from which to count back.
MOST_DAYS = 36_500
# A note takes so many signatures; two are the log's own.
MAX_WITNESSES = MAX_SIGNATURES - 2


def _origin(url: str) -> str:
    """An http(s) address without a trailing slash, a query or a fragment."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an http or https address without a query")
    return url.rstrip("/")


def _witnesses(text: str) -> str:
    """Several `name+id+key@https://prefix`, with commas between them; each key once."""
    found = [_witness(part) for part in text.split(",") if part.strip()]
    if len({key for key, _ in found}) != len(found) or len(found) > MAX_WITNESSES:
        raise ValueError(f"names each witness once, and at most {MAX_WITNESSES}")
    return text


def _witness(text: str) -> tuple[WitnessKey, str]:
    key, at, prefix = text.strip().rpartition("@")
    if not at:
        raise ValueError("a witness is written name+id+key@https://prefix")
    return WitnessKey.decode(key), _origin(prefix)


Address = Annotated[str, AfterValidator(_origin)]


class Settings(BaseSettings):
    """What one service runs with. Each name is a variable with the prefix `CONCORD_`, such as `CONCORD_BASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="CONCORD_", extra="ignore", frozen=True, env_ignore_empty=True)

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
    # The directory's alone: it signs the key log.
    log_key_file: Path | None = None
    # How often the log says anew that it is as large as it is, and asks its witnesses: a client believes no log that is
    # silent for minutes.
    log_fresh_seconds: Annotated[float, Field(gt=0, le=300)] = 60.0
    # Who cosigns the log's checkpoints, and where each is asked.
    witnesses: Annotated[str, AfterValidator(_witnesses)] = ""

    # How long a recovery that two administrators attested waits before it takes effect: long enough that an owner who
    # was away over a weekend sees it, and objects. Less is for tests and demonstrations only.
    recovery_delay_hours: Annotated[float, Field(ge=0, le=24 * 30)] = 72.0

    # L: how long messaging may act on what a feed last told it, and so the longest wait for a revocation, with M.
    lease_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    # M: the deadline of the transaction that decides, and of the bytes that leave after it.
    gate_deadline_seconds: Annotated[float, Field(gt=0, le=10)] = 1.0
    # 256 MiB of document and what encryption adds to it (16 bytes in each 64 KiB), generously rounded.
    letter_max_bytes: Annotated[int, Field(gt=0)] = 272 * 1024 * 1024
    held_letters_expire_days: Annotated[int, Field(gt=0, le=MOST_DAYS)] = 5
    # Days after which the server's copy of a letter goes: once every recipient has opened it, and whether or not they
    # have. 0: it stays. What a client has opened it keeps; what became of the letter is kept in either case.
    opened_letters_kept_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 90
    unopened_letters_kept_days: Annotated[int, Field(ge=0, le=MOST_DAYS)] = 0
    # Below the 30 seconds after which common proxies give up on a silent connection.
    long_poll_max_seconds: Annotated[float, Field(ge=0, le=28)] = 25.0
    # Each waiting poll occupies a thread: more of them than this would starve the letters.
    long_polls_max: Annotated[int, Field(ge=0)] = 8
    # Where a worker shows its health and its measurements, such as 0.0.0.0:9000; nowhere unless told.
    worker_bind: Annotated[str, Field(pattern=r"^$|^[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}$")] = ""
    # An OpenTelemetry collector, such as http://collector:4318; empty: nothing is traced. And how much of it: 0 to 1.
    otlp_endpoint: Annotated[str, AfterValidator(lambda url: url and _origin(url))] = ""
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
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

    def required_account_key(self) -> Path:
        """The file of the key that signs the account of disclosures. Raises `SettingError` where none is named."""
        if self.account_key_file is None:
            hint = "it names the key that signs the account of disclosures; `concord-server keys` makes one"
            raise SettingError("CONCORD_ACCOUNT_KEY_FILE: Field required", hint)
        return self.account_key_file

    def required_log_key(self) -> Path:
        """The file of the key that signs the key log. Raises `SettingError` where none is named."""
        if self.log_key_file is None:
            hint = "it names the key that signs the key log; `concord-server keys` makes one"
            raise SettingError("CONCORD_LOG_KEY_FILE: Field required", hint)
        return self.log_key_file

    def named_witnesses(self) -> list[tuple[WitnessKey, str]]:
        """Each witness of the key log, and the prefix of its addresses."""
        return [_witness(part) for part in self.witnesses.split(",") if part.strip()]


class SettingError(ValueError):
    """A setting that is wrong as a whole: its message begins with its name; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


PREFIX = "CONCORD_"
# Read elsewhere: where files with settings lie, what tests allow themselves, and the client's own, in the same shell.
_NO_SETTINGS = {"CONCORD_SECRETS_DIR", "CONCORD_HOME", "CONCORD_PASSPHRASE_FILE"}
_FOR_TESTS = "CONCORD_TEST_"


def setting_names() -> list[str]:
    """Every setting's name as a variable, in the order of the documentation."""
    return [PREFIX + name.upper() for name in Settings.model_fields if name not in ("service", "failpoints")]


def check_names(names: Iterable[str]) -> None:
    """Raises `SettingError` for the first name that begins like a setting and is none; case does not matter."""
    known = {*setting_names(), *_NO_SETTINGS, "CONCORD_FAILPOINTS"}
    for name in sorted(names):
        if (upper := name.upper()).startswith(PREFIX) and upper not in known and not upper.startswith(_FOR_TESTS):
            near = get_close_matches(upper, known, n=1)
            raise SettingError(f"{name}: no such setting", f"did you mean {near[0]}?" if near else "see .env.example")


def load_settings(service: Service) -> Settings:
    """Read the environment of one service, and arm the failpoints that a test names there.

    Raises pydantic's `ValidationError` that names what is missing, `SettingError`.
    """
    secrets = os.environ.get("CONCORD_SECRETS_DIR")
    check_names(os.environ)
    if secrets and Path(secrets).is_dir():
        check_names(path.name for path in Path(secrets).iterdir())
    settings = Settings(service=service, _secrets_dir=secrets)
    if service == "consent":
        settings.required_account_key()
    if service == "directory":
        settings.required_log_key()
    failpoints.arm(failpoints.parse(settings.failpoints))
    return settings
