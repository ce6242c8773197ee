"""The key log: its leaves, its tree, the checkpoints it gave out, and the witnesses it asks.

Owns their rows. Refuses changes to a leaf, which the database itself enforces, and a foreign key: what was logged stays
logged, whatever becomes of the account.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DDL, BigInteger, Index, Integer, String, Text, Uuid, event
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import LogCheckpointRow, LogLeafRow, LogNodeRow, LogRow, UtcDateTime

from .base import Base


class KeyLeafRow(LogLeafRow, Base):
    """One leaf: `data` is the line of the binding (`concord_formats.key_log`).

    `n` is the number of the key entry that it binds; none where an entry only waits, or was turned away.
    """

    __tablename__ = "key_leaf"

    account: Mapped[UUID] = mapped_column(Uuid)
    n: Mapped[int | None] = mapped_column(Integer)

    __table_args__ = (Index("uq_key_leaf_account", "account", "n", unique=True),)


class KeyNodeRow(LogNodeRow, Base):
    """One complete subtree of the log."""

    __tablename__ = "key_node"


class KeyLogRow(LogRow, Base):
    """The log itself."""

    __tablename__ = "key_log"


class KeyCheckpointRow(LogCheckpointRow, Base):
    """A checkpoint of the log. `signed_at` is when the log last said that it is this large."""

    __tablename__ = "key_checkpoint"

    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KeyWitnessRow(Base):
    """A witness that is asked: by its key (the text of a verifier key), and by its name for people.

    `size` is the largest checkpoint that it is known to have, `since` when it was first asked, `trouble` what kept it
    from cosigning the last time it was asked.
    """

    __tablename__ = "key_witness"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(String(256))
    size: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    cosigned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trouble: Mapped[str | None] = mapped_column(String(16))


# The past is closed here as it is for the entries themselves, also to a hand at the console that means well.
LEAVES_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER key_leaf_no_{verb} BEFORE {verb.upper()} ON key_leaf "
        "BEGIN SELECT RAISE(ABORT, 'leaves of the key log are never changed'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION key_leaf_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'leaves of the key log are never changed'; END $$",
        "CREATE TRIGGER key_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON key_leaf "
        "FOR EACH STATEMENT EXECUTE FUNCTION key_leaf_append_only()",
    ],
}
for _dialect, _statements in LEAVES_APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(KeyLeafRow.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
