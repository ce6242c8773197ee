"""Letters that go all the time while something happens to a deployment.

Owns their sending, the count of what became of each, and whether each arrived once. Refuses to try anything again: what
the client does not mend by itself is a failure that people would have seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from concord.errors import ConcordError

from tests.deployment import wait_for
from tests.people import People, note

SECONDS = 120.0


class Traffic:
    """Somebody who sends letters all the time, and counts what became of them."""

    def __init__(self, people: People, consent: UUID) -> None:
        self.people = people
        self.consent = consent
        self.accepted: list[UUID] = []
        self.failed: list[str] = []
        self.released = 0
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Traffic]:
        thread = threading.Thread(target=self._send)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(SECONDS)

    def _send(self) -> None:
        while not self._stop.is_set():
            try:
                sent = self.people.physician.letters.send(note(self.consent))
                self.accepted.append(sent.letter)
                self.released += sent.answer["state"] == "released"
            except ConcordError as error:
                self.failed.append(getattr(error, "type", type(error).__name__))
                time.sleep(0.1)


def inbox(people: People) -> list[UUID]:
    """Every letter of the psychologist's inbox, through to its end."""
    found: list[UUID] = []
    after: str | None = None
    while True:
        entries, after = people.psychologist.letters.inbox(after=after)
        if not entries:
            return found
        found += [entry.letter for entry in entries]


def delivered_once(people: People, letters: list[UUID]) -> None:
    """Each of these letters stands in the inbox, and stands there once."""
    wait_for(lambda: set(letters) <= set(inbox(people)), SECONDS, "every accepted letter to be delivered")
    there = inbox(people)
    assert [letter for letter in letters if there.count(letter) != 1] == []
