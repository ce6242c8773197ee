"""What can go wrong between the devices of one account: pairing, transfers, what an account takes along.

Owns these errors. Refuses to repeat a pairing code, a seed or a document.
"""

from __future__ import annotations

from .base import ConcordError


class DeviceError(ConcordError):
    """Something between one's own devices."""

    hint_by_default = "See them with: concord device list"


class PortableError(DeviceError):
    """What an account takes along is malformed, of another account, or too large."""

    hint_by_default = "Make it again on a device that works, with this version of Concord."


class PairingError(DeviceError):
    """A pairing cannot go on."""

    hint_by_default = "Start over on the device that is in: concord device add"


class PairingCodeError(PairingError):
    """The text is no pairing code that can be used."""

    hint_by_default = "Copy the whole line that your other device shows."


class PairingForgedError(PairingError):
    """A request or an answer was not made by who has the pairing's secret."""

    hint_by_default = (
        "Somebody between your devices changed it. Start over: concord device add. If it comes again, tell the"
        " directory's operator."
    )


class PairingTakenError(PairingError):
    """The code was used by another device."""

    hint_by_default = (
        "If that was not you, somebody has seen the code: add no device, and start over with a new code:"
        " concord device add"
    )


class PairingOverError(PairingError):
    """The pairing has ended: its time is over, or its answer came too late."""


class TransferError(DeviceError):
    """What another device of one's own handed over cannot be relied on; nothing of it was kept."""

    hint_by_default = "On your other device: concord device sync (it hands the keys over again). Then here."


class TransferMissingError(TransferError):
    """The account's newest encryption key is not on this device, and no other device has handed it over yet."""

    hint_by_default = (
        "On the device that changed the key: concord device sync. Then here. If that device is lost, revoke it:"
        " concord device revoke"
    )


class RotationRaceError(DeviceError):
    """Another device changed the account's keys at the same moment, and again at each further try."""

    hint_by_default = "Nothing is lost. Try again: concord device rotate-key"


class TooManyDevicesError(DeviceError):
    """The account has as many devices as it may have."""

    hint_by_default = "Revoke one that you no longer use: concord device list, concord device revoke"


class UnknownDeviceError(DeviceError):
    """No device of one's own in force has this id."""
