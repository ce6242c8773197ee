"""What is refused in a recovery case, in words.

Owns the problems. Refuses to tell a stranger whether a case exists: a code that is unknown, wrong or expired reads the
same.
"""

from __future__ import annotations

from services.chassis.problems import Problem


def code() -> Problem:
    """The secret opens no case that goes on."""
    detail = "The code is unknown or expired. Ask the administrator of your organization for a new one."
    return Problem(403, "case-code-refused", "Code not accepted", detail)


def one_is_open() -> Problem:
    """The account has a live case."""
    detail = "A recovery case of this account is open already. Refuse that one first, if it is not to go on."
    return Problem(409, "recovery-case-open", "A case is open", detail)


def entry_taken() -> Problem:
    """Other keys wait in the case."""
    detail = (
        "Other keys wait in this case, or have come in force by it. If they are not yours, have it refused at once."
    )
    return Problem(409, "recovery-entry-taken", "Other keys wait already", detail)


def not_entered() -> Problem:
    """There are no keys to attest to."""
    detail = "The person has not used the code yet: there are no new keys to attest to."
    return Problem(409, "recovery-not-entered", "No keys yet", detail)


def already_attested() -> Problem:
    """The attestation is one too many."""
    detail = "You have attested in this case already, or two administrators have. It takes two different ones."
    return Problem(409, "already-attested", "Attested already", detail)


def lapsed() -> Problem:
    """An attestor no longer counts."""
    detail = (
        "An administrator who attested is suspended or no administrator any more, or the device that signed it was "
        "revoked. Refuse the case, and open another."
    )
    return Problem(409, "attestation-lapsed", "An attestation no longer counts", detail)


def invalid_attestation(why: str) -> Problem:
    """The attestation is malformed, not signed by the device that sends it, or about something else."""
    detail = f"{why[:1].upper()}{why[1:]}."
    return Problem(422, "invalid-attestation", "Attestation not accepted", detail, field="line")


def stopped() -> Problem:
    """Somebody refused the case."""
    detail = "The account's owner, or an administrator, has refused this case. Nothing was changed."
    return Problem(409, "recovery-case-stopped", "Case refused", detail)


def overtaken() -> Problem:
    """The history went on."""
    detail = (
        "The account's keys were changed by one of its devices meanwhile, so that the waiting entry no longer follows "
        "the history. The case is refused."
    )
    return Problem(409, "recovery-case-overtaken", "Key history has moved on", detail)


def over() -> Problem:
    """The case is completed or expired."""
    return Problem(409, "recovery-case-over", "Case over", "This case is completed or expired. Open another one.")


def not_yourself() -> Problem:
    """An administrator would vouch for themselves."""
    detail = "Nobody vouches for themselves. Ask another administrator of your organization."
    return Problem(409, "not-yourself", "Not yourself", detail)


def not_enrolled() -> Problem:
    """There is nothing to recover."""
    detail = "This person has not enrolled yet, so no keys are lost. Invite them again."
    return Problem(409, "not-enrolled", "Not enrolled", detail)


def suspended() -> Problem:
    """The account to be recovered is suspended."""
    detail = "The account is suspended, and is not recovered while it is. Reinstate it first, if it is to work again."
    return Problem(403, "account-suspended", "Account suspended", detail)
