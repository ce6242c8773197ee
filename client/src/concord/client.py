"""The SDK's front door: one unlocked clinician, and the verbs a clinician uses.

Owns how the parts are put together: profile, keyring, pins, transport, services. Refuses policy of its own: consents
are decided by the gate, keys are judged by `concord.pins`, letters by `concord.letter`.

    with Client.unlock(Profile.default(), passphrase) as clinician:
        for entry in clinician.letters.inbox():
            print(clinician.letters.open(entry.letter, io.BytesIO()).statement.purpose)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx

from .account import Accounts
from .account.pinned_log import PinnedLog
from .address_book import AddressBook
from .addressing import Addressing
from .administration import Administration
from .api import ConsentApi, DirectoryApi, MessagingApi, Practitioner
from .api.account import AccountApi
from .api.coverage import CoverageApi
from .api.delegations import DelegationsApi
from .api.devices import DevicesApi
from .api.emergencies import EmergencyApi
from .api.fhir import FhirApi
from .api.key_log import KeyLogApi
from .api.listings import ListingsApi
from .api.patient_codes import PatientCodeApi
from .api.recovery import RecoveryApi
from .api.recovery_cases import RecoveryCasesApi
from .api.restrictions import RestrictionsApi
from .api.teams import TeamsApi
from .colleagues import Colleagues
from .consents import Consents
from .coverage import Coverages
from .delegations import Delegations
from .devices.adding import Adding
from .devices.joining import join
from .devices.own_devices import Devices
from .devices.pairing import PairingCode
from .dpop import AuthenticationKey
from .emergencies import Emergencies
from .enrolment import enrol
from .errors import ConcordError
from .fhir_consents import FhirConsents
from .finding import Finding
from .identity import Identities
from .key_log import KeyLog
from .keyring import WORK_FACTOR, Keyring
from .letters import Letters
from .letters_again import LettersAgain
from .own_keys import KeyringFile, OwnKeys
from .own_listing import OwnListing
from .pins import Pins
from .profile import Profile, Settings
from .recovery import Kit, Upkeep, Watch, derive, new_code, recover, with_code
from .recovery_cases.administrators import RecoveryCases
from .recovery_cases.attestors import Attestors, LoggedBindings
from .recovery_cases.code import read_case_code
from .recovery_cases.person import CaseProgress, recover_case
from .restrictions import Restrictions
from .store import LetterBox, SealedStore
from .teams import Teams
from .transport import Device, Transport


class Client:
    """One clinician on one device, unlocked. Not thread-safe; close it, or use it as a context manager."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        keyring: Keyring,
        *,
        keyring_file: KeyringFile | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Without its file and passphrase, a keyring is open to read only: no device is added, no key rotated."""
        self.profile = profile
        self.settings = settings
        self.own_keys = OwnKeys(keyring, keyring_file)
        device = Device(settings.device, AuthenticationKey(keyring.authentication_seed))
        self.transport = Transport(settings.base_url, device, transport=transport)
        store = SealedStore(profile.sealed, keyring.store_identity())
        self.directory = DirectoryApi(self.transport)
        self.address_book = AddressBook(store)
        self.key_log = KeyLog(
            KeyLogApi(self.transport),
            store,
            profile,
            settings.practitioner,
            device=settings.device,
            own_history=lambda: self.colleagues.own_history(),  # noqa: PLW0108 - they are made below
        )
        self.colleagues = Colleagues(self.directory, Pins(store), settings.practitioner, self.key_log)
        listings = ListingsApi(self.transport)
        self.finding = Finding(listings, self.colleagues)
        self.own_listing = OwnListing(listings, settings.practitioner, store)
        self.consents = Consents(ConsentApi(self.transport), self.colleagues, self.address_book, self.own_keys)
        fhir = FhirApi(self.transport)
        self.fhir_consents = FhirConsents(fhir, self.consents, self.colleagues, self.address_book)
        self.emergencies = Emergencies(EmergencyApi(self.transport), self.colleagues, self.own_keys)
        self.patient_codes = PatientCodeApi(self.transport)
        self.restrictions = Restrictions(RestrictionsApi(self.transport), self.colleagues, self.address_book)
        self.accounts = Accounts(AccountApi(self.transport), PinnedLog(store), self.address_book)
        self.backup = Upkeep(
            RecoveryApi(self.transport),
            store,
            lambda: self.keyring,
            lambda: self.colleagues.entry(self.practitioner),
            lambda: self.devices.catch_up(look=True),
        )
        self.watch = Watch(RecoveryApi(self.transport), store)
        # Right after an enrolment: the one time that it can be shown. Kept nowhere.
        self.recovery_code: str | None = None
        self.teams = Teams(TeamsApi(self.transport), self.colleagues, LetterBox(profile.letters))
        self.delegations = Delegations(DelegationsApi(self.transport), self.colleagues, self.own_keys)
        self.coverage = Coverages(CoverageApi(self.transport), self.colleagues)
        addressing = Addressing(self.colleagues, self.consents, self.teams, self.delegations)
        self.letters = Letters(MessagingApi(self.transport), self.colleagues, addressing, profile, self.own_keys)
        self.letters_again = LettersAgain(self.letters, self.teams, settings.practitioner)
        cases = RecoveryCasesApi(self.transport)
        self.recovery_cases = RecoveryCases(cases, self.colleagues, self.own_keys)
        self.administration = Administration(self.directory, self.colleagues, self.own_keys)
        logged = LoggedBindings(self.key_log)
        self.colleagues.attestors = Attestors(cases, logged, self.colleagues.history)
        self.identities = Identities(self.directory, logged, self.colleagues.history)
        self.devices = Devices(DevicesApi(self.transport), self.colleagues, self.own_keys, store)
        self.own_keys.renew = self.devices.catch_up
        self.adding = Adding(self.devices, store, settings.base_url)

    @classmethod
    def unlock(cls, profile: Profile, passphrase: str, *, transport: httpx.BaseTransport | None = None) -> Self:
        """Open the keyring. Raises `NotEnrolledError`, `WrongPassphraseError`, `KeyringError`."""
        settings = profile.load()
        file = KeyringFile(profile.keyring, passphrase)
        return cls(profile, settings, file.load(), keyring_file=file, transport=transport)

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
        done = enrol(profile, invitation, passphrase, transport=transport, work_factor=work_factor)
        file = KeyringFile(profile.keyring, passphrase)
        client = cls(profile, done.settings, done.keyring, keyring_file=file, transport=transport)
        client.recovery_code = done.recovery_code
        client.backup.keep()
        return client

    @classmethod
    def recover(
        cls,
        profile: Profile,
        kit: Kit,
        passphrase: str,
        *,
        transport: httpx.BaseTransport | None = None,
        work_factor: int = WORK_FACTOR,
        accept_older: bool = False,
    ) -> Self:
        """Make this an account's new device by its recovery code; see `concord.recovery.recover`."""
        settings, keyring = recover(
            profile,
            kit,
            passphrase,
            transport=transport,
            work_factor=work_factor,
            accept_older=accept_older,
            check=cls._checking(profile, transport),
        )
        file = KeyringFile(profile.keyring, passphrase)
        client = cls(profile, settings, keyring, keyring_file=file, transport=transport)
        client.watch.used_here()
        with suppress(ConcordError):
            client.devices.hand_over()  # what others seal to this device
        client.backup.keep()
        return client

    @classmethod
    def recover_case(
        cls,
        profile: Profile,
        code: str | None,
        passphrase: str,
        *,
        transport: httpx.BaseTransport | None = None,
        work_factor: int = WORK_FACTOR,
    ) -> CaseProgress:
        """Do the next step of a recovery case, on a device that is to be the account's.

        See `concord.recovery_cases.person`. Once it is completed, `unlock` opens the account.
        """
        read = None if code is None else read_case_code(code)
        check = cls._checking(profile, transport)
        return recover_case(profile, read, passphrase, check=check, transport=transport, work_factor=work_factor)

    def renew_recovery_code(self, show: Callable[[str], object] = lambda code: None) -> str:
        """A new recovery code, to be shown once; the old one opens nothing once a backup is stored under the new.

        `show` shows it before that: where it is interrupted, the old one stays in force, and its owner is told. Whether
        the new one is says `backup.behind`. The other devices are told of it. Raises `KeyringError`, and what `show`
        raises.
        """
        code = new_code()
        with suppress(ConcordError):  # another device may have made one before, and counted it
            self.devices.catch_up(look=True)
        self.backup.making(derive(code, self.practitioner).verifier)
        self.own_keys.change(lambda keyring: with_code(keyring, code))
        self.backup.new_code_made()
        show(code)
        self.backup.shown()
        self.backup.keep()
        with suppress(ConcordError):
            self.devices.hand_over()
        return code

    @classmethod
    def join(
        cls,
        profile: Profile,
        code: str,
        passphrase: str,
        *,
        announce: Callable[[UUID], object] = lambda device: None,
        new_keys: bool = False,
        transport: httpx.BaseTransport | None = None,
        work_factor: int = WORK_FACTOR,
        wait: Callable[[float], object] = time.sleep,
    ) -> Self:
        """Make this a further device of an account, by the code that another device of it shows.

        `announce` is told this device's id, for its owner to compare. Interrupted, it can be called again with the
        same passphrase, and the same code or a new one; `new_keys` makes it another device than the one that was
        begun. Raises `PairingError` and what is below it, `AlreadyEnrolledError`, `WrongPassphraseError`,
        `ServiceError`, `UnreachableError`.
        """
        read, file = PairingCode.read(code), KeyringFile(profile.keyring, passphrase, work_factor)
        check = cls._checking(profile, transport)
        settings, keyring = join(
            profile, read, file, check=check, announce=announce, new_keys=new_keys, transport=transport, wait=wait
        )
        client = cls(profile, settings, keyring, keyring_file=file, transport=transport)
        with suppress(ConcordError):  # this device is in: what others seal to, it can tell them later as well
            client.devices.hand_over()
        return client

    @classmethod
    def _checking(cls, profile: Profile, transport: httpx.BaseTransport | None) -> Callable[[Settings, Keyring], None]:
        """What a device that comes in asks before it is told so: do its account's keys stand in the log?"""

        def check(settings: Settings, keyring: Keyring) -> None:
            with cls(profile, settings, keyring, transport=transport) as client:
                client.colleagues.keys(client.practitioner)

        return check

    @property
    def keyring(self) -> Keyring:
        """The keyring as it is now: a key that another device handed over comes into it while the client runs."""
        return self.own_keys.keyring

    @keyring.setter
    def keyring(self, keyring: Keyring) -> None:
        self.own_keys.keyring = keyring

    @property
    def practitioner(self) -> UUID:
        """One's own id."""
        return self.settings.practitioner

    def whoami(self) -> Practitioner:
        """One's own entry in the directory."""
        return self.directory.practitioner(self.settings.practitioner)

    def close(self) -> None:
        """Close the connections, and the mirror of the key log."""
        self.transport.close()
        self.key_log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
