"""The mirror: the tree and the index in one file, at every size that the log ever had."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from concord.errors import StoreError
from concord.key_log import mirror_file as mirror_module
from concord.key_log.mirror import Mirror, MirrorDamagedError
from concord.key_log.names import folded
from concord_formats.key_log import Binding
from concord_formats.merkle import inclusion_path, leaf_hash, root
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.client.key_log.fake_log import HARBOR, stranger

LINES: list[tuple[bytes, Binding]] = [(each.encode(), each) for each in (stranger(f"S {n}") for n in range(1100))]
LEAVES = [leaf_hash(line) for line, _ in LINES]


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "key-log.sqlite", uuid4())


def test_every_earlier_root_and_path_is_that_of_the_tree(mirror: Mirror) -> None:
    mirror.append(LINES)
    for size in (0, 1, 2, 255, 256, 257, 511, 512, 700, 1024, 1100):
        assert mirror.root(size) == root(LEAVES[:size])
    for leaf, size in ((0, 1), (0, 1100), (255, 256), (256, 1100), (1099, 1100), (300, 511)):
        assert mirror.path(leaf, size) == inclusion_path(LEAVES[:size], leaf)
        assert mirror.leaf_hash(leaf) == LEAVES[leaf]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 600), max_size=4), st.integers(0, 1100))
def test_in_whatever_pieces_it_grew_and_was_cut_the_tree_is_the_same(
    tmp_path: Path, sizes: list[int], cut: int
) -> None:
    mirror = Mirror(tmp_path / f"{uuid4()}.sqlite", uuid4())
    have = 0
    for count in sizes:
        mirror.append(LINES[have : have + count])
        have = min(have + count, len(LINES))
    mirror.truncate(min(cut, have))
    have = mirror.size
    assert mirror.root(have) == root(LEAVES[:have])
    mirror.append(LINES[have:])
    assert mirror.root(len(LINES)) == root(LEAVES)
    mirror.close()


def test_an_index_finds_accounts_and_names_up_to_a_size_and_forgets_what_is_cut(mirror: Mirror) -> None:
    mirror.append(LINES[:300])
    binding = LINES[200][1]
    [found] = mirror.bindings(binding.account, 300)
    assert (found.leaf, found.n, found.entry) == (200, 1, binding.entry)
    assert mirror.bindings(binding.account, 200) == []
    named = mirror.named(binding.account, 300)
    assert named and (named.folded, named.organization) == ("s 200", HARBOR)
    assert mirror.named(binding.account, 200) is None and mirror.like(named, 200) == []
    assert [each.leaf for each in mirror.like(named, 300)] == [200]
    mirror.truncate(200)
    assert mirror.bindings(binding.account, 200) == [] and mirror.named(binding.account, 200) is None
    for read in (mirror.bindings, mirror.named):  # what is not here is not what is not there
        with pytest.raises(MirrorDamagedError):
            read(binding.account, 201)


def test_only_its_owner_may_read_the_file(tmp_path: Path, mirror: Mirror) -> None:
    mirror.append(LINES[:1])
    assert (tmp_path / "key-log.sqlite").stat().st_mode & 0o777 == 0o600


def test_ones_own_bindings_are_kept_word_for_word_and_nobody_elses(tmp_path: Path) -> None:
    line, binding = LINES[3]
    mirror = Mirror(tmp_path / "key-log.sqlite", binding.account)
    mirror.append(LINES[:10])
    assert mirror.line(3) == line
    assert mirror.line(4) is None


def _no_database(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 400)


def test_a_name_that_looks_like_another_is_found_beside_it(mirror: Mirror) -> None:
    alike = [
        binding.model_copy(update={"name": name}) for (_, binding), name in zip(LINES, ("S 1O", "S l0"), strict=False)
    ]
    mirror.append((b"line %d" % n, each) for n, each in enumerate(alike))
    named = mirror.named(alike[0].account, 2)
    assert named and [each.folded for each in mirror.like(named, 2)] == ["s l0", "s 1o"]


def _another_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")


def _without_a_tile(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM tile WHERE level = 0 AND place = 0")


def test_a_row_that_nobody_wrote_so_is_damage(tmp_path: Path, mirror: Mirror) -> None:
    mirror.append(LINES[:10])
    account = LINES[3][1].account
    named = mirror.named(LINES[4][1].account, 10)
    assert named
    with sqlite3.connect(tmp_path / "key-log.sqlite") as db:
        db.execute("UPDATE binding SET kind = 'of tomorrow' WHERE leaf = 3")
        db.execute("UPDATE named SET account = account || account, folded = 'x' WHERE leaf = 4")
    with pytest.raises(MirrorDamagedError):
        mirror.bindings(account, 10)
    with pytest.raises(MirrorDamagedError):
        mirror.like(replace(named, folded="x"), 10)


@pytest.mark.parametrize("damage", [_no_database, _another_version, _without_a_tile])
def test_a_file_that_is_no_mirror_any_more_is_said_to_be_so_and_can_be_begun_anew(
    tmp_path: Path, mirror: Mirror, damage: Callable[[Path], Any]
) -> None:
    mirror.append(LINES[:10])
    mirror.close()
    damage(tmp_path / "key-log.sqlite")
    with pytest.raises(MirrorDamagedError):
        mirror.root(10)
    mirror.discard()
    assert mirror.size == 0


def test_a_file_that_another_process_began_anew_is_read_and_not_the_one_that_was_open(
    tmp_path: Path, mirror: Mirror
) -> None:
    mirror.append(LINES[:10])
    other = Mirror(tmp_path / "key-log.sqlite", uuid4())
    other.discard()
    other.append(LINES[:4])
    assert mirror.size == 4


def test_a_file_that_another_process_holds_is_not_thrown_away_for_it(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.append(LINES[:10])
    mirror.close()
    monkeypatch.setattr(mirror_module, "_WAIT_SECONDS", 0.0)
    with sqlite3.connect(tmp_path / "key-log.sqlite", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError):
            mirror.append(LINES[10:20])
        other.execute("ROLLBACK")
    assert mirror.size == 10


@pytest.mark.parametrize(
    "name", ["Dr. Ana  Whitfield", "dr. ana whitfield", "ＤＲ. ＡＮＡ Whitfield", "Dr. Ana Whitﬁeld"]
)
def test_spellings_of_one_name_are_one_name(name: str) -> None:
    assert folded(name) == "dr. ana whitfield"


def test_what_nobody_sees_makes_no_other_name() -> None:
    unseen = "\u00ad\u034f\u061c\u115f\u180e\u200b\u200d\u2060\u2800\u3164\ufe0f\ufeff\uffa0\U000e0041"
    for each in unseen:
        assert folded(f"Ana{each} Whit{each}field{each}") == "ana whitfield", hex(ord(each))


@pytest.mark.parametrize("turning", ["\u202e", "\u2066", "\u200f"])
def test_what_turns_the_writing_does(turning: str) -> None:
    assert folded(f"{turning}Ana Whitfield") != "ana whitfield"


def test_two_names_are_two() -> None:
    assert folded("Ana Whitfield") != folded("Anna Whitfield")


def test_several_threads_use_one_mirror_and_nothing_of_it_is_damaged(mirror: Mirror) -> None:
    """One client in two threads, or closed by another thread than the one that used it."""
    mirror.append(LINES[:300])

    def look(size: int) -> list[bytes]:
        return [mirror.root(size), *(each for leaf in range(0, size, 50) for each in mirror.path(leaf, size))]

    expected = {size: look(size) for size in (1, 200, 300)}
    with ThreadPoolExecutor(4) as threads:
        looks = [(size, threads.submit(look, size)) for _ in range(20) for size in expected]
        grown = threads.submit(mirror.append, LINES[300:301])
        assert all(found.result() == expected[size] for size, found in looks)
        grown.result()
        threads.submit(mirror.close).result()
    assert mirror.root(301) == root(LEAVES[:301])
