"""Who may begin a sign-on: whoever may make the key entry that it is for.

Owns how each kind of them is known: by an invitation's secret, as a device that is signed in, by a recovery code's
credential, by a recovery case's secret. Refuses strangers: what they would see or begin is somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from concord_formats.signatures import SignatureError, from_base64url

from services.chassis.auth import Caller
from services.chassis.problems import Problem, invalid_field

from .. import enrolment
from ..deps import Deps, acting
from ..recovery import recoveries, recovery_standing
from ..rules.credentials import CREDENTIAL_BYTES
from ..rules.single_sign_on import Purpose
from . import single_sign_on
from .single_sign_on import Begun


@dataclass(frozen=True)
class Beginning:
    """What a sign-on is begun with; `case` goes with a case's secret, `network` is where the asker is."""

    purpose: Purpose
    practitioner: UUID
    entry_sha256: str
    secret: str | None
    case: UUID | None
    network: str


def begin(deps: Deps, caller: Caller | None, wanted: Beginning) -> Begun:
    """Begin a sign-on; `caller` is who is signed in, for a device.

    Raises problem 403 `invitation-refused`, `not-yours`, `recovery-refused` or `case-code-refused`, 429
    `too-many-guesses`, and those of `single_sign_on.begin`.
    """
    if wanted.purpose is Purpose.DEVICE:
        _check_owner(deps, caller, wanted.practitioner)
    elif wanted.secret is None:
        raise invalid_field("secret", "is needed for this purpose")
    elif wanted.purpose is Purpose.ENROLMENT:
        enrolment.check_invitation(deps, wanted.practitioner, wanted.secret)
    elif wanted.purpose is Purpose.RECOVERY:
        _check_credential(deps, wanted, wanted.secret)
    else:
        _check_case(deps, wanted, wanted.secret)
    return single_sign_on.begin(deps, wanted.practitioner, wanted.purpose, wanted.entry_sha256)


def _check_owner(deps: Deps, caller: Caller | None, practitioner: UUID) -> None:
    if caller is None or caller.practitioner != practitioner:
        raise Problem(403, "not-yours", "Not your keys", "An account's keys are changed by its owner alone.")
    with deps.database.transaction() as session:
        acting(session, caller)


def _check_credential(deps: Deps, wanted: Beginning, secret: str) -> None:
    try:
        credential = from_base64url(secret)
    except SignatureError:
        credential = b""
    if len(credential) != CREDENTIAL_BYTES:
        raise invalid_field("secret", f"must be {CREDENTIAL_BYTES} bytes in base64url")
    recoveries.check(deps, recoveries.Claim(wanted.practitioner, credential, wanted.network))


def _check_case(deps: Deps, wanted: Beginning, secret: str) -> None:
    if wanted.case is None:
        raise invalid_field("case", "is needed for this purpose")
    row = recovery_standing.opened_with(deps, wanted.case, secret)
    if (row.practitioner_id, row.entry_sha256) != (wanted.practitioner, wanted.entry_sha256):
        raise invalid_field("entry_sha256", "must be that of the entry that waits in the case")
