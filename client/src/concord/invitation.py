"""Reading an invitation: one line of text that an administrator gave.

Owns the format of the code (`spec/http.md`). Refuses anything that is not whole; the secret in it is used once and
kept nowhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import UUID

import httpx
from concord_formats.signatures import SignatureError, from_base64url

from .errors import InvitationError

PREFIX = "concord-invitation:"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class InvitationCode:
    """Where to enrol, as whom, and the secret that allows it once."""

    base_url: str
    practitioner: UUID
    secret: str = field(repr=False)


def read_invitation(text: str) -> InvitationCode:
    """Read the code.

    Raises `InvitationError` when it is not one, or would send keys over plain HTTP to another machine.
    """
    line = "".join(text.split())  # a mail program may have wrapped it
    if not line.startswith(PREFIX):
        raise InvitationError(f"an invitation starts with {PREFIX}")
    try:
        members = json.loads(from_base64url(line.removeprefix(PREFIX)))
        code = InvitationCode(str(members["base_url"]), UUID(members["practitioner"]), str(members["secret"]))
    except (SignatureError, ValueError, KeyError, TypeError):
        raise InvitationError("the invitation is damaged") from None
    if not is_private_way(code.base_url):
        raise InvitationError("the invitation names an address that is not https")
    return code


def is_private_way(base_url: str) -> bool:
    """Whether what is sent to this address is for its server alone: over TLS, or without leaving this machine."""
    try:
        origin = httpx.URL(base_url)  # as the transport reads it: two readers could see two hosts
        host = origin.host
    except (ValueError, httpx.InvalidURL):
        return False
    return (origin.scheme == "https" and host != "") or (origin.scheme == "http" and host in _LOOPBACK)
