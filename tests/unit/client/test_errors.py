"""Errors: each says what to do, and carries nothing it should not."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from concord import errors
from concord.errors import ConcordError, ServiceError

ARGUMENTS: dict[type[ConcordError], tuple[Any, ...]] = {
    errors.StatementMismatchError: ("consent",),
    errors.FormError: ("patient_name", "is empty"),
    errors.WrongPassphraseError: (),
    errors.PassphraseNeededError: (),
    errors.UnreachableError: ("https://concord.example", "ConnectError"),
    errors.NotEnrolledError: (Path("home"),),
    errors.AlreadyEnrolledError: (Path("home"),),
    errors.NoRecipientError: (uuid4(),),
    errors.NoRecoveryCodeError: (),
    errors.TooManyRecipientsError: (50, 20),
    errors.LabelsLeftOutError: (("substance-use",),),
    errors.RecoveredKeysError: (uuid4(), 2, datetime.now(UTC), (uuid4(), uuid4())),
    errors.RevocationPendingError: (uuid4(),),
    errors.NotDelegatedError: (uuid4(), "nothing was given to you"),
    errors.ServiceError: (403, "consent-revoked", "The consent was revoked."),
}
CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, ConcordError)]
# A service's answer says itself what to do; the others are the trunks of the tree, which are not raised.
WITHOUT_HINT = {ConcordError, ServiceError, errors.PinError, errors.EnrolmentError}


@pytest.mark.parametrize("error", CLASSES, ids=lambda each: each.__name__)
def test_every_error_says_what_to_do(error: type[ConcordError]) -> None:
    raised = error(*ARGUMENTS.get(error, ("what happened",)))
    assert raised.message
    assert str(raised) == raised.message
    assert raised.hint or error in WITHOUT_HINT


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    """Every class stands in the drawing, below its parent."""
    drawing = errors.__doc__ or ""
    depth: dict[str, int] = {}
    parents: dict[str, str] = {}
    for line in drawing.splitlines():
        name = next((word for word in line.replace("│", " ").split() if word.endswith("Error")), None)
        if name and ("──" in line or name == "ConcordError"):
            depth[name] = line.index(name)
            above = [each for each in depth if depth[each] < depth[name]]
            parents[name] = above[-1] if above else "Exception"
    assert parents == {each.__name__: each.__mro__[1].__name__ for each in CLASSES}


def test_a_problem_document_becomes_an_error() -> None:
    members = {
        "type": "urn:concord:problem:label-not-covered",
        "title": "Not covered",
        "detail": "The consent does not cover part-2.",
        "status": 403,
        "refusals": [{"recipient": "x", "reason": "label-not-covered"}],
        "hint": "theirs",
    }
    error = ServiceError.from_response(403, members, {})
    assert (error.type, error.status, error.message) == ("label-not-covered", 403, "The consent does not cover part-2.")
    assert error.members["refusals"] == members["refusals"]
    assert error.retry_after is None


def test_a_refused_sign_in_becomes_an_error() -> None:
    """The token endpoint speaks RFC 6749."""
    error = ServiceError.from_response(401, {"error": "invalid_client", "error_description": "Suspended."}, {})
    assert (error.type, error.message) == ("invalid_client", "Suspended.")


def test_an_answer_that_is_no_problem_becomes_an_error() -> None:
    error = ServiceError.from_response(502, {}, {"Retry-After": "3"})
    assert (error.type, error.message) == ("about:blank", "the service answered 502")
    assert error.hint == "Try again in 3 seconds."


@pytest.mark.parametrize(
    "members", [{}, {"type": "about:blank"}, {"type": "https://portal.example/login"}, {"type": 7}]
)
def test_what_a_proxy_says_is_not_taken_for_ours(members: dict[str, object]) -> None:
    error = ServiceError.from_response(403, members, {})
    assert (error.type, error.by_concord) == ("about:blank", False)


@pytest.mark.parametrize("name", ["status", "type_", "message", "retry_after", "self", "hint", "type"])
def test_no_member_of_an_answer_breaks_the_error(name: str) -> None:
    assert ServiceError.from_response(400, {name: "x"}, {}).status == 400
