"""The formal model of "revoked means stopped", searched by Spin.

Owns the list of what must hold and of the errors that must be found. Refuses to pass on less than a whole search: what
holds was looked at in every state that can be reached. Every clause of the protocol has an error here that leaves
it out, so a model that would accept anything is noticed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real import NotToBeHadError, installed_program

HERE = Path(__file__).resolve().parent
LEASES, EPOCHS = "revocation.pml", "feed.pml"

# What an error breaks, as the assertion that fails.
LATE_RELEASE = "!(acked)"
LATE_WINDOW = ".late<="
SKIPPED = ".all_applied=="
LIVES_AGAIN = ".knew)"

# Twenty times the depth of the deepest run here; a search that were cut off there would say so, and fail.
DEPTH = 100_000
MEMORY_MIB = 1500
TWO = "SERVERS=2 CHANGES=1"
TWO_POINTS = f"{TWO} POINTS=2"


@dataclass(frozen=True)
class Variant:
    """A model with some of its parts and errors, and what is expected: nothing wrong, or this assertion to fail."""

    name: str
    model: str
    flags: str = ""
    fails: str = ""


HOLDS = [
    Variant("the-protocol", LEASES, "CHANGES=3"),
    Variant("with-restarts", LEASES, "RESTARTS"),
    Variant("with-longer-spans", LEASES, "RESTARTS L=3 M=2"),
    Variant("with-two-processes", LEASES, f"RESTARTS {TWO}"),
    Variant("with-two-points", LEASES, f"RESTARTS {TWO_POINTS}"),
    Variant("without-the-bus", LEASES, "NO_BUS"),
    Variant("forgetting-who-is-silent", LEASES, "FORGETTING RESTARTS"),
    Variant("at-most-one-window-late-if-stopped-before-the-write", LEASES, "WRITE_LATER LATE_WINDOWS=1"),
    Variant("at-most-one-window-late-on-sqlite", LEASES, "SQLITE RESTARTS LATE_WINDOWS=1"),
    Variant("sqlite-beside-postgresql", LEASES, f"SQLITE LATE_WINDOWS=1 {TWO_POINTS}"),
    Variant("with-a-restore", EPOCHS),
    Variant("with-two-restores", EPOCHS, "RESTORES=2 CHANGES=1"),
    Variant("with-a-restore-and-two-processes", EPOCHS, f"L=0 {TWO}"),
    Variant("with-a-restore-and-late-snapshots-of-what-is-for-ever", EPOCHS, f"STALE_SNAPSHOT L=0 {TWO}"),
    Variant("what-is-reversible-with-a-restore", EPOCHS, "REVERSIBLE"),
    Variant("what-is-reversible-with-a-restore-and-two-processes", EPOCHS, f"REVERSIBLE L=0 {TWO}"),
    Variant("with-a-restored-point", EPOCHS, "POINT_RESTORED RESTORES=0"),
    Variant("with-both-sides-restored", EPOCHS, "POINT_RESTORED CHANGES=1"),
]

HOLDS_LONG = [
    Variant("with-two-processes-and-two-changes", LEASES, "SERVERS=2 CHANGES=2"),
    Variant("with-a-restore-and-two-points", EPOCHS, f"L=0 {TWO_POINTS}"),
    Variant("with-a-restore-two-processes-and-a-longer-lease", EPOCHS, TWO),
    Variant("with-a-restore-and-a-longer-lease", EPOCHS, "L=2"),
]

VIOLATED = [
    Variant("synchronous-check", LEASES, "SYNCHRONOUS IMMEDIATE_ACK", LATE_RELEASE),
    Variant("projection-with-bounded-staleness", LEASES, "IMMEDIATE_ACK", LATE_RELEASE),
    Variant("lease-without-deadline", LEASES, "NO_DEADLINE", LATE_RELEASE),
    Variant("wait-without-the-deadline", LEASES, "SHORT_WAIT", LATE_RELEASE),
    Variant("restart-forgets-the-wait", LEASES, "RESTARTS FORGETFUL", LATE_RELEASE),
    Variant("lease-counted-from-receipt", LEASES, "FROM_RECEIPT", LATE_RELEASE),
    Variant("lease-used-before-its-number-is-applied", LEASES, "UNAPPLIED", LATE_RELEASE),
    Variant("change-applied-over-a-gap", LEASES, "GAPS", SKIPPED),
    Variant("release-after-a-gap", LEASES, "GAPS LOOK_PAST_GAPS", LATE_RELEASE),
    Variant("reported-before-applied", LEASES, "EARLY_REPORT", LATE_RELEASE),
    Variant("projector-does-not-wait-for-the-gate", LEASES, "NO_LOCK", LATE_RELEASE),
    Variant("hand-out-without-gating-again", LEASES, "UNGATED", LATE_WINDOW),
    Variant("window-written-later-than-checked", LEASES, "WRITE_LATER", LATE_WINDOW),
    Variant("no-window-late-on-sqlite", LEASES, "SQLITE", LATE_WINDOW),
    Variant("time-acknowledges-sqlite", LEASES, "SQLITE TRUST_TIME LATE_WINDOWS=1", LATE_RELEASE),
    Variant("silent-sqlite-forgotten", LEASES, "SQLITE FORGETTING LATE_WINDOWS=1", LATE_RELEASE),
    Variant("point-forgotten-too-soon", LEASES, "FORGET_POINTS", LATE_RELEASE),
    Variant("snapshot-resurrects", EPOCHS, "RESURRECT", LIVES_AGAIN),
    Variant("late-snapshot-of-what-is-reversible", EPOCHS, f"REVERSIBLE STALE_SNAPSHOT L=0 {TWO}", LATE_RELEASE),
    Variant("restore-without-epoch", EPOCHS, "NO_EPOCH", LATE_RELEASE),
    Variant("restore-without-waiting", EPOCHS, "NO_EPOCH_WAIT", LATE_RELEASE),
    Variant("wait-remembered-across-a-restore", EPOCHS, "WAIT_BY_NUMBER", LATE_RELEASE),
    Variant("restored-point-keeps-its-leases", EPOCHS, "POINT_RESTORED KEEP_LEASES", LATE_RELEASE),
    Variant("restore-that-lost-what-nobody-knew", EPOCHS, "KEEP_PROMISE", LATE_RELEASE),
]

# Each asserts that something never happens; that it fails shows that it does.
REACHED = [
    Variant("release", LEASES, "REACH_RELEASE", " 0 "),
    Variant("window", LEASES, "REACH_WINDOW", " 0 "),
    Variant("acknowledgement-by-report", LEASES, "REACH_ACK_BY_REPORT", "(waiting==0)"),
    Variant("acknowledgement-by-report-without-the-bus", LEASES, "REACH_ACK_BY_REPORT NO_BUS", "(waiting==0)"),
    Variant("acknowledgement-by-time", LEASES, "REACH_ACK_BY_TIME", ".granted"),
    Variant("release-after-a-restore", EPOCHS, "REACH_RELEASE", "(restores==0)"),
    Variant("acknowledgement-after-a-restore", EPOCHS, "REACH_ACK", "(restores==0)"),
    Variant("report-after-a-restore", EPOCHS, "REACH_ACK_BY_REPORT", "(restores==0)"),
]


def _tool(name: str) -> str:
    try:
        return installed_program(name, name)
    except NotToBeHadError:
        pytest.fail(f"{name} is missing, and the model is not searched without it; run: apt-get install spin gcc")


def _run(*command: str, within: Path) -> str:
    done = subprocess.run(command, cwd=within, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def _search(variant: Variant, folder: Path, optimise: str) -> str:
    """What Spin's verifier says of one variant."""
    flags = [f"-D{flag}" for flag in variant.flags.split()]
    shutil.copy(HERE / variant.model, folder)
    said = _run(_tool("spin"), "-a", *flags, variant.model, within=folder)
    assert "Error" not in said, said
    options = [optimise, "-w", "-DSAFETY", f"-DMEMLIM={MEMORY_MIB}"]
    _run(_tool("gcc"), *options, "-o", "pan", "pan.c", within=folder)
    return _run("./pan", f"-m{DEPTH}", "-w22", within=folder)


