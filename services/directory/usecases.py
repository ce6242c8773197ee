"""What the directory does, by verb.

Owns the list. The verbs stand in the modules they are imported from here, one for each part of the work; routes, the
operator's commands and the worker call nothing else.
"""

from __future__ import annotations

from .enrolment import Invited, Person, add_organization, enrol, invite, invite_administrator
from .keys import Recorded
from .keys import append as append_keys
from .keys import history as key_history
from .lookup import Wanted, find_organizations, find_practitioners, organization, party, practitioner
from .signing_in import forget_used_assertions, sign_in
from .standing import Stopped, reinstate, revoke_device, suspend

__all__ = [
    "Invited",
    "Person",
    "Recorded",
    "Stopped",
    "Wanted",
    "add_organization",
    "append_keys",
    "enrol",
    "find_organizations",
    "find_practitioners",
    "forget_used_assertions",
    "invite",
    "invite_administrator",
    "key_history",
    "organization",
    "party",
    "practitioner",
    "reinstate",
    "revoke_device",
    "sign_in",
    "suspend",
]
