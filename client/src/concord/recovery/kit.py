"""The recovery kit: the printed sheet with the code, and the text in its QR code.

Owns what it says, in English alone: it is for the clinician, not for a patient. Refuses a name: whoever finds the sheet
has the account, and need not learn whose. The sheet is made where the code is made, as a code is never stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from concord_formats.recovery_codes import grouped
from concord_formats.signatures import SignatureError, from_base64url, to_base64url

from ..errors import RecoveryCodeError
from ..forms.as_text import as_text
from ..forms.blocks import Block, Display, Heading, Items, Paragraph, QrCode, Sheet
from ..forms.code_sheet import CodeSheet
from ..invitation import is_private_way
from .code import read_code

PREFIX = "concord-recovery-kit:v1:"
# Three short members in base64url; what is longer was not printed by us, and would not fit into a QR code.
MAX_KIT_CHARACTERS = 1024

_WHAT = (
    "This sheet opens the backup of your keys on a new device, when every device of yours is lost or broken.",
    "Concord keeps no copy of the code, and nobody can give it to you again.",
)
_CARE = (
    "Whoever holds this sheet can read everything that you can read, and write in your name.",
    "Keep it apart from your devices: in a safe, and not in the bag with the laptop.",
    "Do not photograph it, mail it or type its code anywhere but into the command below.",
)
_DEVICE_LOST = (
    "If another device of yours still works, add the new one there: concord device add. The sheet is not needed.",
    "Otherwise install Concord on a new device and type: concord recover. It asks for the address, the account and the "
    "code above, or takes the text of the square code.",
    "Then stop each lost device: concord device revoke. It changes the key that letters are sealed to as well.",
)
_SHEET_LOST = (
    "If the sheet is lost, or somebody may have read it: on a device of yours, concord recovery code --kit FILE.pdf. "
    "This sheet opens nothing from then on."
)
_BOTH_LOST = "If everything is lost, two administrators of your organization can let you begin with a new key."


@dataclass(frozen=True)
class Kit:
    """What a sheet holds: the address of the services, the account, the code (in its one form, without hyphens)."""

    base_url: str
    account: UUID
    code: str = field(repr=False)

    def encode(self) -> str:
        """The text of the QR code. Whoever has it has the account."""
        members = {"base_url": self.base_url, "account": str(self.account), "code": self.code}
        return PREFIX + to_base64url(json.dumps(members, separators=(",", ":")).encode("utf-8"))


def read_kit(text: str) -> Kit:
    """The kit in a QR code's text. Raises `RecoveryCodeError`; no message repeats what it holds."""
    line = "".join(text.split())  # a scanner may end it with a line feed, a mail program may have wrapped it
    if not line.startswith(PREFIX) or len(line) > MAX_KIT_CHARACTERS:
        raise RecoveryCodeError(f"the text of a recovery kit starts with {PREFIX}", _SCAN)
    try:
        members = json.loads(from_base64url(line.removeprefix(PREFIX)))
        base_url, account = str(members["base_url"]), UUID(members["account"])
        code = read_code(str(members["code"]))
    except (SignatureError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RecoveryCodeError("the text of the recovery kit is damaged", _SCAN) from None
    check_address(base_url)
    return Kit(base_url, account, code)


def check_address(base_url: str) -> None:
    """Refuse an address that would send a code over plain HTTP to another machine. Raises `RecoveryCodeError`."""
    if not is_private_way(base_url):
        raise RecoveryCodeError("the address of the services does not begin with https://", "Type it as on the sheet.")


def render_kit(kit: Kit, made: date) -> CodeSheet:
    """The printed sheet, as text and as PDF: one page of US Letter, the same bytes for the same kit and day."""
    from ..forms.as_pdf import as_pdf  # noqa: PLC0415 - fonts and shaping take a while to load

    sheet = Sheet(
        language="en",
        title="Concord recovery kit",
        subtitle=f"Made on {made:%B} {made.day}, {made.year}. Of several sheets, only the newest opens anything.",
        blocks=tuple(_blocks(kit)),
        foot="",
        page="Page {page} of {pages}",
    )
    return CodeSheet(as_text(sheet), as_pdf(sheet, [("base_url", kit.base_url)]))


def _blocks(kit: Kit) -> Iterable[Block]:
    yield Heading("What this is")
    yield Items(_WHAT)
    yield Heading("Your recovery code")
    yield Display(grouped(kit.code))
    yield Paragraph(f"Address: {kit.base_url}")
    yield Paragraph(f"Account: {kit.account}")
    yield QrCode(kit.encode())
    yield Heading("Keep it safe")
    yield Items(_CARE)
    yield Heading("When a device is lost")
    yield Items(_DEVICE_LOST)
    yield Paragraph(_SHEET_LOST)
    yield Paragraph(_BOTH_LOST)


_SCAN = "Scan the square code once more, or type the address, the account and the code."

__all__ = ["MAX_KIT_CHARACTERS", "PREFIX", "Kit", "check_address", "read_kit", "render_kit"]
