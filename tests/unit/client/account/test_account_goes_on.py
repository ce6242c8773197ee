"""What stood in the account before still stands there: against an earlier file, and against what the device saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from concord import errors
from concord.account import verify
from concord.account.pinned_log import PinnedLog
from concord.account.verify import verify_bundle
from concord.age import HybridIdentity
from concord.store import SealedStore
from concord_formats.account import ORIGIN
from concord_formats.succession import name_successor

from tests.unit.client.account.log import OTHER, TOKEN, Log, encoded, event, small_log

IDENTITY = HybridIdentity.generate()


def grown(log: Log, lines: int = 3) -> Log:
    """The same log, later."""
    later = Log(log.key, list(log.lines))
    for _ in range(lines):
        later.append(TOKEN)
        later.append(OTHER)
    return later


def rewritten(log: Log, place: int = 3) -> Log:
    """A log with the same key and another past: the line at `place` says another purpose."""
    other = grown(log)
    line = other.lines[place]
    other.lines[place] = type(line)(line.patient, line.n, line.salt, event(line.n, line.patient, purpose="payment"))
    return other


def shortened(log: Log, lines: int) -> Log:
    """The same log, with its last lines taken away."""
    return Log(log.key, log.lines[:-lines])


LOG = small_log()


def test_an_account_goes_on_from_an_earlier_export() -> None:
    assert verify(grown(LOG).export(), key=LOG.vkey, earlier=LOG.export()).goes_on is True
    assert verify(LOG.export(), earlier=LOG.export(blinded=frozenset({1, 2}))).goes_on is True
    assert verify(LOG.export()).goes_on is None


def test_a_rewritten_line_is_named() -> None:
    with pytest.raises(errors.ForkedAccountError) as caught:
        verify(rewritten(LOG).export(), earlier=LOG.export())
    assert caught.value.n == 2
    assert caught.value.members == {"n": 2}


def test_a_log_that_shrank_is_refused() -> None:
    for earlier in (LOG.export(), LOG.checkpoint().encode()):
        with pytest.raises(errors.ForkedAccountError, match="had 10 before"):
            verify(shortened(LOG, 2).export(), earlier=earlier)


def test_lines_taken_from_the_end_are_missing_even_when_the_log_grew() -> None:
    fewer = Log(LOG.key, [line for line in LOG.lines if (line.patient, line.n) != (TOKEN, 5)])
    for _ in range(4):
        fewer.append(OTHER)
    with pytest.raises(errors.LineMissingError) as caught:
        verify(fewer.export(), earlier=LOG.export())
    assert caught.value.n == 5


def test_a_log_of_the_same_size_that_says_something_else_is_refused() -> None:
    other = rewritten(LOG, place=2)
    del other.lines[10:]
    for earlier in (LOG.export(), LOG.checkpoint().encode()):
        with pytest.raises(errors.ForkedAccountError, match="something else"):
            verify(other.export(), earlier=earlier)


def test_a_bare_checkpoint_shows_less_than_an_export() -> None:
    """Of a smaller log it shows nothing, and this is said."""
    assert verify(LOG.export(), earlier=LOG.checkpoint().encode()).goes_on is True
    assert verify(LOG.export(), earlier=Log(LOG.key).checkpoint().encode()).goes_on is True
    assert verify(rewritten(LOG).export(), earlier=LOG.checkpoint().encode()).goes_on is False


def test_an_earlier_file_of_another_log_is_refused() -> None:
    with pytest.raises(errors.LogKeyChangedError):
        verify(LOG.export(), earlier=small_log().export())
    with pytest.raises(errors.CheckpointError):
        verify(LOG.export(), earlier=small_log().checkpoint().encode())


def rotated(log: Log, chain: list[str]) -> tuple[Log, list[str]]:
    """The same log, later and under a new key that the one before has named."""
    later = Log(lines=grown(log).lines)
    return later, [*chain, name_successor(log.key, ORIGIN, later.key)]


def under(log: Log, chain: list[str]) -> bytes:
    """An export with the succession of its keys."""
    return encoded(log.members() | {"succession": chain})


SECOND, ONCE = rotated(LOG, [])
THIRD, TWICE = rotated(SECOND, ONCE)


def test_exports_of_before_and_after_a_rotation_verify_against_each_other() -> None:
    now = under(THIRD, TWICE)
    for earlier in (LOG.export(), under(SECOND, ONCE), now):
        assert verify(now, earlier=earlier).goes_on is True
        assert verify(now, key=LOG.vkey, earlier=earlier).goes_on is True
    with pytest.raises(errors.ForkedAccountError):
        verify(under(rewritten(THIRD), TWICE), earlier=LOG.export())


def test_a_former_keys_checkpoint_is_the_logs_own() -> None:
    """The keys between are named in the export; the very first one the reader has to know."""
    now = under(THIRD, TWICE)
    same = Log(SECOND.key, THIRD.lines).checkpoint().encode()
    assert verify(now, earlier=same).goes_on is True
    first = Log(LOG.key, THIRD.lines).checkpoint().encode()
    assert verify(now, key=LOG.vkey, earlier=first).goes_on is True
    with pytest.raises(errors.CheckpointError):
        verify(now, earlier=first)


def test_a_key_that_does_not_lead_to_the_accounts_has_no_earlier_file() -> None:
    """Nor does a later one: a chain has one way."""
    now = under(SECOND, ONCE)
    for log in (small_log(), THIRD):
        with pytest.raises(errors.LogKeyChangedError):
            verify(now, earlier=under(log, TWICE))
        with pytest.raises(errors.CheckpointError):
            verify(now, earlier=log.checkpoint().encode())


@pytest.mark.parametrize(
    "earlier",
    [b"", b"{}", b"\xff", b"x" * 300_000, LOG.export(OTHER)],
    ids=["empty", "no members", "no text", "too long", "another patient's"],
)
def test_an_earlier_file_that_is_none_is_refused(earlier: bytes) -> None:
    with pytest.raises(errors.AccountError):
        verify(LOG.export(), earlier=earlier)


@pytest.fixture
def pinned(tmp_path: Path) -> PinnedLog:
    return PinnedLog(SealedStore(tmp_path, IDENTITY))


def check(pinned: PinnedLog, log: Log, proof_of: Log | None = None, patient: str = TOKEN) -> bool:
    """Check an export as it comes from a service whose log is `log`, which gives the proofs of `proof_of`."""

    def proof(size: int, later: int) -> Sequence[bytes]:
        return (proof_of or log).consistency(size, later)

    return pinned.check(verify_bundle(log.export(patient), pinned.key), proof)


def test_the_logs_key_is_pinned_at_first_use(pinned: PinnedLog) -> None:
    assert pinned.key is None
    assert check(pinned, LOG)
    assert pinned.key == LOG.vkey
    assert pinned.checkpoint == LOG.checkpoint()
    assert not check(pinned, grown(LOG))
    assert pinned.checkpoint == grown(LOG).checkpoint()


def test_another_key_is_refused_and_the_pin_stays(pinned: PinnedLog) -> None:
    check(pinned, LOG)
    with pytest.raises(errors.LogKeyChangedError):
        check(pinned, small_log())
    with pytest.raises(errors.LogKeyChangedError):
        pinned.check(verify_bundle(small_log().export()), LOG.consistency)
    assert pinned.key == LOG.vkey


def test_a_smaller_log_is_refused_and_the_checkpoint_stays(pinned: PinnedLog) -> None:
    check(pinned, LOG)
    with pytest.raises(errors.ForkedAccountError):
        check(pinned, shortened(LOG, 1))
    assert pinned.checkpoint == LOG.checkpoint()


def test_a_rewritten_past_is_refused_in_ones_own_lines_and_in_others(pinned: PinnedLog) -> None:
    check(pinned, LOG)
    for place in (3, 2):
        with pytest.raises(errors.ForkedAccountError, match="does not begin"):
            check(pinned, rewritten(LOG, place))
        with pytest.raises(errors.ForkedAccountError, match="does not begin"):
            check(pinned, rewritten(LOG, place), proof_of=grown(LOG))
    assert not check(pinned, grown(LOG))


def test_an_account_that_lost_or_changed_a_line_is_refused_though_the_log_only_grew(pinned: PinnedLog) -> None:
    """A keeper who appends a line of the patient once more, and shows that one in the place of the first."""
    check(pinned, LOG)
    later = grown(LOG, 0)
    later.append(TOKEN, n=5, purpose="payment")
    members = later.members()
    members["lines"] = [line for line in members["lines"] if not (line["n"] == 5 and line["index"] < 10)]
    members.update(last=5, count=later.count(TOKEN, 5, 11))
    account = verify_bundle(encoded(members), pinned.key)
    with pytest.raises(errors.ForkedAccountError, match="one of the lines 1 to 5"):
        pinned.check(account, later.consistency)
    members["lines"].pop()
    members.update(last=4, count=later.count(TOKEN, 4, 11))
    with pytest.raises(errors.LineMissingError) as caught:
        pinned.check(verify_bundle(encoded(members), pinned.key), later.consistency)
    assert caught.value.n == 5


def test_accounts_of_two_patients_are_remembered_apart(pinned: PinnedLog) -> None:
    check(pinned, LOG)
    check(pinned, grown(LOG), patient=OTHER)
    assert not check(pinned, grown(LOG))
