"""Key entries: an append-only history in which nothing comes back and nothing is said twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from concord.age import HybridIdentity
from concord.signing import HybridSigningKey
from concord_formats.key_entries import (
    MAX_DEVICES,
    MAX_ENTRY_BYTES,
    EntryKind,
    KeyEntryError,
    SignedEntry,
    follow,
    read_entries,
    read_entry,
    read_history,
)
from concord_formats.signatures import SignedKind

from tests.unit.client.people import Clinician, new_device

SPARE = str(HybridIdentity.generate().recipient())


def signed(clinician: Clinician, members: dict[str, Any] | bytes) -> SignedEntry:
    """An entry of any content, well signed by the account's identity key."""
    line = members if isinstance(members, bytes) else json.dumps(members).encode()
    return SignedEntry(line, clinician.keyring.identity_key().sign(SignedKind.KEY_ENTRY, line))


def members(entry: SignedEntry) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(entry.entry)
    return parsed


def after(clinician: Clinician, **changed: Any) -> SignedEntry:
    """A rotation after the newest entry, with some members changed (None: removed)."""
    last = members(clinician.history[-1])
    follows = {"n": last["n"] + 1, "previous": clinician.history[-1].digest, "kind": "keys-changed"}
    rotated = {"encryption": SPARE, "encryption_version": last["encryption_version"] + 1}
    whole = last | follows | rotated | changed
    return signed(clinician, {name: value for name, value in whole.items() if value is not None})


def test_a_rotation_follows(ana: Clinician) -> None:
    assert follow(ana.history[-1], after(ana)).encryption == SPARE


class TestOneEntry:
    """Reading."""

    def test_a_broken_signature_is_refused(self, ana: Clinician) -> None:
        entry = ana.history[0]
        for broken in (b"", entry.signature[:-1], bytes([entry.signature[0] ^ 1]) + entry.signature[1:]):
            with pytest.raises(KeyEntryError):
                read_entry(replace(entry, signature=broken))

    def test_an_entry_signed_by_another_identity_is_refused(self, ana: Clinician, eve: Clinician) -> None:
        with pytest.raises(KeyEntryError):
            read_entry(signed(eve, members(ana.history[0])))

    def test_a_changed_byte_is_refused(self, ana: Clinician) -> None:
        entry = ana.history[0]
        with pytest.raises(KeyEntryError):
            read_entry(replace(entry, entry=entry.entry.replace(b'"n":1', b'"n":2')))

    @pytest.mark.parametrize(
        "change",
        [
            {"v": True},
            {"n": 1.0},
            {"n": 0},
            {"account": "x"},
            {"kind": "renamed"},
            {"identity": "A" * 50},
            {"encryption": "age1" + "q" * 200},
            {"encryption_version": 0},
            {"at": "yesterday"},
            {"at": 1_700_000_000},
            {"note": 1},
        ],
    )
    def test_a_wrong_member_is_refused_however_well_signed(self, ana: Clinician, change: dict[str, Any]) -> None:
        with pytest.raises(KeyEntryError):
            read_entry(signed(ana, members(ana.history[0]) | change))

    def test_a_member_said_twice_is_refused(self, ana: Clinician) -> None:
        """Two readers could each believe another of the two."""
        twice = ana.history[0].entry[:-1] + b',"encryption":"' + SPARE.encode() + b'"}'
        with pytest.raises(KeyEntryError, match="once"):
            read_entry(signed(ana, twice))

    def test_an_entry_is_one_line_of_bounded_length(self, ana: Clinician) -> None:
        line = ana.history[0].entry
        for broken in (line + b"\n", b"{\n" + line[1:], line + b" " * MAX_ENTRY_BYTES, b""):
            with pytest.raises(KeyEntryError):
                read_entry(signed(ana, broken))

    def test_a_device_has_whole_keys(self, ana: Clinician) -> None:
        device = members(ana.history[0])["devices"][0]
        for broken in ({"signing": "A" * 60}, {"authentication": "A" * 44}, {"authentication": "A" * 42 + "B"}):
            with pytest.raises(KeyEntryError):
                read_entry(signed(ana, members(ana.history[0]) | {"devices": [device | broken]}))

    def test_a_device_and_its_keys_stand_once(self, ana: Clinician) -> None:
        device = members(ana.history[0])["devices"][0]
        other = new_device().model_dump(mode="json")
        for name in ("id", "signing", "authentication"):
            devices = [device, other | {name: device[name]}]
            with pytest.raises(KeyEntryError, match="twice"):
                read_entry(signed(ana, members(ana.history[0]) | {"devices": devices}))

    def test_devices_are_bounded(self, ana: Clinician) -> None:
        device = members(ana.history[0])["devices"][0]
        with pytest.raises(KeyEntryError):
            read_entry(signed(ana, members(ana.history[0]) | {"devices": [device] * (MAX_DEVICES + 1)}))


