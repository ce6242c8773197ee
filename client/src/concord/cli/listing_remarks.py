"""The remark on one's own entry in the directory, when nobody has confirmed it for ninety days.

Owns what is asked, and beside which commands. Refuses to fail a command, to ask beside one that needed no service,
and to ask twice a day.
"""

from __future__ import annotations

from ..client import Client
from ..errors import ConcordError
from .output import note


def tell_stale(client: Client) -> None:
    """Ask whether one's own entry is still right, on standard error."""
    if not client.transport.signed_in:
        return
    try:
        entry = client.own_listing.due()
    except (ConcordError, OSError):
        return  # what the person asked for was done; tomorrow is soon enough
    if entry is not None:
        since = f"was last confirmed on {entry.confirmed_at:%Y-%m-%d}" if entry.confirmed_at else "was never confirmed"
        note(
            f"Your entry in the directory {since}. Is it right? concord directory mine; then: concord directory "
            "confirm, or concord directory edit"
        )


__all__ = ["tell_stale"]
