"""`make demo`: the first letter, told as it happens.

Owns the telling. Refuses to say that a step came out unless it did: every line below a step is what the services
answered, and the exit status is 0 only when all of it came out as told.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from .stage import Stage
from .story import Story

_console = Console(soft_wrap=True, highlight=False)


class Teller:
    """Prints the story, and keeps count of what did not come out as told."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self._number = 0

    def step(self, text: str) -> None:
        """A new step."""
        self._number += 1
        _console.print(f"\n{self._number:2}. {text}", style="bold", markup=False)

    def tell(self, text: str) -> None:
        """What happened in it."""
        _console.print(f"    {text}", markup=False)

    def expect(self, came_out: bool, text: str) -> None:
        """What should have happened, with whether it did."""
        _console.print(
            f"    {'✓' if came_out else '✗ NOT AS TOLD:'} {text}", markup=False, style="" if came_out else "red"
        )
        if not came_out:
            self.failures.append(text)


def main() -> int:
    """Tell the story; 0 when every step came out as told."""
    folder = Path(tempfile.mkdtemp(prefix="concord-demo-"))
    teller = Teller()
    started = time.monotonic()
    with Stage(folder) as stage:
        Story(stage, teller).tell()
    shutil.rmtree(folder)  # after a failure it stays, with the log of the services
    seconds = time.monotonic() - started
    if teller.failures:
        _console.print(f"\n{len(teller.failures)} steps did not come out as told.", style="red")
        return 1
    _console.print(f"\nEvery step came out as told, in {seconds:.0f} seconds.", style="bold green")
    return 0


if __name__ == "__main__":
    sys.exit(main())
