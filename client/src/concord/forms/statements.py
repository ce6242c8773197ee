"""Which statements Concord's form of each type carries.

Owns the list that the record of a signed Concord form may name. Refuses to follow the law's minimum where one more
sentence does no harm: 42 CFR 2.31(a)(4)(iii) asks for the HIPAA sentence whenever the recipient is a covered entity,
which a form cannot know, so every Part 2 form has it.
"""

from __future__ import annotations

from concord_formats.vocabulary import ConsentType, FormStatement

from ..errors import FormError
from .texts import LAW

# In the order in which they are printed.
_EVERY_FORM = (
    FormStatement.RIGHT_TO_REVOKE,
    FormStatement.HOW_TO_REVOKE,
    FormStatement.REVOCATION_EXCEPTIONS,
    FormStatement.CONDITIONING,
    FormStatement.REDISCLOSURE,
    FormStatement.PLAIN_LANGUAGE,
)
_PART_2 = (
    FormStatement.RIGHT_TO_REVOKE,
    FormStatement.HOW_TO_REVOKE,
    FormStatement.REVOCATION_EXCEPTIONS,
    FormStatement.CONDITIONING,
    FormStatement.CONSEQUENCES_OF_REFUSAL,
    FormStatement.REDISCLOSURE,
    FormStatement.HIPAA_REDISCLOSURE,
    FormStatement.PLAIN_LANGUAGE,
)


def statements_in(type_: ConsentType) -> frozenset[FormStatement]:
    """What Concord's form of this type says, in every language. Raises `FormError` for a type nobody signs."""
    return frozenset(in_order(type_))


def in_order(type_: ConsentType) -> tuple[FormStatement, ...]:
    """The same, as printed."""
    if type_ not in LAW:
        raise FormError("type", "there is no form of this type")
    return _PART_2 if LAW[type_] == "part-2" else _EVERY_FORM
