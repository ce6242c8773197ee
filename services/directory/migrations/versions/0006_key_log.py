"""The key log, and a leaf for every key entry that is there already, in the order in which they were recorded.

Those leaves are dated as what they are: logged now.

What a process of the version before still records meanwhile has no leaf: the worker of this version adds it. No
checkpoint is made here, for want of the key: the first process that is asked for one signs it.
"""

import hashlib
import json
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Rows in one statement, of a few hundred bytes each.
BATCH = 500


def upgrade() -> None:
    op.create_table(
        "key_leaf",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("place", name="pk_key_leaf"),
    )
    op.create_index("uq_key_leaf_account", "key_leaf", ["account", "n"], unique=True)
    op.create_table(
        "key_node",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "place", name="pk_key_node"),
    )
    op.create_table(
        "key_log",
        sa.Column("single", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("single = 1", name=op.f("ck_key_log_single")),
        sa.PrimaryKeyConstraint("single", name="pk_key_log"),
    )
    op.create_table(
        "key_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_key_checkpoint"),
    )
    op.create_table(
        "key_witness",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_key_witness"),
    )
    _fill()
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _fill() -> None:
    """The leaves of what was recorded, and the tree above them (RFC 6962, section 2.1)."""
    people = _people()
    leaves, nodes = [], []
    peaks: list[tuple[int, bytes]] = []
    now = datetime.now(UTC)
    for place, (_, account, n, kind, digest) in enumerate(_entries()):
        line = _line(now, account, n, kind, digest, people[account] if n == 1 else {})
        leaves.append({"place": place, "data": line, "account": account, "n": n})
        level, index, node = 0, place, hashlib.sha256(b"\x00" + line).digest()
        while peaks and peaks[-1][0] == level:
            node = hashlib.sha256(b"\x01" + peaks.pop()[1] + node).digest()
            level, index = level + 1, index >> 1
            nodes.append({"level": level, "place": index, "hash": node})
        peaks.append((level, node))
    for table, rows in ((_LEAF, leaves), (_NODE, nodes)):
        for start in range(0, len(rows), BATCH):
            op.bulk_insert(table, rows[start : start + BATCH])
    op.bulk_insert(_LOG, [{"single": 1, "size": len(leaves), "peaks": b"".join(hash_ for _, hash_ in peaks)}])


def _entries() -> list[tuple[datetime, UUID, int, str, str]]:
    """Every entry: when it was recorded, whose it is, its number, its kind and the digest of its line; in order.

    Within an account the numbers rule: a clock that was set back made no later entry an earlier one.
    """
    found: list[tuple[datetime, UUID, int, str, str]] = []
    in_order = sa.select(_ENTRY).order_by(_ENTRY.c.practitioner_id, _ENTRY.c.n)
    rows = op.get_bind().execute(in_order, execution_options={"yield_per": BATCH})
    for account, n, entry, recorded_at in rows:
        at = recorded_at.replace(tzinfo=UTC) if recorded_at.tzinfo is None else recorded_at.astimezone(UTC)
        if found and found[-1][1] == account:
            at = max(at, found[-1][0])
        found.append((at, account, n, json.loads(entry)["kind"], hashlib.sha256(entry).hexdigest()))
    return sorted(found, key=lambda each: (each[0], each[1].bytes, each[2]))


def _people() -> dict[UUID, dict[str, object]]:
    rows = op.get_bind().execute(sa.select(_PRACTITIONER))
    return {
        row.id: {"name": row.name, "npi": row.npi, "organization": str(row.organization_id), "role": row.role}
        for row in rows
    }


def _line(at: datetime, account: UUID, n: int, kind: str, digest: str, person: dict[str, object]) -> bytes:
    members = {"v": 1, "account": str(account), "n": n, "kind": kind, "entry": digest}
    members |= {"at": at.isoformat().replace("+00:00", "Z"), **person}
    kept = {name: value for name, value in members.items() if value is not None}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()


_ENTRY = sa.table(
    "key_entry",
    sa.column("practitioner_id", sa.Uuid()),
    sa.column("n", sa.Integer()),
    sa.column("entry", sa.LargeBinary()),
    sa.column("recorded_at", sa.DateTime(timezone=True)),
)
_PRACTITIONER = sa.table(
    "practitioner",
    sa.column("id", sa.Uuid()),
    sa.column("name", sa.String()),
    sa.column("npi", sa.String()),
    sa.column("organization_id", sa.Uuid()),
    sa.column("role", sa.String()),
)
_LEAF = sa.table(
    "key_leaf",
    sa.column("place", sa.BigInteger()),
    sa.column("data", sa.LargeBinary()),
    sa.column("account", sa.Uuid()),
    sa.column("n", sa.Integer()),
)
_NODE = sa.table(
    "key_node",
    sa.column("level", sa.Integer()),
    sa.column("place", sa.BigInteger()),
    sa.column("hash", sa.LargeBinary()),
)
_LOG = sa.table(
    "key_log",
    sa.column("single", sa.Integer()),
    sa.column("size", sa.BigInteger()),
    sa.column("peaks", sa.LargeBinary()),
)

APPEND_ONLY = {
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
