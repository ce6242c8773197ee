"""Where the story goes.

Owns what a listener is told. Refuses to know who listens.
"""

from __future__ import annotations

from typing import Protocol


class Telling(Protocol):
    """Where the story goes."""

    def step(self, text: str) -> None:
        """A new step."""

    def tell(self, text: str) -> None:
        """What happened in it."""

    def expect(self, came_out: bool, text: str) -> None:
        """What should have happened, with whether it did."""