class TestTheFirst:
    """How a history starts."""

    @pytest.mark.parametrize(
        "change",
        [{"n": 2}, {"previous": "0" * 64}, {"kind": "keys-changed"}, {"encryption_version": 2}, {"devices": []}],
    )
    def test_it_starts_in_one_way(self, ana: Clinician, change: dict[str, Any]) -> None:
        with pytest.raises(KeyEntryError, match="starts"):
            read_history([signed(ana, members(ana.history[0]) | change)])

    def test_a_history_is_not_empty(self) -> None:
        with pytest.raises(KeyEntryError):
            read_history([])

    def test_a_history_is_bounded(self, ana: Clinician) -> None:
        with pytest.raises(KeyEntryError, match="between"):
            read_history(ana.history * 5000)


class TestFollowing:
    """How it goes on."""

    @pytest.mark.parametrize(
        "change",
        [
            {"n": 3},
            {"n": 1},
            {"previous": "0" * 64},
            {"previous": None},
            {"kind": "enrolled"},
            {"kind": "device-added"},
            {"kind": "device-revoked"},
            {"account": str(uuid4())},
            {"encryption_version": 3},
            {"encryption_version": 1},
            {"devices": []},
        ],
    )
    def test_an_entry_changes_what_its_kind_says_and_nothing_else(self, ana: Clinician, change: dict[str, Any]) -> None:
        with pytest.raises(KeyEntryError):
            follow(ana.history[-1], after(ana, **change))

    @pytest.mark.parametrize("kind", [kind for kind in EntryKind if kind is not EntryKind.RECOVERED])
    def test_only_a_recovery_changes_the_identity(self, ana: Clinician, eve: Clinician, kind: EntryKind) -> None:
        identity = {"identity": eve.keyring.identity_key().public().encode(), "kind": kind.value}
        with pytest.raises(KeyEntryError, match="identity"):
            follow(ana.history[-1], signed(eve, json.loads(after(ana).entry) | identity))

    def test_moments_do_not_run_backwards(self, ana: Clinician) -> None:
        earlier = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        with pytest.raises(KeyEntryError, match="dated"):
            follow(ana.history[-1], after(ana, at=earlier))

    @pytest.mark.parametrize("kind", [kind for kind in EntryKind if kind is not EntryKind.ENROLLED])
    def test_a_devices_keys_are_not_exchanged_under_its_id(self, ana: Clinician, kind: EntryKind) -> None:
        ana.change(add_device=new_device())
        devices = members(ana.history[-1])["devices"]
        devices[0]["signing"] = HybridSigningKey.generate().public().encode()
        with pytest.raises(KeyEntryError):
            follow(ana.history[-1], after(ana, kind=kind.value, devices=devices))


