"""What follows a command that did its work: address book and backup are kept up, and their owner told of tries.

Owns the remarks beside a command's result. Refuses to fail what was done, and to ask after tries for a command
that needed no service.
"""

from __future__ import annotations

from ..client import Client
from ..errors import ConcordError, TransferError
from ..recovery import Tried
from .output import note


def after(client: Client) -> None:
    """Keep the backup as new as the account, and look after it; remarks go to standard error."""
    _take_over(client)
    _hand_book_over(client)  # before the backup: another device that stores the next one is to know it by then
    try:
        _keep_up(client)
        if client.transport.signed_in:
            _look_after(client)
    except (ConcordError, OSError):
        return  # what the person asked for was done; the next hour is soon enough
    finally:
        tell_of_book(client)


def _hand_book_over(client: Client) -> None:
    try:
        missed = client.devices.keep_book()
    except (ConcordError, OSError):
        missed = (client.settings.device,)  # nobody was reached
    if missed:
        note("Your other devices could not be given the address book yet. When they can be: concord device sync")


def _keep_up(client: Client) -> None:
    failed = client.backup.keep()
    if failed is not None:
        note(f"The backup of your keys was not stored: {failed.message}. {failed.hint}".rstrip())


def _look_after(client: Client) -> None:
    if client.keyring.recovery_recipient is None:
        if client.watch.due():
            note("You have no recovery code, for the day when every device is lost: concord recovery kit -o FILE.pdf")
        return
    tried = client.watch.look()
    if tried is not None:
        tell(tried)


def _take_over(client: Client) -> None:
    """What one's other devices left for this one, before the backup is made of it."""
    if not client.transport.signed_in:
        return
    try:
        client.devices.look()
    except TransferError as error:
        note(f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}".rstrip())
    except ConcordError:
        return  # what the person asked for was done; the next hour is soon enough


def tell_of_book(client: Client) -> None:
    """Say what became of the address book between one's devices."""
    for old, new in client.devices.moved:
        note(
            f"Your other device has a patient under the same alias, or another alias: who was {old} here is {new} now."
        )
    if client.devices.book_left_out:
        note(
            "The address book is too long to be handed to your other devices. Remove patients whom you no longer see: "
            "concord patient remove"
        )


def tell(tried: Tried) -> None:
    """Say what happened to one's backup."""
    if tried.failed:
        last = f", the last on {tried.last_failed_at:%Y-%m-%d at %H:%M %Z}" if tried.last_failed_at else ""
        times = "once" if tried.failed == 1 else f"{tried.failed} times"
        note(
            f"Somebody tried a wrong recovery code for your account {times}{last}. If it was not you, keep your sheet "
            "safe. You have read this: concord recovery status --acknowledge"
        )
    if tried.used_at:
        note(
            f"Your recovery code was used on {tried.used_at:%Y-%m-%d at %H:%M %Z}. If it was not you, somebody has "
            "your sheet: concord device list, then revoke what is not yours, and concord recovery code"
        )


__all__ = ["after", "tell", "tell_of_book"]
