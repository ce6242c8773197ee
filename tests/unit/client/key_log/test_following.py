"""Following the log: what leads on from what was pinned, and every way in which a log can fail to."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from concord import errors
from concord.api.key_log import KeyLogApi
from concord.key_log.checkpoints import MAX_AGE_SECONDS, read_checkpoint, witnessed
from concord.key_log.log import KeyLog
from concord.key_log.pinned import Witnessed
from concord.store import SealedStore
from concord_formats.cosignatures import WitnessKey, cosign, with_signatures
from concord_formats.key_log import origin
from concord_formats.merkle import leaf_hash, root
from concord_formats.notes import Checkpoint, sign_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.client.key_log.fake_log import BASE_URL, FakeLog, Town, stranger
from tests.unit.client.people import Clinician


@pytest.fixture
def log(town: Town, ana: Clinician) -> KeyLog:
    """Ana's view, pinned."""
    made = town.key_log(ana)
    made.refresh()
    return made


def again(log: KeyLog) -> None:
    log.refresh(within=0)


def kinds(log: KeyLog) -> list[str]:
    return [alarm.kind for alarm in log.alarms()]


class TestWhatLeadsOn:
    def test_the_first_sync_reads_all_of_it_and_pins_its_root(self, town: Town, ana: Clinician) -> None:
        town.fill(1000)
        log = town.key_log(ana)
        pinned = log.refresh()
        leaves = [leaf_hash(line) for line in town.log.lines]
        assert (pinned.checkpoint.size, pinned.checkpoint.root) == (1002, root(leaves))
        assert town.log.asked["bundle"] == 4

    def test_while_nothing_was_added_nothing_but_the_checkpoint_is_asked_for(self, town: Town, log: KeyLog) -> None:
        town.log.asked.clear()
        again(log)
        again(log)
        assert town.log.asked == {"checkpoint": 2}

    def test_within_one_command_it_is_asked_once(self, town: Town, log: KeyLog) -> None:
        town.log.asked.clear()
        for _ in range(5):
            log.refresh()
        assert not town.log.asked

    def test_only_the_bundles_with_something_new_are_fetched(self, town: Town, log: KeyLog) -> None:
        town.fill(600)
        again(log)
        town.log.asked.clear()
        town.fill(1)
        again(log)
        assert town.log.asked["bundle"] == 1
        assert log.pinned.checkpoint.size == 603

    def test_a_partial_bundle_that_is_gone_is_read_from_the_whole_one(self, town: Town, ana: Clinician) -> None:
        town.fill(300)
        asked: list[tuple[int, int]] = []

        class OnlyWhole(KeyLogApi):
            def __init__(self) -> None: ...

            def _bundle(self, index: int, width: int) -> Sequence[bytes]:
                asked.append((index, width))
                if width < 256:
                    raise errors.ServiceError(404, "not-found", "gone")
                return town.log.lines[index * 256 : index * 256 + 256]

        assert OnlyWhole().bundle(0, 7) == town.log.lines[:7]
        assert asked == [(0, 7), (0, 256)]

    def test_the_log_may_hand_its_key_on(self, town: Town, log: KeyLog) -> None:
        town.log.rotate_key()
        town.log.rotate_key()
        town.fill(3)
        again(log)
        assert log.pinned.keys[-1] == town.log.verifier
        assert len(log.pinned.keys) == 3

    def test_a_new_client_goes_on_from_what_is_pinned_and_kept(self, town: Town, log: KeyLog, ana: Clinician) -> None:
        log.close()
        town.log.asked.clear()
        assert town.key_log(ana).refresh().checkpoint.size == 2
        assert town.log.asked["bundle"] == 0


