"""What the directory does, by verb.

Owns the list. The verbs stand in the modules they are imported from here, one for each part of the work; routes, the
operator's commands and the worker call nothing else.
"""

from __future__ import annotations

from .backups import acknowledge as acknowledge_failures
from .backups import store as store_backup
from .backups import stored as stored_backup
from .checkpoints import newest as log_checkpoint
from .devices import devices
from .enrolment import Invited, Person, add_organization, enrol, invite, invite_administrator
from .key_log import places as key_bindings
from .key_tree import bundle as log_bundle
from .key_tree import tile as log_tile
from .keys import Recorded
from .keys import append as append_keys
from .keys import history as key_history
from .lookup import Wanted, find_organizations, find_practitioners, organization, party, practitioner
from .pairings import answer as answer_pairing
from .pairings import give_up as give_up_pairing
from .pairings import open_pairing, take_answer
from .pairings import request as request_pairing
from .pairings import show as show_pairing
from .pairings import sweep as forget_pairings
from .recoveries import Claim
from .recoveries import add_device as recover_device
from .recoveries import fetch as fetch_backup
from .recoveries import sweep as forget_recovery_guesses
from .recovery_attestations import attest as attest_recovery
from .recovery_cases import cases as recovery_cases
from .recovery_cases import enter as enter_recovery
from .recovery_cases import open_case as open_recovery
from .recovery_cases import opened as opened_recovery
from .recovery_cases import refuse as refuse_recovery
from .recovery_completion import Completed
from .recovery_completion import attestations as recovery_attestations
from .recovery_completion import complete as complete_recovery
from .recovery_standing import count_all as count_recoveries
from .signing_in import forget_used_assertions, sign_in
from .standing import Stopped, reinstate, revoke_device, suspend
from .transfers import leave as leave_transfer
from .transfers import taken as transfer_taken
from .transfers import waiting as waiting_transfer

__all__ = [
    "Claim",
    "Completed",
    "Invited",
    "Person",
    "Recorded",
    "Stopped",
    "Wanted",
    "acknowledge_failures",
    "add_organization",
    "answer_pairing",
    "append_keys",
    "attest_recovery",
    "complete_recovery",
    "count_recoveries",
    "devices",
    "enrol",
    "enter_recovery",
    "fetch_backup",
    "find_organizations",
    "find_practitioners",
    "forget_pairings",
    "forget_recovery_guesses",
    "forget_used_assertions",
    "give_up_pairing",
    "invite",
    "invite_administrator",
    "key_bindings",
    "key_history",
    "leave_transfer",
    "log_bundle",
    "log_checkpoint",
    "log_tile",
    "open_pairing",
    "open_recovery",
    "opened_recovery",
    "organization",
    "party",
    "practitioner",
    "recover_device",
    "recovery_attestations",
    "recovery_cases",
    "refuse_recovery",
    "reinstate",
    "request_pairing",
    "revoke_device",
    "show_pairing",
    "sign_in",
    "store_backup",
    "stored_backup",
    "suspend",
    "take_answer",
    "transfer_taken",
    "waiting_transfer",
]
