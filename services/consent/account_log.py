"""The log behind the account: an append-only Merkle tree (RFC 6962) in this database.

Owns which tables it is in, and whose line a leaf is. Refuses the tree itself, which is `services.chassis.merkle_log`,
and to know what a line is about.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.chassis.merkle_log import MerkleLog

from .models import AccountLeafRow, AccountLogRow, AccountNodeRow

_tree = MerkleLog(AccountLogRow, AccountLeafRow, AccountNodeRow)

lock = _tree.lock
size = _tree.size
root = _tree.root
inclusion = _tree.inclusion
consistency = _tree.consistency
read = _tree.read


def append(session: Session, log: AccountLogRow, patient: str, n: int, data: bytes) -> AccountLeafRow:
    """Append a leaf to the locked log. It is written with the transaction's other rows, many of a kind at once."""
    leaf = AccountLeafRow(place=log.size, patient=patient, n=n, data=data)
    _tree.append(session, log, leaf)
    return leaf
