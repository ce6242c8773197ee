"""What the story leaves behind: an account that proves itself, a directory that is caught, servers that know no name.

Owns the last steps of the story. Refuses to take a service's word for them: each is checked from outside.
"""

from __future__ import annotations

import json
import time
from collections import Counter

from concord.account import verify
from concord.account.accounts import Fetched
from concord.client import Client
from concord.errors import LineMissingError, SwappedKeyError

from .stage import Stage
from .telling import Telling

# Of the whole story: 4 released, 3 handed out, 3 opened; refused are 3 letters, and the opening of one.
LINES = 14


class Afterwards:
    """What the physician, another office and the patient can see for themselves once the story is over."""

    def __init__(self, stage: Stage, telling: Telling, physician: Client, office: Client) -> None:
        self.stage = stage
        self.say = telling
        self.physician = physician
        self.office = office

    def account(self) -> None:
        """What was disclosed, numbered and signed; a line that is taken out is missed."""
        self.say.step("The account of disclosures, checked on the physician's own machine against the signed log.")
        fetched = self._account_of(LINES)
        counts = Counter(line.event.kind for line in fetched.account.lines if line.event)
        self.say.tell(", ".join(f"{count} {event}" for event, count in sorted(counts.items())))
        self.say.expect(len(fetched.account.lines) == LINES, f"all {LINES} lines verify, none is missing")
        self.say.expect(
            fetched.account.blinded == 1, "one is Dr. Haddad's refused answer: proven, and not Dr. Whitfield's to read"
        )
        whole = json.loads(fetched.raw)
        del whole["lines"][1]
        try:
            verify(json.dumps(whole).encode())
            self.say.expect(False, "a line that is taken out is missed")
        except LineMissingError as missed:
            self.say.tell(missed.message)
            self.say.expect(True, "a line that is taken out is missed")

    def swap_a_key(self, psychologist: Client) -> None:
        """A directory that hands out a key of its own is caught by somebody who never met the key's owner."""
        self.say.step("The directory turns against its users: for Dr. Haddad it hands out a key of its own.")
        told = "an office that never met her is told so at once: every client has read the same log of all keys"
        try:
            self.stage.lied_to(self.office, psychologist.practitioner).colleagues.keys(psychologist.practitioner)
            self.say.expect(False, told)
        except SwappedKeyError as caught:
            self.say.tell(f"{caught.message[:1].upper()}{caught.message[1:]}. {caught.hint}")
            self.say.expect(True, told)

    def look_for_the_patient(self, patient: dict[str, str]) -> None:
        """What the servers hold: searched for name, birth date and a diagnosis."""
        self.say.step(
            "At last, a search through everything the servers wrote, for the patient's name, birth date and diagnosis."
        )
        content = b"".join(path.read_bytes() for path in self.stage.folder.rglob("server*/**/*") if path.is_file())
        content += (self.stage.folder / "server.log").read_bytes()
        for what, word in patient.items():
            forms = (
                word.encode(),
                word.encode("utf-16-le"),
                json.dumps(word)[1:-1].encode(),
                word.encode().hex().encode(),
            )
            self.say.expect(
                not any(form in content for form in forms), f"{what}: not there ({len(content) / 1e6:.1f} MB)"
            )

    def _account_of(self, lines: int) -> Fetched:
        """The account once it has so many lines: it follows what happened within moments."""
        end = time.monotonic() + 30
        while True:
            fetched = self.physician.accounts.fetch("blue-heron")
            if len(fetched.account.lines) >= lines:
                return fetched
            if time.monotonic() > end:
                raise TimeoutError("the account does not follow")
            time.sleep(0.1)
