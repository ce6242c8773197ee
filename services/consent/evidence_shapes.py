"""The shapes of evidence: what is attested of a signed form, in headers beside the sealed bytes, and as it is shown.

Owns their strict reading. Refuses a free text: whatever is attested is a word of the vocabulary, a day or an id.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from concord_formats.vocabulary import FormLanguage, FormStatement, SignerAuthority
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.chassis.web import Answer

from .instants import Day
from .rules.terms import Attestation, FormOrigin, SignatureMethod, Signer

# Every list here is a set of a closed vocabulary: none is longer.
MAX_WORDS = 64


def _read_statements(value: object) -> list[str]:
    words = [word.strip() for word in str(value).split(",")] if value else []
    known = set(FormStatement)
    if len(words) > MAX_WORDS or not known.issuperset(words):
        raise PydanticCustomError("statements", f"must be of these, with commas: {', '.join(FormStatement)}")
    return words


class EvidenceHeaders(BaseModel):
    """When, how and by whom the form was signed, and what it states, as the caller attests: the form is sealed.

    `Concord-Form-Statements` lists statements with commas; `Concord-Signer-Authority` goes with a representative;
    `Concord-Witness` is a practitioner's id.
    """

    signed_on: Day = Field(alias="Concord-Signed-On")
    method: SignatureMethod = Field(alias="Concord-Signature-Method")
    form: FormOrigin = Field(alias="Concord-Form")
    language: FormLanguage = Field(alias="Concord-Form-Language")
    statements: Annotated[
        list[FormStatement], BeforeValidator(_read_statements), WithJsonSchema({"type": "string"}, mode="validation")
    ] = Field(alias="Concord-Form-Statements")
    signer: Signer = Field(alias="Concord-Signer")
    authority: SignerAuthority | None = Field(alias="Concord-Signer-Authority", default=None)
    witness: UUID | None = Field(alias="Concord-Witness", default=None)
    copy_given: Annotated[bool, WithJsonSchema({"type": "string", "enum": ["true", "false"]})] = Field(
        alias="Concord-Copy-Given"
    )

    def attested(self) -> Attestation:
        """As the rules know it."""
        return Attestation(
            signed_on=self.signed_on,
            method=self.method,
            form=self.form,
            language=self.language,
            statements=frozenset(self.statements),
            signer=self.signer,
            authority=self.authority,
            witness=self.witness,
            copy_given=self.copy_given,
        )


class EvidenceAnswer(Answer):
    """The evidence on record: the SHA-256 of its sealed bytes, their number, and what was attested of the signature."""

    sha256: str
    size: int
    signed_on: date
    method: SignatureMethod
    form: FormOrigin
    language: FormLanguage
    statements: list[FormStatement]
    signer: Signer
    authority: SignerAuthority | None
    witness: UUID | None
    copy_given: bool
