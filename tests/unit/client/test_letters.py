"""Handing a sealed letter over: what is kept of it when the service refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from concord.errors import ServiceError
from concord.letters import Letters
from concord.own_keys import OwnKeys
from concord.profile import Profile
from concord.store import LetterBox

from tests.unit.client.people import Clinician, write_letter


class Refusing:
    """A messaging service that refuses every letter with one problem."""

    def __init__(self, status: int, type_: str) -> None:
        self._problem = (status, type_)

    def put(self, letter: UUID, pieces: Callable[[], Iterator[bytes]]) -> dict[str, Any]:
        assert b"".join(pieces())
        raise ServiceError(*self._problem, "refused")


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = Profile(tmp_path)
    made.create()
    return made


def refused(profile: Profile, ana: Clinician, noor: Clinician, box: Path, status: int, type_: str) -> UUID:
    """A letter that lay in `box` and was handed over in vain; its id."""
    body, sealed = write_letter(ana, noor)
    letter = sealed.statement.letter
    with LetterBox(box).writing(letter) as target:
        target.write(body)
    api, nobody = cast(Any, Refusing(status, type_)), cast(Any, None)
    letters = Letters(api, nobody, nobody, profile, OwnKeys(ana.keyring))
    with pytest.raises(ServiceError):
        letters.resend(letter)
    return letter


def kept(profile: Profile, letter: UUID) -> tuple[bool, bool]:
    """Whether it is among the outgoing ones, and among those sent or received."""
    return letter in LetterBox(profile.outgoing), letter in LetterBox(profile.letters)


@pytest.mark.parametrize(
    ("status", "type_", "expected"),
    [
        (403, "consent-revoked", (False, False)),
        (429, "too-many-requests", (True, False)),
        (503, "gate-closed", (True, False)),
        (410, "letter-deleted", (False, True)),
        (302, "about:blank", (True, False)),  # a portal that wants a sign-in
        (403, "about:blank", (True, False)),  # a proxy's page
        (404, "about:blank", (True, False)),
        (407, "about:blank", (True, False)),
    ],
)
def test_a_letter_that_waits_is_dropped_when_it_is_refused_for_good_and_kept_when_it_had_arrived(
    profile: Profile, ana: Clinician, noor: Clinician, status: int, type_: str, expected: tuple[bool, bool]
) -> None:
    assert kept(profile, refused(profile, ana, noor, profile.outgoing, status, type_)) == expected


@pytest.mark.parametrize(("status", "type_"), [(410, "letter-deleted"), (409, "letter-id-taken")])
def test_a_letter_that_was_sent_stays_whatever_is_answered_when_it_is_sent_again(
    profile: Profile, ana: Clinician, noor: Clinician, status: int, type_: str
) -> None:
    assert kept(profile, refused(profile, ana, noor, profile.letters, status, type_)) == (False, True)
