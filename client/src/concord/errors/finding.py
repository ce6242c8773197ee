"""What can stop a clinician in finding a colleague, before the directory is asked.

Owns that error. Refuses to repeat the question: it may name somebody.
"""

from __future__ import annotations

from .base import ConcordError


class QuestionError(ConcordError):
    """A question to the directory is empty, or longer than it takes."""

    hint_by_default = "Say whom you look for: a name, an NPI, a specialty, a place: concord directory find"
