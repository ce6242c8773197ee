"""What can be wrong with a running service, looked at one by one.

Owns the finding and the order of the checks. Refuses to mend anything, and to stop at the first trouble: a check that
fails in a way nobody foresaw is a finding like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Finding:
    """One check and what it found; `mend` is what to do about it when it is not well, a command where there is one."""

    check: str
    ok: bool
    detail: str
    mend: str = ""

    def __str__(self) -> str:
        """For people: a line, and a second one that says what to do."""
        mend = f"\n       do: {self.mend}" if self.mend and not self.ok else ""
        return f"{'ok' if self.ok else 'WRONG':6} {self.check}: {self.detail}{mend}"

    def shown(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self) | ({"mend": ""} if self.ok else {})


Check = Callable[[], Iterable[Finding]]


def examine(checks: Sequence[tuple[str, Check]]) -> Iterator[Finding]:
    """Every finding of every check."""
    for name, check in checks:
        try:
            yield from list(check())
        except Exception as error:  # a doctor must not fall over what it examines
            yield Finding(name, False, f"could not be looked at ({type(error).__name__})", "see the findings above it")