class TestNothingComesBack:
    """What two neighbours cannot show."""

    def _returning(self, ana: Clinician, again: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        lost = members(ana.history[0])["devices"][0]
        ana.change(add_device=new_device())
        ana.change(revoke_device=ana.keyring.device)
        last = members(ana.history[-1])
        back = last | {"n": 4, "previous": ana.history[-1].digest, "kind": "device-added"}
        ana.history.append(signed(ana, back | {"devices": [*last["devices"], again(lost)]}))
        follow(ana.history[-2], ana.history[-1])  # its neighbour sees nothing wrong
        with pytest.raises(KeyEntryError, match="retired"):
            read_entries(ana.history)

    def test_a_revoked_device_does_not_come_back(self, ana: Clinician) -> None:
        self._returning(ana, lambda lost: lost)

    def test_nor_under_another_id(self, ana: Clinician) -> None:
        self._returning(ana, lambda lost: new_device().model_dump(mode="json") | {"signing": lost["signing"]})

    def test_nor_its_authentication_key(self, ana: Clinician) -> None:
        key = "authentication"
        self._returning(ana, lambda lost: new_device().model_dump(mode="json") | {key: lost[key]})

    def test_nor_an_encryption_key(self, ana: Clinician) -> None:
        first = members(ana.history[0])["encryption"]
        ana.rotate()
        ana.history.append(after(ana, encryption=first))
        with pytest.raises(KeyEntryError, match="retired"):
            read_entries(ana.history)


class TestRecovery:
    """All lost: a new identity goes on where the old one ends, and takes nothing of it along."""

    def _recovered(self, ana: Clinician, new: Clinician, **changed: Any) -> SignedEntry:
        """The entry by which `new`, who has lost everything, goes on as `ana`."""
        last, own = members(ana.history[-1]), members(new.history[0])
        whole = own | {
            "account": last["account"],
            "n": last["n"] + 1,
            "previous": ana.history[-1].digest,
            "kind": "recovered",
            "encryption_version": last["encryption_version"] + 1,
            "at": datetime.now(UTC).isoformat(),
        }
        return signed(new, whole | changed)

    def test_a_recovered_entry_goes_on_under_a_new_identity(self, ana: Clinician, eve: Clinician) -> None:
        ana.change(add_device=new_device())
        ana.history.append(self._recovered(ana, eve))
        newest = read_entries(ana.history)[-1]
        assert newest.identity == eve.keyring.identity_key().public().encode()
        assert [device.id for device in newest.devices] == [eve.keyring.device]
        assert newest.encryption_version == 2

    def test_and_the_history_goes_on_after_it(self, ana: Clinician, eve: Clinician) -> None:
        ana.history.append(self._recovered(ana, eve))
        taken = Clinician(eve.keyring, ana.history)
        taken.history.append(after(taken))
        assert [entry.kind for entry in read_entries(taken.history)] == ["enrolled", "recovered", "keys-changed"]

    def test_the_new_identity_signs_it_and_not_the_old_one(self, ana: Clinician, eve: Clinician) -> None:
        line = self._recovered(ana, eve).entry
        with pytest.raises(KeyEntryError, match="signed"):
            follow(ana.history[-1], signed(ana, line))

    @pytest.mark.parametrize(
        "changed",
        [
            {"n": 1},
            {"n": 3},
            {"previous": "0" * 64},
            {"encryption_version": 1},
            {"encryption_version": 3},
            {"devices": []},
            {"account": str(uuid4())},
            {"kind": "enrolled"},
            {"kind": "keys-changed"},
            {"at": "2026-01-01T00:00:00Z"},
        ],
    )
    def test_it_follows_as_strictly_as_any_other(self, ana: Clinician, eve: Clinician, changed: dict[str, Any]) -> None:
        with pytest.raises(KeyEntryError):
            follow(ana.history[-1], self._recovered(ana, eve, **changed))

    def test_a_history_does_not_start_with_it(self, ana: Clinician, eve: Clinician) -> None:
        with pytest.raises(KeyEntryError, match="starts"):
            read_history([self._recovered(ana, eve)])

    def test_it_has_exactly_one_device(self, ana: Clinician, eve: Clinician) -> None:
        devices = [*members(eve.history[0])["devices"], new_device().model_dump(mode="json")]
        with pytest.raises(KeyEntryError, match="recovered"):
            follow(ana.history[-1], self._recovered(ana, eve, devices=devices))

    def test_the_same_identity_has_nothing_to_recover(self, ana: Clinician, noor: Clinician) -> None:
        own = json.loads(self._recovered(ana, noor).entry)
        with pytest.raises(KeyEntryError, match="recovered"):
            follow(ana.history[-1], signed(ana, own | {"identity": members(ana.history[0])["identity"]}))

    @pytest.mark.parametrize("kept", ["id", "signing", "authentication"])
    def test_nothing_of_the_lost_device_is_kept(self, ana: Clinician, eve: Clinician, kept: str) -> None:
        lost, own = members(ana.history[0])["devices"][0], members(eve.history[0])["devices"][0]
        with pytest.raises(KeyEntryError, match="recovered"):
            follow(ana.history[-1], self._recovered(ana, eve, devices=[own | {kept: lost[kept]}]))

    def test_nor_is_the_encryption_key(self, ana: Clinician, eve: Clinician) -> None:
        with pytest.raises(KeyEntryError, match="recovered"):
            follow(ana.history[-1], self._recovered(ana, eve, encryption=members(ana.history[0])["encryption"]))

    def test_nor_the_old_identity_as_the_key_of_a_device(self, ana: Clinician, eve: Clinician) -> None:
        own = members(eve.history[0])["devices"][0] | {"signing": members(ana.history[0])["identity"]}
        with pytest.raises(KeyEntryError, match="recovered"):
            follow(ana.history[-1], self._recovered(ana, eve, devices=[own]))

    def test_an_identity_that_was_replaced_does_not_come_back(self, ana: Clinician, eve: Clinician) -> None:
        ana.history.append(self._recovered(ana, eve))
        spare = Clinician()
        back = json.loads(self._recovered(Clinician(eve.keyring, ana.history), spare).entry)
        ana.history.append(signed(ana, back | {"identity": members(ana.history[0])["identity"]}))
        follow(ana.history[-2], ana.history[-1])  # its neighbour sees nothing wrong
        with pytest.raises(KeyEntryError, match="retired"):
            read_entries(ana.history)

    def test_nor_an_earlier_device(self, ana: Clinician, eve: Clinician) -> None:
        lost = members(ana.history[0])["devices"][0]
        ana.change(add_device=new_device())
        ana.change(revoke_device=ana.keyring.device)
        ana.history.append(self._recovered(ana, eve, devices=[lost]))
        follow(ana.history[-2], ana.history[-1])
        with pytest.raises(KeyEntryError, match="retired"):
            read_entries(ana.history)
