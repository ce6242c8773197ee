"""The key log: a leaf for each entry, in its transaction; tiles that make the root; entries for those signed in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from concord_formats import merkle
from concord_formats.key_entries import EntryKind
from concord_formats.key_log import Binding, BindingKind, read_binding
from concord_formats.notes import Checkpoint
from concord_formats.tiles import Tile, decode_bundle, entries_path, range_hash, tile_hashes, tiles_of
from pydantic import ValidationError
from sqlalchemy import delete, insert, text
from sqlalchemy.exc import DBAPIError

from services.chassis import failpoints
from services.directory import checkpoints, key_log, models
from services.directory.key_tree import TREE, AlteredKeyLogError
from tests.unit.directory.account import Account, TestDevice, body_of, read_code
from tests.unit.directory.grown_log import checkpoint, grown, leaves
from tests.unit.directory.house import House, Person, problem


def bindings(house: House) -> list[Binding]:
    return [read_binding(data) for data in leaves(house)]


def append(person: Person, entry: Any) -> Any:
    return person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(entry))


def test_each_entry_is_bound_in_the_order_in_which_it_was_recorded(house: House) -> None:
    ada = house.administrator()
    pia = house.practitioner(ada, npi="1234567893")
    assert append(ada, ada.account.rotating()).status_code == 201
    found = bindings(house)
    assert [(each.account, each.n, each.kind) for each in found] == [
        (ada.id, 1, "enrolled"),
        (pia.id, 1, "enrolled"),
        (ada.id, 2, "keys-changed"),
    ]
    assert [each.entry for each in found] == [
        ada.account.entries[0].digest,
        pia.account.entries[0].digest,
        ada.account.entries[1].digest,
    ]
    assert (found[1].name, found[1].npi, found[1].organization, found[1].role) == (
        "Pia Practice",
        "1234567893",
        ada.organization,
        "practitioner",
    )
    assert found[2].name is None
    assert found[2].at == house.clock.now()


def test_a_history_names_the_leaf_of_each_entry(house: House) -> None:
    ada = house.administrator()
    pia = house.practitioner(ada)
    append(ada, ada.account.adding(TestDevice()))
    shown = [pia.request("GET", f"/v1/practitioners/{each.id}/keys").get_json()["bindings"] for each in (ada, pia)]
    assert shown == [[0, 2], [1]]


def test_the_checkpoint_is_never_behind_the_history(house: House) -> None:
    assert checkpoint(house) == Checkpoint(house.log_key.verifier.name, 0, merkle.EMPTY_ROOT)
    ada = house.administrator()
    house.practitioner(ada)
    said = checkpoint(house)
    assert said == Checkpoint("concord.test/directory/log", 2, merkle.root(list(map(merkle.leaf_hash, leaves(house)))))


def test_an_entry_and_its_leaf_stand_together_or_not_at_all(house: House) -> None:
    ada = house.administrator()
    ada.sign_in()
    before = checkpoint(house)
    entry = ada.account.rotating()
    failpoints.arm({"key_log.after_append": "raise"})
    try:
        assert append(ada, entry).status_code == 500
    finally:
        failpoints.disarm()
    assert (checkpoint(house), len(leaves(house))) == (before, 1)
    assert append(ada, entry).status_code == 201
    assert checkpoint(house).size == 2


def test_an_entry_that_is_refused_leaves_no_leaf(house: House) -> None:
    ada = house.administrator()
    taken = TestDevice()
    pia = house.practitioner(ada)
    append(pia, pia.account.adding(taken))
    before = checkpoint(house)
    assert problem(append(ada, ada.account.adding(taken))) == (409, "key-entry-conflict")
    assert checkpoint(house) == before


def test_the_entry_that_was_told_before_is_not_logged_twice(house: House) -> None:
    ada = house.administrator()
    entry = ada.account.rotating()
    assert [append(ada, entry).status_code for _ in range(2)] == [201, 201]
    assert len(leaves(house)) == 2


def test_a_log_of_six_hundred_leaves_is_given_out_right_at_the_borders_of_its_tiles(house: House) -> None:
    ada = house.administrator()
    ada.sign_in()
    done = 1
    for size in (255, 256, 257, 512, 600):
        grown(house, size - done)
        done = size
        said = checkpoint(house)
        assert said.size == size
        hashes = list(map(merkle.leaf_hash, leaves(house)))
        fetched = {each: house.client.get(f"/log/tile/{each.path}") for each in tiles_of(size)}
        assert {answer.status_code for answer in fetched.values()} == {200}
        read = {each: tile_hashes(answer.data, each.width) for each, answer in fetched.items()}
        assert [h for each in tiles_of(size) if each.level == 0 for h in read[each]] == hashes
        assert range_hash(0, size, size, read.__getitem__) == said.root == merkle.root(hashes)
    paths = [entries_path(0), entries_path(1), entries_path(2, 88)]
    told = [ada.request("GET", f"/log/tile/entries/{path}") for path in paths]
    found = [decode_bundle(answer.data, width) for answer, width in zip(told, (256, 256, 88), strict=True)]
    assert [entry for bundle in found for entry in bundle] == leaves(house)
    # What an earlier checkpoint ended with is still given out, and is the same.
    assert house.client.get(f"/log/tile/{Tile(0, 1, 1).path}").data == hashes[256]
    assert house.client.get(f"/log/tile/{Tile(1, 0, 1).path}").data == merkle.root(hashes[:256])


UNREACHED = ["0/000", "0/000.p/3", "0/001.p/1", "1/000.p/1", "8/x999/x999/x999/x999/x999/x999/999"]
NO_TILES = ["0/000.p/0", "0/000.p/256", "0/0", "64/000", "0/x000/000", "-1/000", "0/000.p/2/", "0/000.p/02", "entries"]


def test_a_tile_that_no_checkpoint_has_reached_is_not_given_out(house: House) -> None:
    grown(house, 2)
    for path in UNREACHED + NO_TILES:
        assert problem(house.client.get(f"/log/tile/{path}")) == (404, "not-found"), path
    assert house.client.get("/log/tile/0/000.p/2").status_code == 200


def test_a_bundle_that_no_checkpoint_has_reached_is_not_given_out(house: House) -> None:
    ada = house.administrator()
    for path in ("000", "000.p/3", "000.p/x", "x000/000", "001.p/1"):
        assert problem(ada.request("GET", f"/log/tile/entries/{path}")) == (404, "not-found"), path
    assert len(decode_bundle(ada.request("GET", "/log/tile/entries/000.p/1").data, 1)) == 1


def test_who_is_in_the_log_is_told_to_nobody_who_is_not_signed_in(house: House) -> None:
    house.administrator()
    assert problem(house.client.get("/log/tile/entries/000.p/1")) == (401, "unauthenticated")
    assert problem(house.client.get("/log/tile/entries/../entries/000.p/1")) in {
        (401, "unauthenticated"),
        (404, "not-found"),
    }
    for path in ("/log/checkpoint", "/log/tile/0/000.p/1", "/log/key"):
        assert b"Ada" not in house.client.get(path).data


def test_what_never_changes_is_kept_by_caches_and_the_checkpoint_is_not(house: House) -> None:
    ada = house.administrator()
    kept = [house.client.get("/log/tile/0/000.p/1"), ada.request("GET", "/log/tile/entries/000.p/1")]
    assert [answer.headers["Cache-Control"] for answer in kept] == [
        "public, max-age=31536000, immutable",
        "private, max-age=31536000, immutable",
    ]
    assert {answer.content_type for answer in kept} == {"application/octet-stream"}
    newest = house.client.get("/log/checkpoint")
    assert (newest.headers["Cache-Control"], newest.content_type) == ("no-store", "text/plain; charset=utf-8")


def test_the_key_is_shown_with_the_name_of_the_log(house: House) -> None:
    shown = house.client.get("/log/key").get_json()
    assert shown == {
        "origin": "concord.test/directory/log",
        "key": house.log_key.verifier.encode(),
        "succession": [],
        "witnesses": [],
    }


def test_a_recovery_is_logged_before_its_entry_and_takes_no_place_in_the_history(house: House) -> None:
    ada = house.administrator()
    entry, now = "ab" * 32, house.clock.now()
    told = {"account": ada.id, "n": 2, "entry_digest": entry, "at": now}
    attested = ["01" * 32, "02" * 32]
    with house.database.transaction() as session:
        record = lambda **more: key_log.record(house.deps, session, **(told | more))  # noqa: E731
        places = [
            record(kind=BindingKind.RECOVERY_ANNOUNCED, effective_from=now, attestations=attested),
            record(kind=BindingKind.RECOVERY_REFUSED),
            record(kind=BindingKind.RECOVERY_ANNOUNCED, effective_from=now, attestations=attested),
            record(kind=BindingKind.RECOVERED, attestations=attested[::-1]),
        ]
    assert places == [1, 2, 3, 4]
    found = bindings(house)[1:]
    assert [each.name for each in found] == ["Ada Admin", None, "Ada Admin", "Ada Admin"]
    assert found[3].attestations == found[2].attestations == tuple(attested), "in one order"
    assert key_log.places(house.deps, ada.id, 1) == [0]
    assert key_log.places(house.deps, ada.id, 2) == [0, 4]


def test_a_binding_without_what_its_kind_takes_is_not_logged(house: House) -> None:
    ada = house.administrator()
    before = checkpoint(house)
    with pytest.raises(ValidationError), house.database.transaction() as session:
        at, kind = house.clock.now(), BindingKind.RECOVERED
        key_log.record(house.deps, session, account=ada.id, n=2, kind=kind, entry_digest="ab" * 32, at=at)
    assert checkpoint(house) == before


def recorded_without_a_leaf(house: House, person: Person, entry: Any, minutes: int = 0) -> None:
    """What a process of the version before this one did."""
    with house.database.transaction() as session:
        values = {"practitioner_id": person.id, "n": len(person.account.entries), "entry": entry.entry}
        values |= {"signature": entry.signature, "recorded_at": house.clock.now() + timedelta(minutes=minutes)}
        session.execute(insert(models.KeyEntryRow).values(values))


def test_what_an_earlier_version_recorded_is_logged_when_it_is_asked_for(house: House) -> None:
    ada = house.administrator()
    recorded_without_a_leaf(house, ada, ada.account.rotating())
    shown = ada.request("GET", f"/v1/practitioners/{ada.id}/keys").get_json()
    assert (len(shown["entries"]), shown["bindings"]) == (2, [0, 1])
    assert checkpoint(house).size == 2
    assert key_log.log_late(house.deps) == 0


def test_what_an_earlier_version_recorded_stands_before_what_follows_it(house: House) -> None:
    ada = house.administrator()
    for minutes in (0, -1):  # its clock was set back: numbers rule
        recorded_without_a_leaf(house, ada, ada.account.rotating(), minutes)
    append(ada, ada.account.rotating())
    assert [each.n for each in bindings(house)] == [1, 2, 3, 4]
    pia = house.practitioner(ada)
    for entry in (pia.account.rotating(), ada.account.rotating()):
        recorded_without_a_leaf(house, pia if entry is pia.account.entries[-1] else ada, entry)
    assert key_log.log_late(house.deps) == 2
    assert {(each.account, each.n) for each in bindings(house)[5:]} == {(pia.id, 2), (ada.id, 5)}
    assert checkpoint(house).size == 7


@pytest.mark.parametrize("statement", ["UPDATE key_leaf SET n = n", "DELETE FROM key_leaf"])
def test_the_database_itself_keeps_the_leaves(house: House, statement: str) -> None:
    house.administrator()
    with pytest.raises(DBAPIError, match="never changed"), house.database.engine.begin() as connection:
        connection.execute(text(statement))


def test_a_tree_that_was_changed_behind_its_back_is_not_signed(house: House) -> None:
    """Whoever holds the database, and not the key, would else have the log contradict itself."""
    ada = house.administrator()
    with house.database.transaction() as session:
        session.execute(text("UPDATE key_log SET peaks = zeroblob(32)"))
    with pytest.raises(AlteredKeyLogError):
        checkpoints.renew(house.deps)
    with house.database.transaction() as session:  # a log that was cut short, and grows again
        session.execute(text("UPDATE key_log SET size = 0, peaks = zeroblob(0)"))
        session.execute(delete(models.KeyNodeRow))
    assert problem(append(ada, ada.account.rotating())) == (500, "key-log-altered")
    assert len(leaves(house)) == 1


def test_a_log_that_was_cut_short_is_not_said_to_be_so_long_now(house: House) -> None:
    """Its end would else be kept from whoever sees it for the first time, under a new date."""
    grown(house, 2)
    first = merkle.leaf_hash(leaves(house)[0])
    with house.database.transaction() as session:
        row = session.get_one(models.KeyLogRow, 1)
        row.size, row.peaks = 1, first
    with pytest.raises(AlteredKeyLogError):
        checkpoints.renew(house.deps)


def test_a_tile_or_bundle_that_is_not_whole_is_given_to_no_cache(house: House) -> None:
    ada = house.administrator()
    grown(house, 256)
    with house.database.transaction() as session:
        session.execute(delete(models.KeyNodeRow).where(models.KeyNodeRow.level == 8))
        session.execute(text("DROP TRIGGER key_leaf_no_delete"))
        session.execute(delete(models.KeyLeafRow).where(models.KeyLeafRow.place == 7))
    paths = ["1/000.p/1", "0/000", "0/000.p/8"]
    lost = [house.client.get(f"/log/tile/{path}") for path in paths]
    lost += [ada.request("GET", f"/log/tile/entries/{path}") for path in ("000", "000.p/8")]
    for answer in lost:
        assert problem(answer) == (500, "key-log-altered")
        assert answer.headers["Cache-Control"] == "no-store"
    assert house.client.get("/log/tile/0/000.p/7").status_code == 200


def test_an_invitation_is_in_no_log(house: House) -> None:
    ada = house.administrator()
    made = ada.invites("Pia Practice")
    assert len(leaves(house)) == 1
    secret, account = read_code(made.code)["secret"], Account(made.practitioner)
    body = {"practitioner": str(account.id), "secret": secret} | body_of(account.first_entry(TestDevice()))
    assert [house.client.post("/v1/enrolments", json=body).status_code for _ in range(2)] == [201, 201]
    assert [each.account for each in bindings(house)] == [ada.id, account.id]


def test_a_proof_of_consistency_is_made_between_any_two_sizes(house: House) -> None:
    grown(house, 20)
    hashes = list(map(merkle.leaf_hash, leaves(house)))
    with house.database.transaction() as session:
        for size in range(21):
            assert TREE.consistency(session, size, 20) == merkle.consistency_path(hashes, size)


def test_every_kind_of_key_entry_is_a_kind_of_binding() -> None:
    assert {BindingKind(kind) for kind in EntryKind} == {kind for kind in BindingKind if kind.records_entry}
