"""What is left when every device is lost: a code on paper, and the backup that it opens.

Owns the derivation of keys from the code (`code`), the sealed backup (`backup`, `upkeep`), the printed kit (`kit`), the
watch over wrong tries (`watch`) and the way back (`recover`). Refuses to keep a code: it is shown once, and only what
cannot open anything stays on a device. Specified in `spec/recovery.md`.
"""

from .code import RecoveryKeys, derive, new_code
from .kit import Kit, read_kit, render_kit
from .recover import recover
from .upkeep import Upkeep, with_code, with_new_code
from .watch import Tried, Watch

__all__ = [
    "Kit",
    "RecoveryKeys",
    "Tried",
    "Upkeep",
    "Watch",
    "derive",
    "new_code",
    "read_kit",
    "recover",
    "render_kit",
    "with_code",
    "with_new_code",
]
