"""Letters: statement, signature, sealing and opening, receipts.

Owns the composition of `concord.age` with hybrid signatures that makes a letter. Refuses to send, fetch or keep one:
that is for `concord.letters` and `concord.store`. Specified in `spec/letter.md`.
"""

from .open import OpenedLetter, open_letter
from .receipt import Receipt, make_receipt, verify_receipt
from .scope import ConsentScope
from .seal import SealedLetter, seal
from .signer import SenderKeys, Signer
from .statement import Enclosed, Statement

__all__ = [
    "ConsentScope",
    "Enclosed",
    "OpenedLetter",
    "Receipt",
    "SealedLetter",
    "SenderKeys",
    "Signer",
    "Statement",
    "make_receipt",
    "open_letter",
    "seal",
    "verify_receipt",
]
