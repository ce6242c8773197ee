"""What the directory does, by verb.

Owns the list. The verbs stand in the modules they are imported from here, one for each part of the work; routes, the
operator's commands and the worker call nothing else.
"""

from __future__ import annotations

from .checkpoints import newest as log_checkpoint
from .devices import devices
from .enrolment import Invited, Person, add_organization, enrol, invite, invite_administrator
from .finding.listing_search import search as find_listings
from .finding.listings import confirm as confirm_listing
from .finding.listings import keep as keep_listing
from .finding.listings import make_missing as make_missing_listings
from .finding.listings import own as own_listing
from .identity import ByOperator
from .identity import by_operator as checked_by_operator
from .identity import of as identity_check
from .key_log import places as key_bindings
from .key_tree import bundle as log_bundle
from .key_tree import tile as log_tile
from .keys import Recorded
from .keys import append as append_keys
from .keys import history as key_history
from .lookup import Wanted, find_organizations, find_practitioners, organization, party, practitioner
from .openid.single_sign_on import Returned as SignOnReturned
from .openid.single_sign_on import confirm as confirm_sign_on
from .openid.single_sign_on import returned as sign_on_returned
from .openid.single_sign_on import shown as sign_on
from .openid.single_sign_on import sweep as forget_sign_ons
from .openid.single_sign_on_admission import forget as forget_single_sign_on
from .openid.single_sign_on_claims import Beginning
from .openid.single_sign_on_claims import begin as begin_sign_on
from .openid.single_sign_on_requirement import Provider as SignOnProvider
from .openid.single_sign_on_requirement import lift as lift_single_sign_on
from .openid.single_sign_on_requirement import redirect_uri as sign_on_redirect_uri
from .openid.single_sign_on_requirement import require as require_single_sign_on
from .organizations.coverage import clear as clear_coverage
from .organizations.coverage import forget_ended as forget_ended_coverage
from .organizations.coverage import of as coverage
from .organizations.coverage import put as set_coverage
from .organizations.delegation_standing import standing as delegation_standing
from .organizations.delegations import WantedDelegations
from .organizations.delegations import find as find_delegations
from .organizations.delegations import give as give_delegation
from .organizations.delegations import revoke as revoke_delegation
from .organizations.delegations import show as show_delegation
from .organizations.departments import add as add_department
from .organizations.departments import find as departments
from .organizations.departments import join as join_department
from .organizations.departments import leave as leave_department
from .organizations.departments import members as department_members
from .organizations.departments import remove as remove_department
from .organizations.teams import WantedTeam
from .organizations.teams import add_member as add_team_member
from .organizations.teams import close as close_team
from .organizations.teams import create as create_team
from .organizations.teams import find as find_teams
from .organizations.teams import remove_member as remove_team_member
from .organizations.teams import show as show_team
from .pairings import answer as answer_pairing
from .pairings import give_up as give_up_pairing
from .pairings import open_pairing, take_answer
from .pairings import request as request_pairing
from .pairings import show as show_pairing
from .pairings import sweep as forget_pairings
from .recovery.backups import acknowledge as acknowledge_failures
from .recovery.backups import store as store_backup
from .recovery.backups import stored as stored_backup
from .recovery.recoveries import Claim
from .recovery.recoveries import add_device as recover_device
from .recovery.recoveries import fetch as fetch_backup
from .recovery.recoveries import sweep as forget_recovery_guesses
from .recovery.recovery_attestations import attest as attest_recovery
from .recovery.recovery_cases import cases as recovery_cases
from .recovery.recovery_cases import enter as enter_recovery
from .recovery.recovery_cases import open_case as open_recovery
from .recovery.recovery_cases import opened as opened_recovery
from .recovery.recovery_cases import refuse as refuse_recovery
from .recovery.recovery_completion import Completed
from .recovery.recovery_completion import attestations as recovery_attestations
from .recovery.recovery_completion import complete as complete_recovery
from .recovery.recovery_standing import count_all as count_recoveries
from .signing_in import forget_used_assertions, sign_in
from .standing import Stopped, reinstate, revoke_device, suspend
from .transfers import leave as leave_transfer
from .transfers import taken as transfer_taken
from .transfers import waiting as waiting_transfer

__all__ = [
    "Beginning",
    "ByOperator",
    "Claim",
    "Completed",
    "Invited",
    "Person",
    "Recorded",
    "SignOnProvider",
    "SignOnReturned",
    "Stopped",
    "Wanted",
    "WantedDelegations",
    "WantedTeam",
    "acknowledge_failures",
    "add_department",
    "add_organization",
    "add_team_member",
    "answer_pairing",
    "append_keys",
    "attest_recovery",
    "begin_sign_on",
    "checked_by_operator",
    "clear_coverage",
    "close_team",
    "complete_recovery",
    "confirm_listing",
    "confirm_sign_on",
    "count_recoveries",
    "coverage",
    "create_team",
    "delegation_standing",
    "department_members",
    "departments",
    "devices",
    "enrol",
    "enter_recovery",
    "fetch_backup",
    "find_delegations",
    "find_listings",
    "find_organizations",
    "find_practitioners",
    "find_teams",
    "forget_ended_coverage",
    "forget_pairings",
    "forget_recovery_guesses",
    "forget_sign_ons",
    "forget_single_sign_on",
    "forget_used_assertions",
    "give_delegation",
    "give_up_pairing",
    "identity_check",
    "invite",
    "invite_administrator",
    "join_department",
    "keep_listing",
    "key_bindings",
    "key_history",
    "leave_department",
    "leave_transfer",
    "lift_single_sign_on",
    "log_bundle",
    "log_checkpoint",
    "log_tile",
    "make_missing_listings",
    "open_pairing",
    "open_recovery",
    "opened_recovery",
    "organization",
    "own_listing",
    "party",
    "practitioner",
    "recover_device",
    "recovery_attestations",
    "recovery_cases",
    "refuse_recovery",
    "reinstate",
    "remove_department",
    "remove_team_member",
    "request_pairing",
    "require_single_sign_on",
    "revoke_delegation",
    "revoke_device",
    "set_coverage",
    "show_delegation",
    "show_pairing",
    "show_team",
    "sign_in",
    "sign_on",
    "sign_on_redirect_uri",
    "sign_on_returned",
    "store_backup",
    "stored_backup",
    "suspend",
    "take_answer",
    "transfer_taken",
    "waiting_transfer",
]
