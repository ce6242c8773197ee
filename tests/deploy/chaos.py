"""Faults, and people who write letters all the while: what the chaos test is made of.

Owns the faults and the bookkeeping of every letter. Refuses to judge: `test_chaos.py` counts what was lost, doubled or
leaked.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from concord.client import Client
from concord.errors import ConcordError, ServiceError

from tests.deploy.composition import COMPONENTS, ComposedWorld, ComposeError, Composition
from tests.deployment import wait_for
from tests.people import People, active_consent, note

# What has a disk of its own; the others have a little room for temporary files.
IMAGES = {"postgresql": ("postgres:17", "postgres"), "rabbitmq": ("rabbitmq:4-management", "rabbitmq")}
STATEFUL = tuple(IMAGES)
DISK_BYTES = 900 * 1024 * 1024
FAULT_SECONDS = 6.0
HEAL_SECONDS = 180.0
LETTERS_A_CONSENT = 12
# A refusal that says something of the letter, and so its end.
FINAL = {400, 403, 404, 409, 410, 413, 415, 422}
T = TypeVar("T")


@contextmanager
def small_disks(folder: Path, composition: Composition) -> Iterator[None]:
    """Two mounts in memory that fill up like a disk, owned by whom the images run as. Needs root."""
    for name in STATEFUL:
        place = folder / name
        place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place], check=True)
        image, user = IMAGES[name]
        asked = ("run", "--rm", "--entrypoint", "id", image)
        ids = [composition.docker(*asked, flag, user).strip() for flag in ("-u", "-g")]
        os.chown(place, int(ids[0]), int(ids[1]))
        place.chmod(0o700)
    try:
        yield
    finally:
        for name in STATEFUL:
            subprocess.run(["umount", "--lazy", folder / name], check=False)


class Faults:
    """What may happen to a component of a deployment, for a while."""

    def __init__(self, composition: Composition, disks: Path) -> None:
        self._composition = composition
        self._disks = disks
        self.kinds: dict[str, Callable[[str], None]] = {
            "kill -9": self.kill,
            "pause": self.pause,
            "partition": self.partition,
            "full disk": self.fill,
        }

    def kill(self, component: str) -> None:
        """Its first process is gone without a word; the engine starts it again, as after a crash."""
        container = self._composition.containers(component)[0]
        first = int(self._composition.docker("inspect", "--format", "{{.State.Pid}}", container))
        assert first, f"{component} does not run"  # a signal to 0 would end whoever runs the tests
        os.kill(first, signal.SIGKILL)
        time.sleep(FAULT_SECONDS)

    def pause(self, component: str) -> None:
        """It stands still, and goes on as if nothing had been."""
        with self._composition.paused(component):
            time.sleep(FAULT_SECONDS)

    def partition(self, component: str) -> None:
        """It runs, and nobody reaches it."""
        with self._composition.cut_off(component):
            time.sleep(FAULT_SECONDS)

    def fill(self, component: str) -> None:
        """Where it writes there is no room left."""
        if component in STATEFUL:
            ballast = self._disks / component / "ballast"
            with ballast.open("wb", buffering=0) as file:
                _fill(file)
            # Whoever lives there may just have given a little back.
            assert shutil.disk_usage(ballast.parent).free < DISK_BYTES / 100
            time.sleep(FAULT_SECONDS)
            ballast.unlink()
            return
        within = ("exec", "-T", component, "sh", "-c")
        self._composition.compose(*within, "cat /dev/zero >/tmp/ballast 2>/dev/null || true")
        time.sleep(FAULT_SECONDS)
        self._composition.compose(*within, "rm -f /tmp/ballast")


def _fill(file: io.FileIO) -> None:
    with suppress(OSError):
        while file.write(bytes(1 << 20)):
            pass


@dataclass
class Book:
    """What the clients saw: which letters were accepted, which refused for good, which are still open."""

    accepted: set[UUID] = field(default_factory=set)
    refused: set[UUID] = field(default_factory=set)
    leaked: list[UUID] = field(default_factory=list)
    revoked: dict[UUID, float] = field(default_factory=dict)
    errors: int = 0
    # What nobody saw: a service asked for a moment's patience, and the client asked again by itself.
    waits: int = 0
    # What was answered in the end, and had to wait for half of a fault or longer.
    slow: int = 0
    longest: float = 0.0

    @property
    def felt(self) -> int:
        """How often a fault was noticed, by a person or by a client."""
        return self.errors + self.waits + self.slow


class Writer:
    """A physician who writes to a psychologist under one consent after the other, and revokes each.

    After each acknowledged revocation they try once more, and the psychologist tries to read what they had not read:
    either would be a leak.
    """

    def __init__(self, world: ComposedWorld, book: Book) -> None:
        people = world.people
        self._people = People(
            world.again(people.physician, world.transport()),
            world.again(people.psychologist, world.transport()),
            people.practices,
        )
        self._book = book
        for person in (self._people.physician, self._people.psychologist):
            person.transport._wait = self._patient
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(HEAL_SECONDS)
        if self._failure is not None:
            raise self._failure
        assert not self._thread.is_alive(), "a writer never got through again"

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._cycle()
        except BaseException as failure:  # it is raised where the test sees it
            self._failure = failure

    def _cycle(self) -> None:
        consent = self._until(lambda: active_consent(self._people)).id
        letters = [self._send(consent) for _ in range(LETTERS_A_CONSENT)]
        self._until(lambda: _read(self._people.psychologist, next((each for each in letters if each), None)))
        self._until(lambda: self._people.physician.consents.revoke(consent))
        self._book.revoked[consent] = time.time()
        self._try_after(consent, [each for each in letters if each])

    def _send(self, consent: UUID) -> UUID | None:
        letter = self._until(lambda: self._people.physician.letters.seal(note(consent)))
        while True:
            began = time.monotonic()
            try:
                self._people.physician.letters.resend(letter)
            except ServiceError as error:
                if error.status in FINAL:
                    self._book.refused.add(letter)
                    return None
                self._again(began)
            except ConcordError:
                self._again(began)
            else:
                self._book.accepted.add(letter)
                self._answered(began)
                return letter

    def _try_after(self, consent: UUID, letters: list[UUID]) -> None:
        """What must not work any more, tried once: an error of the way there is no leak."""
        try:
            sent = self._people.physician.letters.send(note(consent))
        except ConcordError:
            pass
        else:
            self._book.accepted.add(sent.letter)
            if sent.answer["state"] == "released":
                self._book.leaked.append(sent.letter)
        for letter in letters[1:3]:
            try:
                _read(self._people.psychologist, letter)
            except ConcordError:
                continue
            self._book.leaked.append(letter)

    def _until(self, act: Callable[[], T]) -> T:
        """Do something, again and again until it works: what a person does whose network comes and goes."""
        while True:
            began = time.monotonic()
            try:
                done = act()
            except (ConcordError, TimeoutError):
                self._again(began)
            else:
                self._answered(began)
                return done

    def _patient(self, seconds: float) -> None:
        """What the client does between asking and asking again; a fault that only this shows was felt all the same."""
        self._book.waits += 1
        time.sleep(seconds)

    def _answered(self, began: float) -> None:
        self._book.slow += time.monotonic() - began > FAULT_SECONDS / 2

    def _again(self, began: float) -> None:
        self._book.errors += 1
        self._book.longest = max(self._book.longest, time.monotonic() - began)
        time.sleep(0.2)


def _read(reader: Client, letter: UUID | None) -> None:
    if letter is not None:
        reader.letters.open(letter, io.BytesIO())


def healed(composition: Composition) -> float:
    """Wait until every component passes its own health check; how long the slowest took, in seconds.

    The check is made here and now: what the engine last noted may be from before the fault.
    """
    began = time.monotonic()
    for component in COMPONENTS:
        wait_for(lambda c=component: _healthy(composition, c), HEAL_SECONDS, component, composition.state)  # type: ignore[misc]
    return time.monotonic() - began


def _healthy(composition: Composition, component: str) -> bool:
    try:
        container = composition.containers(component)[0]
        told = composition.docker("inspect", "--format", "{{json .Config.Healthcheck.Test}}", container)
        kind, *words = json.loads(told)
        composition.docker("exec", container, *(words if kind == "CMD" else ("sh", "-c", *words)))
    except ComposeError:
        return False
    return True
