"""Labels proposed from a document's own codes, on the sender's device.

Owns the proposal, and the rule that a letter is not sent with fewer labels than were found unless its sender says why.
Refuses to decide: a proposal is the least that a letter carries, never the most. A code that is in no value set of
`value_sets/` goes unseen, and of a PDF or a text nothing can be proposed (`readable` is false). No server can check a
letter's labels against its content. Rules and limits: `spec/labels.md`.
"""

from __future__ import annotations

from .declared import check_declared, missing_labels
from .proposal import Finding, Label, LeftOut, Proposal
from .reading import propose

__all__ = ["Finding", "Label", "LeftOut", "Proposal", "check_declared", "missing_labels", "propose"]
