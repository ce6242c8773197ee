"""Wrong tries on one's backup are told to its owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from concord.errors import MalformedBackupError
from concord.recovery import Watch

from tests.unit.client.recovery.made import NOW, Owner


@pytest.fixture
def watch(owner: Owner) -> Watch:
    """Of the first device, with a backup at the directory."""
    owner.upkeep.keep()
    owner.directory.asked.clear()
    return Watch(owner.api(), owner.store, clock=lambda: owner.now)


def test_nothing_is_told_when_nothing_happened(watch: Watch, owner: Owner) -> None:
    assert watch.look() is None
    assert owner.directory.asked == ["GET /backup"]


def test_wrong_tries_are_told_with_their_number_and_the_last_ones_moment(watch: Watch, owner: Owner) -> None:
    owner.directory.failed = 3
    tried = watch.look()
    assert tried is not None
    assert (tried.failed, tried.last_failed_at, tried.used_at) == (3, NOW, None)


def test_the_directory_is_asked_once_an_hour(watch: Watch, owner: Owner) -> None:
    owner.directory.failed = 3
    assert watch.look()
    owner.now += 3599
    assert watch.look() is None
    owner.now += 1
    assert watch.look()
    assert owner.directory.asked == ["GET /backup"] * 2


def test_a_directory_that_does_not_answer_is_not_asked_again_at_once(watch: Watch, owner: Owner) -> None:
    owner.directory.refusing = (500, "internal")
    with pytest.raises(Exception, match="refused"):
        watch.look()
    assert watch.look() is None


def test_what_was_acknowledged_is_told_no_more(watch: Watch, owner: Owner) -> None:
    owner.directory.failed = 3
    watch.acknowledge()
    assert watch.look() is None


def test_a_code_that_was_used_is_told_once(watch: Watch, owner: Owner) -> None:
    owner.directory.used_at = NOW.isoformat()
    tried = watch.look()
    assert tried is not None and tried.used_at == NOW
    owner.now += 3600
    assert watch.look() is None


def test_a_code_that_was_used_again_is_told_again(watch: Watch, owner: Owner) -> None:
    owner.directory.used_at = NOW.isoformat()
    watch.look()
    owner.directory.used_at = (NOW + timedelta(minutes=1)).isoformat()
    owner.now += 3600
    assert watch.look()


def test_the_device_that_used_the_code_is_not_told_of_itself(watch: Watch, owner: Owner) -> None:
    owner.directory.used_at = NOW.isoformat()
    watch.used_here()
    assert watch.look() is None


@pytest.mark.parametrize("answer", [None, [], {}, {"generation": "x"}, {"generation": 1, "stored_at": "yesterday"}])
def test_an_answer_that_cannot_be_read_is_told_as_such(watch: Watch, owner: Owner, answer: object) -> None:
    owner.directory._stored = lambda: (200, answer)  # type: ignore[method-assign]
    with pytest.raises(MalformedBackupError):
        watch.look()


def test_without_a_backup_there_is_nothing_to_tell(owner: Owner) -> None:
    assert Watch(owner.api(), owner.store, clock=lambda: owner.now).look() is None
