"""The SDK's front door: one unlocked clinician, and the verbs a clinician uses.

Owns how the parts are put together: profile, keyring, pins, transport, services. Refuses policy of its own: consents
are decided by the gate, keys are judged by `concord.pins`, letters by `concord.letter`.

    with Client.unlock(Profile.default(), passphrase) as clinician:
        for entry in clinician.letters.inbox():
            print(clinician.letters.open(entry.letter, io.BytesIO()).statement.purpose)
"""

from __future__ import annotations

from types import TracebackType
from typing import Self
from uuid import UUID

import httpx

from .account import Accounts
from .account.pinned_log import PinnedLog
from .address_book import AddressBook
from .api import ConsentApi, DirectoryApi, MessagingApi, Practitioner
from .api.account import AccountApi
from .api.emergencies import EmergencyApi
from .api.fhir import FhirApi
from .api.patient_codes import PatientCodeApi
from .api.restrictions import RestrictionsApi
from .colleagues import Colleagues
from .consents import Consents
from .dpop import AuthenticationKey
from .emergencies import Emergencies
from .enrolment import enrol
from .fhir_consents import FhirConsents
from .keyring import Keyring
from .letters import Letters
from .pins import Pins
from .profile import Profile, Settings
from .restrictions import Restrictions
from .store import SealedStore
from .transport import Device, Transport


class Client:
    """One clinician on one device, unlocked. Not thread-safe; close it, or use it as a context manager."""

    def __init__(
        self, profile: Profile, settings: Settings, keyring: Keyring, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.profile = profile
        self.settings = settings
        self.keyring = keyring
        device = Device(settings.device, AuthenticationKey(keyring.authentication_seed))
        self.transport = Transport(settings.base_url, device, transport=transport)
        store = SealedStore(profile.sealed, keyring.store_identity())
        self.directory = DirectoryApi(self.transport)
        self.address_book = AddressBook(store)
        self.colleagues = Colleagues(self.directory, Pins(store), settings.practitioner)
        self.consents = Consents(ConsentApi(self.transport), self.colleagues, self.address_book, keyring)
        fhir = FhirApi(self.transport)
        self.fhir_consents = FhirConsents(fhir, self.consents, self.colleagues, self.address_book)
        self.emergencies = Emergencies(EmergencyApi(self.transport), self.colleagues, keyring)
        self.patient_codes = PatientCodeApi(self.transport)
        self.restrictions = Restrictions(RestrictionsApi(self.transport), self.colleagues, self.address_book)
        self.accounts = Accounts(AccountApi(self.transport), PinnedLog(store), self.address_book)
        self.letters = Letters(MessagingApi(self.transport), self.colleagues, self.consents, profile, keyring)

    @classmethod
    def unlock(cls, profile: Profile, passphrase: str, *, transport: httpx.BaseTransport | None = None) -> Self:
        """Open the keyring. Raises `NotEnrolledError`, `WrongPassphraseError`, `KeyringError`."""
        settings = profile.load()
        return cls(profile, settings, Keyring.load(profile.keyring, passphrase), transport=transport)

    @classmethod
    def enrol(
        cls,
        profile: Profile,
        invitation: str,
        passphrase: str,
        *,
        transport: httpx.BaseTransport | None = None,
        work_factor: int | None = None,
    ) -> Self:
        """Use an invitation: make the keys, keep them under the passphrase, publish the first key entry.

        Interrupted, it can be called again with the same invitation and passphrase. Raises `InvitationError`,
        `KeyringError`, `ServiceError`.
        """
        settings, keyring = enrol(profile, invitation, passphrase, transport=transport, work_factor=work_factor)
        return cls(profile, settings, keyring, transport=transport)

    @property
    def practitioner(self) -> UUID:
        """One's own id."""
        return self.settings.practitioner

    def whoami(self) -> Practitioner:
        """One's own entry in the directory."""
        return self.directory.practitioner(self.settings.practitioner)

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
