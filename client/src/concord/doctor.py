"""What can be wrong with an installation, looked at one by one.

Owns the checks behind `concord doctor`. Refuses to mend anything, and to ask for the passphrase: every check works on
a locked device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cryptography
import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from .errors import NotEnrolledError
from .profile import Profile


@dataclass(frozen=True)
class Finding:
    """One check and what it found."""

    check: str
    ok: bool
    detail: str


def examine(profile: Profile, *, transport: httpx.BaseTransport | None = None) -> list[Finding]:
    """Every check, in the order in which a person would mend what fails."""
    findings = [
        _algorithm("ML-KEM-768 (sealing)", MLKEM768PrivateKey.generate),
        _algorithm("ML-DSA-65 (signatures)", MLDSA65PrivateKey.generate),
        _home(profile),
    ]
    if profile.enrolled:
        base_url = profile.load().base_url
        findings += [_service(base_url, name, transport) for name in ("directory", "consent", "messaging")]
    return findings


def _algorithm(name: str, generate: Callable[[], object]) -> Finding:
    try:
        generate()
    except UnsupportedAlgorithm:
        detail = (
            f"cryptography {cryptography.__version__} was built without it; install the wheel from the package index"
        )
        return Finding(name, False, detail)
    return Finding(name, True, f"cryptography {cryptography.__version__}")


def _home(profile: Profile) -> Finding:
    try:
        settings = profile.load()
    except NotEnrolledError as error:
        return Finding("enrolment", False, error.hint)
    if profile.home.stat().st_mode & 0o077:
        return Finding("home folder", False, f"others can look into {profile.home}; run: chmod 700 {profile.home}")
    return Finding("home folder", True, f"{profile.home}, enrolled at {settings.base_url}")


def _service(base_url: str, name: str, transport: httpx.BaseTransport | None) -> Finding:
    try:
        with httpx.Client(transport=transport, timeout=5) as http:
            status = http.get(f"{base_url}/{name}/readyz").status_code
    except httpx.TransportError as error:
        return Finding(name, False, f"{base_url} does not answer ({type(error).__name__})")
    return Finding(name, status == 200, "ready" if status == 200 else f"answers, but is not ready ({status})")
