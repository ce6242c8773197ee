"""What can be wrong with an account of disclosures.

Owns one error for each thing that a verification can find. Refuses to say what a line is about.
"""

from __future__ import annotations

from typing import Any

from .base import ConcordError


class AccountError(ConcordError):
    """An account of disclosures does not verify: an edit, an omission, or a damaged file."""

    hint_by_default = "Do not rely on this account. Keep the file, export anew, and tell the service's operator."


class MalformedAccountError(AccountError):
    """A file is not the account, checkpoint or key that it should be; `element` is the path of what is wrong."""

    hint_by_default = "Is this the right file, and did all of it arrive? Export it anew: concord account export"

    def __init__(self, message: str, element: str = "") -> None:
        super().__init__(f"{element}: {message}" if element else message, element=element)
        self.element = element


class LogKeyChangedError(AccountError):
    """The account's log is under another key than the one that was pinned or given."""

    hint_by_default = "Ask the service's operator, by telephone, whether the log's key was changed, and why."


class CheckpointError(AccountError):
    """The log's checkpoint is malformed, of another log, or not signed by the log's key."""


class CountError(AccountError):
    """How many lines the account has is not what the log's key signed for this patient and this checkpoint."""


class ForkedAccountError(AccountError):
    """The account does not go on from what stood there before: the log shrank, or its past was rewritten."""

    hint_by_default = "Keep both files: together they show that the past was rewritten. Tell the service's operator."

    def __init__(self, message: str, n: int | None = None) -> None:
        members: dict[str, Any] = {} if n is None else {"n": n}
        super().__init__(message, **members)
        self.n = n


class AccountLineError(AccountError):
    """One line of an account is wrong; `n` is its number."""

    said = "does not verify"

    def __init__(self, n: int, detail: str = "") -> None:
        super().__init__(f"line {n} {self.said}" + (f": {detail}" if detail else ""), n=n)
        self.n = n


class LineMissingError(AccountLineError):
    """A line that the signed count has is not there."""

    said = "is missing"


class LineRepeatedError(AccountLineError):
    """A line is there twice."""

    said = "is there twice"


class LineMisplacedError(AccountLineError):
    """A line stands before one that it should follow, in the file or in the log."""

    said = "is not in its place"


class LineChangedError(AccountLineError):
    """A line's event, salt, place or proof is not what stands in the log, or it is another account's line."""

    said = "was changed"