class TestWhatDoesNot:
    def test_a_log_that_shrank(self, town: Town, log: KeyLog) -> None:
        town.log.shown = 1
        with pytest.raises(errors.RolledBackLogError):
            again(log)
        [alarm] = log.alarms()
        assert alarm.blocks and alarm.evidence["seen"] != alarm.evidence["shown"]
        with pytest.raises(errors.RolledBackLogError):
            log.may_seal()

    def test_a_log_of_the_same_size_and_another_root(self, town: Town, log: KeyLog, ana: Clinician) -> None:
        other = town.log.forked()
        other.lines[1] = stranger("Mallory").encode()
        split = town.key_log(ana, other)
        with pytest.raises(errors.ForkedLogError):
            again(split)
        assert kinds(split) == ["forked-log"]

    def test_a_larger_log_that_does_not_begin_with_the_one_seen(self, town: Town, log: KeyLog, ana: Clinician) -> None:
        other = town.log.forked()
        other.lines[1] = stranger("Mallory").encode()
        other.lines += [stranger("Another").encode()]
        split = town.key_log(ana, other)
        with pytest.raises(errors.ForkedLogError):
            again(split)
        again(log)  # and what was pinned still leads on

    def test_a_fork_is_one_alarm_however_often_it_is_seen(self, town: Town, log: KeyLog, ana: Clinician) -> None:
        other = town.log.forked()
        other.lines[0] = stranger("Mallory").encode()
        split = town.key_log(ana, other)
        for _ in range(3):
            other.lines.append(stranger("Another").encode())
            with pytest.raises(errors.ForkedLogError):
                again(split)
        assert kinds(split) == ["forked-log"]

    def test_bindings_that_are_not_those_that_were_signed(self, town: Town, log: KeyLog) -> None:
        """A bundle with another binding than the root has."""
        town.fill(5)
        honest = town.log.bundle
        town.log.bundle = lambda index, width: [*honest(index, width)[:-1], stranger("Mallory").encode()]  # type: ignore[method-assign]
        with pytest.raises(errors.ForkedLogError):
            again(log)
        town.log.bundle = honest  # type: ignore[method-assign]
        again(log)
        assert log.pinned.checkpoint.size == 7

    def test_a_log_signed_by_another_key(self, town: Town, log: KeyLog) -> None:
        town.log.signing = Ed25519PrivateKey.generate()
        with pytest.raises(errors.LogKeyError) as refused:
            again(log)
        assert "concord log trust" in refused.value.hint
        assert kinds(log) == ["log-key"]

    def test_a_key_that_has_handed_on_signs_no_more(self, town: Town, log: KeyLog) -> None:
        """Whoever stole it could go on with a log of their own."""
        former = town.log.signing
        town.log.rotate_key()
        again(log)
        town.log.signing = former
        with pytest.raises(errors.LogKeyError):
            again(log)

    def test_a_key_that_another_key_named(self, town: Town, log: KeyLog) -> None:
        impostor = FakeLog(lines=town.log.lines)
        impostor.rotate_key()
        town.log.signing, town.log.succession = impostor.signing, impostor.succession
        with pytest.raises(errors.LogKeyError):
            again(log)

    def test_the_log_of_another_directory(self, town: Town, ana: Clinician) -> None:
        town.log.base_url = "https://elsewhere.example"
        with pytest.raises(errors.LogKeyError):
            town.key_log(ana).refresh()
        assert origin(BASE_URL) != origin("https://elsewhere.example")

    @pytest.mark.parametrize("note", ["", "no note\n", "a\n0\nAA==\n\n— a AAAAAAAA\n"])
    def test_a_checkpoint_that_is_none(self, town: Town, log: KeyLog, note: str) -> None:
        town.log.checkpoint = lambda: note  # type: ignore[method-assign]
        with pytest.raises(errors.LogKeyError):
            again(log)

    def test_a_log_of_a_size_that_none_has_is_not_read_until_the_disk_is_full(
        self, town: Town, log: KeyLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        town.log.asked.clear()
        endless = Checkpoint(town.log.name, 2**62, bytes(32)).encode()
        clock = cosign(endless, town.log.name, town.log.signing, int(time.time()))
        note = with_signatures(sign_note(endless, town.log.name, town.log.signing), [clock])
        monkeypatch.setattr(town.log, "checkpoint", lambda: note)
        with pytest.raises(errors.MalformedLogError):
            again(log)
        assert not town.log.asked

    def test_a_binding_that_cannot_be_read(self, town: Town, log: KeyLog) -> None:
        town.log.lines.append(b'{"v": 2}')
        with pytest.raises(errors.MalformedLogError):
            again(log)


class TestClocks:
    def test_a_log_that_stands_still(self, town: Town, log: KeyLog) -> None:
        town.log.clock = time.time() - MAX_AGE_SECONDS - 60
        with pytest.raises(errors.StalledLogError) as refused:
            again(log)
        assert "clock" in refused.value.hint
        assert kinds(log) == ["stalled-log"]

    def test_a_log_that_goes_on_after_it_stood_still_is_followed_again(self, town: Town, log: KeyLog) -> None:
        """Nothing was sealed meanwhile; what is left is something to look at."""
        town.log.clock = time.time() - MAX_AGE_SECONDS - 60
        with pytest.raises(errors.StalledLogError):
            again(log)
        town.log.clock = None
        again(log)
        log.may_seal()
        assert [alarm.open for alarm in log.alarms()] == [True]

    def test_a_log_of_the_future_hints_at_this_machines_clock(self, town: Town, log: KeyLog) -> None:
        town.log.clock = time.time() + 3600
        with pytest.raises(errors.StalledLogError) as refused:
            again(log)
        assert "ahead" in refused.value.message and refused.value.hint.startswith("Check the clock")

    def test_a_clock_that_jumps_a_little_is_none_of_it(self, town: Town, ana: Clinician) -> None:
        for jump in (-300, 300):
            again(town.key_log(ana, clock=lambda jump=jump: time.time() + jump))

    def test_a_log_that_shrank_is_that_first_however_old_its_checkpoint(self, town: Town, log: KeyLog) -> None:
        town.log.shown, town.log.clock = 1, time.time() - 86400
        with pytest.raises(errors.RolledBackLogError):
            again(log)


class TestWitnesses:
    @pytest.fixture
    def keys(self, town: Town, log: KeyLog) -> list[Ed25519PrivateKey]:
        """Ana asks for two witnesses."""
        made = [Ed25519PrivateKey.generate() for _ in range(2)]
        with log.sealed.changing() as change:
            change.set(witnesses=tuple(WitnessKey.of(f"w{n}.example", key) for n, key in enumerate(made)))
        return made

    def test_all_of_them_have_to_have_cosigned(self, town: Town, log: KeyLog, keys: list[Ed25519PrivateKey]) -> None:
        town.log.witnesses = {"w0.example": keys[0]}
        with pytest.raises(errors.WitnessMissingError):
            again(log)
        town.log.witnesses = {"w0.example": keys[0], "w1.example": keys[1]}
        again(log)

    def test_one_of_two_will_do_where_the_person_said_so(
        self, town: Town, log: KeyLog, keys: list[Ed25519PrivateKey]
    ) -> None:
        with log.sealed.changing() as change:
            change.set(threshold=1)
        town.log.witnesses = {"w1.example": keys[1]}
        again(log)

    def test_of_the_last_checkpoint_that_was_witnessed_the_one_who_came_last_counts(
        self, town: Town, log: KeyLog, keys: list[Ed25519PrivateKey]
    ) -> None:
        """Two were asked for: when both had seen it, not when the second one did."""
        times = [int(time.time()) - 100, int(time.time()) - 300]
        note = town.log.note()
        text = note.rpartition("\n\n")[0] + "\n"
        lines = [cosign(text, f"w{n}.example", key, at) for n, (key, at) in enumerate(zip(keys, times, strict=True))]
        signed = read_checkpoint(with_signatures(note, lines), [town.log.verifier])
        pinned = log.sealed.read()
        found = witnessed(signed, pinned, time.time())
        assert found == Witnessed(2, times[1])
        alone = read_checkpoint(note, [town.log.verifier])
        assert witnessed(alone, replace(pinned, witnessed=found), times[1] + 600) == found
        for before, now in ((found, times[1] + 601), (Witnessed(3, times[1]), times[1])):
            with pytest.raises(errors.WitnessMissingError):
                witnessed(alone, replace(pinned, witnessed=before), now)

    def test_a_cosignature_by_another_key_of_the_same_name_is_none(
        self, town: Town, log: KeyLog, keys: list[Ed25519PrivateKey]
    ) -> None:
        town.log.witnesses = {"w0.example": keys[0], "w1.example": keys[0]}
        with pytest.raises(errors.WitnessMissingError):
            again(log)

    def test_an_old_cosignature_is_none_however_often_the_log_renews_its_own(
        self, town: Town, log: KeyLog, keys: list[Ed25519PrivateKey], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever has the log's key could hold it still for one person for ever."""
        text = town.log.note().rpartition("\n\n")[0] + "\n"
        old = [cosign(text, f"w{n}.example", key, int(time.time()) - 700) for n, key in enumerate(keys)]
        monkeypatch.setattr(town.log, "checkpoint", lambda: with_signatures(town.log.note(), old))
        with pytest.raises(errors.WitnessMissingError):
            again(log)

    def test_a_checkpoint_of_this_minute_may_wait_for_its_witnesses(
        self, town: Town, log: KeyLog, keys: list[Ed25519PrivateKey], ana: Clinician
    ) -> None:
        """A binding is in the log at once; its cosignatures come a minute later, and not ten."""
        town.log.witnesses = {"w0.example": keys[0], "w1.example": keys[1]}
        again(log)
        town.log.witnesses = {}
        town.fill(1)
        again(log)
        assert log.pinned.checkpoint.size == 3
        town.log.clock = time.time() + 700  # and here it has passed
        later = town.key_log(ana, clock=lambda: time.time() + 700)
        with pytest.raises(errors.WitnessMissingError):
            again(later)


class TestTheMirror:
    def test_one_that_was_deleted_is_read_anew(self, town: Town, log: KeyLog, ana: Clinician) -> None:
        town.fill(300)
        again(log)
        log.close()
        (town.folder / str(ana.id) / "key-log.sqlite").unlink()
        fresh = town.key_log(ana)
        again(fresh)
        assert fresh.mirror.root(302) == log.pinned.checkpoint.root

    @pytest.mark.parametrize("place", [0, 4096, -2000])
    def test_one_that_was_damaged_is_read_anew(self, town: Town, log: KeyLog, ana: Clinician, place: int) -> None:
        town.fill(300)
        again(log)
        log.close()
        path = town.folder / str(ana.id) / "key-log.sqlite"
        raw = bytearray(path.read_bytes())
        raw[place : place + 1500 or None] = bytes(1500)
        path.write_bytes(raw[: len(path.read_bytes())])
        fresh = town.key_log(ana)
        again(fresh)
        assert fresh.mirror.root(302) == log.pinned.checkpoint.root

    def test_one_that_was_exchanged_for_that_of_another_log_is_read_anew(
        self, town: Town, log: KeyLog, ana: Clinician
    ) -> None:
        other = FakeLog(lines=[stranger(f"M {n}").encode() for n in range(2)])
        log.mirror.discard()
        log.mirror.append([(line, stranger("x")) for line in other.lines])
        fresh = town.key_log(ana)
        again(fresh)
        assert fresh.mirror.root(2) == log.pinned.checkpoint.root

    def test_a_directory_that_lies_to_a_mirror_that_was_deleted_is_caught(
        self, town: Town, log: KeyLog, ana: Clinician
    ) -> None:
        """What is pinned is sealed, and says which log it was."""
        other = town.log.forked()
        other.lines = [stranger(f"M {n}").encode() for n in range(9)]
        log.mirror.discard()
        split = town.key_log(ana, other)
        with pytest.raises(errors.ForkedLogError):
            again(split)

    def test_a_sync_that_was_interrupted_goes_on_where_it_was(self, town: Town, ana: Clinician) -> None:
        town.fill(256 * 40)
        honest = town.log.bundle

        def broken(index: int, width: int) -> Sequence[bytes]:
            if index == 33:
                raise errors.UnreachableError(BASE_URL, "ReadError")
            return honest(index, width)

        town.log.bundle = broken  # type: ignore[method-assign]
        with pytest.raises(errors.UnreachableError):
            town.key_log(ana).refresh()
        town.log.bundle = honest  # type: ignore[method-assign]
        town.log.asked.clear()
        town.fill(1)
        log = town.key_log(ana)
        assert log.refresh().checkpoint.size == 256 * 40 + 3
        assert town.log.asked["bundle"] == 41 - 32

    def test_what_an_interrupted_sync_left_of_a_lie_is_read_again(
        self, town: Town, log: KeyLog, ana: Clinician
    ) -> None:
        lies = [stranger(f"Lie {n}") for n in range(3)]
        log.mirror.append((lie.encode(), lie) for lie in lies)
        town.fill(10)
        again(log)
        assert log.mirror.root(12) == log.pinned.checkpoint.root

    def test_what_it_left_is_not_taken_for_a_log_that_has_just_that_size(
        self, town: Town, log: KeyLog, ana: Clinician
    ) -> None:
        """The directory breaks off in the middle of a lie, and then tells the truth about so many bindings."""
        honest, lies = town.log.bundle, [stranger(f"Lie {n}").encode() for n in range(256 * 20)]

        def lying(index: int, width: int) -> Sequence[bytes]:
            if index == 16:
                raise errors.UnreachableError(BASE_URL, "ReadError")
            return [*town.log.lines[:2], *lies][index * 256 : index * 256 + width]

        town.fill(256 * 16 - 2)
        truth = list(town.log.lines)
        town.fill(256)
        town.log.bundle = lying  # type: ignore[method-assign]
        with pytest.raises(errors.UnreachableError):
            again(log)
        town.log.lines, town.log.bundle = truth, honest  # type: ignore[method-assign]
        again(log)
        assert log.mirror.root(256 * 16) == log.pinned.checkpoint.root

    def test_two_processes_at_once_lose_nothing(self, town: Town, ana: Clinician) -> None:
        town.fill(2000)
        views = [town.key_log(ana) for _ in range(4)]
        failed: list[BaseException] = []

        def run(view: KeyLog) -> None:
            try:
                for _ in range(3):
                    again(view)
                view.close()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(view,)) for view in views]
        for thread in threads:
            thread.start()
        for _ in range(20):
            town.fill(1)
        for thread in threads:
            thread.join()
        assert not failed
        last = town.key_log(ana)
        again(last)
        assert last.mirror.root(2022) == last.pinned.checkpoint.root


