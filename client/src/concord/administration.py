"""What an organization's administrator does for its people: invite those whose identity they checked.

Owns the signed word that stands behind an invitation. Refuses to look at the person: that is for the administrator, and
whoever reads the word later knows whose it was. Verified by `concord.identity`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from concord_formats.identity_checks import Checked, IdentityCheck, SignedIdentityCheck, written
from concord_formats.signatures import SignedKind
from pydantic import ValidationError

from .api import DirectoryApi
from .api.directory import Invitation
from .colleagues import Colleagues
from .errors import NotInvitedError
from .own_keys import OwnKeys


class Administration:
    """The acts of an administrator in their own organization."""

    def __init__(self, directory: DirectoryApi, colleagues: Colleagues, own: OwnKeys) -> None:
        self._directory = directory
        self._colleagues = colleagues
        self._own_keys = own

    def invite(
        self,
        name: str,
        checked: Checked,
        *,
        checked_on: date | None = None,
        role: str = "practitioner",
        npi: str | None = None,
        taxonomy: str | None = None,
        look_alike: bool = False,
    ) -> Invitation:
        """Invite a person, and sign how and on which day (None: today) their identity was checked.

        `look_alike`: you have made sure that who has a name that looks like this one is somebody else.
        Raises `NotInvitedError` for what cannot be signed, `ServiceError`.
        """
        check = self._check(
            role=role,
            name=written(name),
            npi=npi,
            how=checked,
            checked_on=checked_on or datetime.now().astimezone().date(),
        )
        return self._directory.invite(
            self._signed(check),
            role=role,
            name=written(name),
            npi=npi,
            taxonomy=taxonomy,
            look_alike=look_alike,
        )

    def _check(self, **said: object) -> IdentityCheck:
        own = {"organization": self._colleagues.organization, "attestor": self._colleagues.me}
        members = {"v": 1, "device": self._own_keys.keyring.device, "at": datetime.now(UTC)} | own | said
        try:
            return IdentityCheck.model_validate(members)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            field = ".".join(map(str, first["loc"])) or "checked_on"
            raise NotInvitedError(f"{field}: {first['msg']}", field=field) from None

    def _signed(self, check: IdentityCheck) -> SignedIdentityCheck:
        line = check.encode()
        return SignedIdentityCheck(line, self._own_keys.keyring.signing_key().sign(SignedKind.IDENTITY_CHECK, line))


__all__ = ["Administration"]
