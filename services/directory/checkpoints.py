"""The checkpoints of the key log: signed with each leaf, renewed while there is none, cosigned by witnesses.

Owns what the log says of itself under its key (C2SP tlog-checkpoint), one root a size for ever, and when it said so
last (C2SP tlog-cosignature). Refuses to sign a second root of one size: whoever changed the database would else have
the log contradict itself, or be rid of the evidence. Refuses to date a log anew that was longer. Every note is written
under the lock of the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from concord_formats.cosignatures import WitnessKey, cosign, line_of, own_clock, with_signatures
from concord_formats.key_log import origin
from concord_formats.notes import Checkpoint, NoteError, unverified_text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis import key_files
from services.chassis.config import Settings
from services.chassis.log_key import LogKey, read_log_key
from services.chassis.merkle_log import root_of

from .deps import Deps
from .key_tree import TREE, AlteredKeyLogError
from .models import KeyCheckpointRow, KeyLogRow


def key_from(settings: Settings) -> LogKey:
    """The key in `log_key_file`, under the name of this deployment's log. Raises OSError, `SettingError`."""
    file = settings.required_log_key()
    with key_files.named_by("CONCORD_LOG_KEY_FILE"):
        return LogKey(origin(settings.base_url), *read_log_key(file))


def newest(deps: Deps) -> str:
    """The checkpoint of the log as it is now; signed now where this key has not signed it yet."""
    reached = select(KeyCheckpointRow).join(KeyLogRow, KeyLogRow.size == KeyCheckpointRow.size)
    with deps.database.transaction() as session:
        row = session.scalars(reached).one_or_none()
        if row is None or not deps.log_key.signed(row.note):
            row = sign(deps, session, TREE.lock(session))
        return row.note


def sign(deps: Deps, session: Session, log: KeyLogRow) -> KeyCheckpointRow:
    """The checkpoint of the locked log, made unless it is there. Raises `AlteredKeyLogError`."""
    if (session.scalar(select(func.max(KeyCheckpointRow.size))) or 0) > log.size:  # it was longer
        raise AlteredKeyLogError
    said = Checkpoint(deps.log_key.verifier.name, log.size, root_of(log))
    row = session.get(KeyCheckpointRow, log.size, populate_existing=True)
    if row is None:
        now = deps.clock.now()
        row = KeyCheckpointRow(size=log.size, note=_note(deps.log_key, said, now), signed_at=now)
        session.add(row)
    elif not _same_tree(row.note, said):
        raise AlteredKeyLogError
    elif not deps.log_key.signed(row.note):  # a former key did, or the log was called otherwise
        _renew(deps, row, said)
    return row


def renew(deps: Deps) -> KeyCheckpointRow:
    """Say anew that the log is as large as it is. Raises `AlteredKeyLogError`."""
    with deps.database.transaction() as session:
        log = TREE.lock(session)
        row = sign(deps, session, log)
        _renew(deps, row, Checkpoint(deps.log_key.verifier.name, log.size, root_of(log)))
        return row


def add_cosignature(deps: Deps, size: int, line: str) -> None:
    """Put a witness's line, which was verified, under the checkpoint of `size` leaves, in place of its earlier one."""
    with deps.database.transaction() as session:
        TREE.lock(session)
        row = session.get_one(KeyCheckpointRow, size)
        row.note = with_signatures(row.note, [line])


def _renew(deps: Deps, row: KeyCheckpointRow, said: Checkpoint) -> None:
    """Another time under the same text. What witnesses have cosigned stays cosigned, if the text is the same."""
    now = deps.clock.now()
    row.note, row.signed_at = with_signatures(_note(deps.log_key, said, now), _witnessed(deps, row.note, said)), now


def _note(key: LogKey, said: Checkpoint, now: datetime) -> str:
    clock = cosign(said.encode(), key.verifier.name, key.private, int(now.timestamp()))
    return with_signatures(key.sign(said), [clock])


def _witnessed(deps: Deps, note: str, said: Checkpoint) -> Iterator[str]:
    """The lines of the witnesses that are still asked."""
    if unverified_text(note) != said.encode():
        return
    for witness, _ in deps.settings.named_witnesses():
        if witness != own_clock(deps.log_key.verifier) and (line := _line(note, witness)) is not None:
            yield line


def _line(note: str, witness: WitnessKey) -> str | None:
    try:
        return line_of(note, witness)
    except NoteError:
        return None


def _same_tree(note: str, said: Checkpoint) -> bool:
    """Whoever signed it: the key may have been lost since, and the log be reached by another name."""
    try:
        given = Checkpoint.parse(unverified_text(note))
    except NoteError:
        return False
    return (given.size, given.root) == (said.size, said.root)