class TestAPerson:
    def test_may_acknowledge_an_alarm_and_seal_again(self, town: Town, log: KeyLog) -> None:
        town.log.shown = 1
        with pytest.raises(errors.RolledBackLogError):
            again(log)
        town.log.shown = None
        again(log)
        with pytest.raises(errors.RolledBackLogError) as refused:
            log.may_seal()
        [alarm] = log.alarms()
        assert alarm.id in refused.value.hint
        assert log.acknowledge(alarm.id).acknowledged_at
        log.may_seal()
        with pytest.raises(KeyError):
            log.acknowledge("00000000")

    def test_may_trust_a_key_and_its_log_after_a_call(self, town: Town, log: KeyLog) -> None:
        """A directory was restored from a backup, with a log that is shorter."""
        town.log.shown = 1
        with pytest.raises(errors.RolledBackLogError):
            again(log)
        log.trust(town.log.verifier)
        again(log)
        assert log.pinned.checkpoint.size == 1
        assert kinds(log) == ["rolled-back-log"]

    def test_may_read_all_of_it_anew(self, town: Town, log: KeyLog) -> None:
        town.fill(300)
        town.log.asked.clear()
        assert log.verify().checkpoint.size == 302
        assert town.log.asked["bundle"] == 2


def test_what_another_version_pinned_is_an_error_that_says_so(log: KeyLog, town: Town, ana: Clinician) -> None:
    with SealedStore(log.sealed._store._directory, ana.keyring.store_identity()).changing("key-log") as members:
        members["alarms"] = [{"kind": "of tomorrow"}]
    with pytest.raises(errors.StoreError, match="key log"):
        town.key_log(ana).alarms()


def test_what_is_pinned_survives_the_store(log: KeyLog, tmp_path: Path) -> None:
    with log.sealed.changing() as change:
        before = change.pinned
        change.set(threshold=1)
    found: Any = log.sealed.read()
    assert found == replace(before, threshold=1)
