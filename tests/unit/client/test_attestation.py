"""What is attested on the command line of a signed form: never more than was said, and never in the future."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import typer
from concord.api import Attestation
from concord.cli.attestation import attestation
from concord.forms import statements_in
from concord_formats.vocabulary import ConsentType, FormLanguage, FormStatement, SignerAuthority

TODAY = datetime.now()  # noqa: DTZ005 - the command line gives the day without a zone
HIPAA = ConsentType.HIPAA_AUTHORIZATION


def attested(
    own_form_states: str | None = None,
    *,
    type_: ConsentType = HIPAA,
    signed_on: datetime | None = TODAY,
    authority: SignerAuthority | None = None,
) -> Attestation:
    return attestation(type_, signed_on, "ink", own_form_states, FormLanguage.ENGLISH, authority, None, True)


@pytest.mark.parametrize("type_", [each for each in ConsentType if each is not ConsentType.EMERGENCY])
def test_concords_own_form_says_what_its_type_takes_and_nothing_else(type_: ConsentType) -> None:
    said = attested(type_=type_)
    assert (said.form, set(said.statements)) == ("concord", set(statements_in(type_)))


def test_of_another_form_only_what_was_read_in_it_is_attested() -> None:
    said = attested("right-to-revoke, redisclosure")
    assert said.form == "own"
    assert said.statements == [FormStatement.RIGHT_TO_REVOKE, FormStatement.REDISCLOSURE]
    assert attested("all").statements == list(FormStatement)


@pytest.mark.parametrize("nothing", ["", " ", ","])
def test_a_form_in_which_nothing_was_read_is_not_taken_for_concords(nothing: str) -> None:
    with pytest.raises(typer.BadParameter, match="at least one"):
        attested(nothing)


def test_the_day_is_needed_and_has_come() -> None:
    with pytest.raises(typer.BadParameter, match="name the day"):
        attested(signed_on=None)
    with pytest.raises(typer.BadParameter, match="future"):
        attested(signed_on=TODAY + timedelta(days=1))


def test_a_representative_signs_with_an_authority() -> None:
    assert attested().signer == "patient"
    assert attested(authority=SignerAuthority.PARENT).signer == "representative"
