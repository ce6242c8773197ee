"""A caller's own word: what they signed at the very device that sends it, as a delegation or an attestation.

Owns by which key it is checked. Refuses a device that the account's newest entry does not list. What is said, and
whether it may be, is for whoever takes it.
"""

from __future__ import annotations

from concord_formats.key_entries import read_entry
from concord_formats.signatures import HybridPublicKey

from services.chassis.auth import Caller

from . import keys
from .deps import Deps


def signing_key(deps: Deps, caller: Caller) -> HybridPublicKey | None:
    """That of the caller's device; None: it was removed, and gives no word any more."""
    device = read_entry(keys.history(deps, caller.practitioner)[-1]).device(caller.device)
    return None if device is None else HybridPublicKey.decode(device.signing)
