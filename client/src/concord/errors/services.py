"""What a service refused, or that none answered.

Owns the reading of problem documents (RFC 9457). Refuses to guess: an answer that is none keeps its status.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..hints import HINTS
from .base import ConcordError

PROBLEM_PREFIX = "urn:concord:problem:"


class ServiceError(ConcordError):
    """A service refused. `type` is the problem's name (`consent-revoked`), `status` the HTTP status.

    `members` are the other members of the problem document (RFC 9457), such as `refusals`.
    """

    def __init__(
        self, status: int, type_: str, message: str, *, retry_after: str | None = None, **members: Any
    ) -> None:
        hint = f"Try again in {retry_after} seconds." if retry_after else HINTS.get(type_, "")
        super().__init__(message, hint, **{**members, "type": type_, "status": status})
        self.status = status
        self.type = type_
        self.retry_after = retry_after

    @classmethod
    def from_response(cls, status: int, members: Mapping[str, Any], headers: Mapping[str, str]) -> ServiceError:
        """Read a problem document, or whatever a proxy in between answered."""
        problem = dict(members)
        # RFC 6749 answers of the token endpoint name the error differently.
        type_ = _type(problem.pop("type", None), problem.get("error"))
        title = problem.pop("title", None) or problem.get("error_description")
        message = str(problem.pop("detail", None) or title or f"the service answered {status}")
        rest = {name: value for name, value in problem.items() if name not in _RESERVED}
        return cls(status, type_, message, retry_after=headers.get("Retry-After"), **rest)

    @classmethod
    def unreadable(cls, status: int = 200) -> ServiceError:
        """What was answered holds not what it should: an old or a hostile service, or a portal in between."""
        error = cls(status, _NO_TYPE, "the service's answer cannot be read")
        error.hint = "Is this the right address, and is Concord up to date on this device?"
        return error

    @property
    def by_concord(self) -> bool:
        """Whether a service of ours said so, rather than a proxy or a portal in between."""
        return self.type != _NO_TYPE

    @classmethod
    def not_enrolled(cls) -> ServiceError:
        """What a service would answer to somebody without a device."""
        return cls(401, "not-enrolled", "this needs an enrolled device")


# RFC 9457, section 4.2.1: a problem that is no more than its status.
_NO_TYPE = "about:blank"
_RESERVED = {"status", "type_", "message", "retry_after", "hint", "self", "as_json"}


def _type(type_: object, error: object) -> str:
    """A problem's name, if it is one of ours, or an error code of OAuth 2.0, or none."""
    if type_ is None and isinstance(error, str):
        return error
    name = str(type_)
    return name.removeprefix(PROBLEM_PREFIX) if name.startswith(PROBLEM_PREFIX) else _NO_TYPE


class UnreachableError(ConcordError):
    """A service did not answer."""

    def __init__(self, base_url: str, reason: str) -> None:
        super().__init__(
            f"{base_url} does not answer ({reason})",
            "Check the network and try again. A letter that was sealed is kept: concord resend",
            base_url=base_url,
        )


class EnrolmentError(ConcordError):
    """Something about the enrolment of this device."""


class InvitationError(EnrolmentError):
    """The text is no invitation that can be used."""

    hint_by_default = "Copy the whole line that your administrator gave you, or ask for a new one."


class NotInvitedError(EnrolmentError):
    """Somebody cannot be invited as asked (`field`)."""

    hint_by_default = "Mend what is named, and invite again: concord admin invite"


class SingleSignOnError(EnrolmentError):
    """The organization's single sign-on did not confirm this device (`reason`)."""

    hint_by_default = "Do it again, and sign on as yourself. Your keys are kept; if it stays, ask your administrator."


class NotEnrolledError(EnrolmentError):
    """Nobody is enrolled in this home folder."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"nobody is enrolled in {home}", "Enrol with your invitation: concord enroll")


class AlreadyEnrolledError(EnrolmentError):
    """Somebody is enrolled in this home folder already."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"somebody is enrolled in {home} already", "Choose another folder with --home, or use this one."
        )