def _assert_whole(said: str) -> None:
    """The search saw every state, and stored each one exactly."""
    assert "Full statespace search" in said, said
    for cut_off in ("Search not completed", "max search depth too small", "out of memory", "Bit statespace"):
        assert cut_off not in said, said
    states = re.search(r"(\d+) states, stored", said)
    assert states is not None, said
    assert int(states[1]) > 5_000, said


def _assert_fails(said: str, assertion: str) -> None:
    assert "errors: 1" in said, said
    broken = re.search(r"assertion violated(.*)\(at depth", said)
    assert broken is not None, said
    assert assertion in broken[1], broken[0]


def _named(variants: list[Variant]) -> list[object]:
    return [pytest.param(variant, id=variant.name) for variant in variants]


@pytest.mark.parametrize("variant", _named(HOLDS))
def test_holds(variant: Variant, tmp_path: Path) -> None:
    """Nothing leaves after an acknowledgement, nothing is skipped, nothing lives again: in no state of any run."""
    said = _search(variant, tmp_path, "-O1")
    assert "errors: 0" in said, said
    _assert_whole(said)


@pytest.mark.long
@pytest.mark.parametrize("variant", _named(HOLDS_LONG))
def test_holds_in_larger_worlds(variant: Variant, tmp_path: Path) -> None:
    """The same, where there are millions of states."""
    said = _search(variant, tmp_path, "-O1")
    assert "errors: 0" in said, said
    _assert_whole(said)


# An error is found among few states: what an optimised verifier would save, its compilation costs thrice.
@pytest.mark.parametrize("variant", _named(VIOLATED))
def test_violated(variant: Variant, tmp_path: Path) -> None:
    """A protocol that leaves out one clause breaks the promise, and the model shows it."""
    _assert_fails(_search(variant, tmp_path, "-O0"), variant.fails)


@pytest.mark.parametrize("variant", _named(REACHED))
def test_reached(variant: Variant, tmp_path: Path) -> None:
    """The promise is not kept by doing nothing."""
    _assert_fails(_search(variant, tmp_path, "-O0"), variant.fails)


def test_every_switch_of_the_models_is_tried() -> None:
    """A part or an error of a model that no variant names would be worth nothing."""
    variants = [*HOLDS, *HOLDS_LONG, *VIOLATED, *REACHED]
    for model in (LEASES, EPOCHS):
        text = (HERE / model).read_text()
        switches = set(re.findall(r"(?:#ifn?def |defined\()(\w+)", text))
        tried = {flag.split("=")[0] for v in variants if v.model == model for flag in v.flags.split()}
        assert switches == tried


@pytest.mark.parametrize("tool", ["spin", "gcc"])
def test_a_missing_tool_fails_and_says_what_to_do(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a skip: a promise that nobody checked is not kept."""
    real = shutil.which
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # only root could install it
    monkeypatch.setattr(shutil, "which", lambda name: None if name == tool else real(name))
    with pytest.raises(pytest.fail.Exception, match="apt-get install spin gcc"):
        _search(HOLDS[0], tmp_path, "-O0")
