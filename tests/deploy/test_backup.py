"""A volume is lost, and everything comes back: the letters, the revocations, the account."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.backup import copying
from deploy.backup_files import manifest_of
from deploy.restore import SHUT
from services.chassis.config import SERVICES
from tests.deploy.composition import ComposeError, Composition
from tests.deploy.moments import read, until_archived
from tests.deployment import wait_for
from tests.journeys.world import account, refusal
from tests.people import People, active_consent, released, settled, stopped

pytestmark = pytest.mark.long
NAMES = ("directory", "consent")


def epochs(composition: Composition) -> dict[str, str]:
    """The epoch of each feed."""
    return {name: composition.sql(name, "SELECT epoch FROM feed")[0][0] for name in NAMES}


def lose(composition: Composition, *volumes: str) -> None:
    """As a dead disk would: killed, and what it held is gone."""
    for volume in volumes:
        container = composition.containers(volume)[0]
        composition.docker("kill", container)
        composition.docker("rm", "--volumes", container)
        composition.docker("volume", "rm", f"{composition.project}_{volume}")


def backed_up(composition: Composition) -> Path:
    """`make backup`; where it lies."""
    return composition.folder / composition.module("deploy.backup", "backups").split()[0]


def test_a_lost_volume_comes_back_with_every_letter_and_every_revocation(
    composition: Composition, people: People
) -> None:
    """The newest of them were recorded after the backup, and are in the archive alone."""
    kept, revoked = active_consent(people), active_consent(people)
    before = released(people, kept.id, b"before the backup")
    unopened = released(people, revoked.id, b"never to be read")
    backup = backed_up(composition)
    after = released(people, kept.id, b"after the backup")
    people.physician.consents.revoke(revoked.id)
    were = epochs(composition)
    until_archived(composition)

    lose(composition, "postgresql", "rabbitmq")
    told = composition.module("deploy.restore", str(backup), "--yes")
    assert "Bringing it forward through the archive" in told

    assert [epochs(composition)[name] != were[name] for name in NAMES] == [True, True]
    stopped(people, revoked.id)
    assert refusal(lambda: read(people, unopened.letter)).type == "consent-revoked"
    assert [read(people, sent.letter) for sent in (before, after)] == [b"before the backup", b"after the backup"]
    last = released(people, kept.id, b"after the restore")
    assert read(people, last.letter) == b"after the restore"
    account(people.physician, kept.id, "released", "handed-out", "opened")
    assert composition.server("consent-api", "account-check")
    again = people.physician.consents.revoke(kept.id)
    assert again.effective_at >= again.revoked_at


def test_the_restored_deployment_can_be_backed_up_and_restored_again(composition: Composition, people: People) -> None:
    """On the new timeline, with an archive of its own: the first restore left nothing half-way."""
    consent = active_consent(people)
    backup = backed_up(composition)
    sent = released(people, consent.id, b"on the second timeline")
    until_archived(composition)
    lose(composition, "postgresql")
    composition.module("deploy.restore", str(backup), "--yes")
    assert read(people, sent.letter) == b"on the second timeline"


def started_at(composition: Composition) -> str:
    """When PostgreSQL was started: another time, or none, once something has stopped it."""
    return composition.docker("inspect", "--format", "{{.State.StartedAt}}", *composition.containers("postgresql"))


@contextmanager
def written(file: Path, text: str) -> Iterator[None]:
    """Another content of a file for a while."""
    before = file.read_text()
    file.write_text(text)
    try:
        yield
    finally:
        file.write_text(before)


def test_a_restore_that_fails_late_is_run_again_and_has_every_letter(composition: Composition, people: People) -> None:
    """Twice: PostgreSQL takes writes, and nobody follows it; all but the gateway is up, and the archive goes on."""
    consent = active_consent(people)
    backup = backed_up(composition)
    sent = released(people, consent.id, b"through three restores")
    until_archived(composition)  # who restores is refused while it does not follow
    address = composition.folder / ".secrets" / "directory" / "concord_database_url"
    nowhere = written(address, "postgresql+psycopg://directory@nowhere/directory")
    with nowhere, pytest.raises(ComposeError, match="run the same again") as broken:
        composition.module("deploy.restore", str(backup), "--yes")
    assert "Bringing it forward" in str(broken.value)
    assert "new epoch" not in str(broken.value)
    composition.compose("stop", "postgresql-archive")
    assert composition.sql("postgres", "SELECT pg_is_in_recovery()") == [["f"]]
    with socket.create_server(("127.0.0.1", 0)) as port:
        settings = composition.folder / ".env"
        taken = f"GATEWAY_PUBLISH=127.0.0.1:{port.getsockname()[1]}\n"
        with written(settings, settings.read_text() + taken), pytest.raises(ComposeError, match="run the same again"):
            composition.module("deploy.restore", str(backup), "--yes")
    composition.module("deploy.restore", str(backup), "--yes")
    assert read(people, sent.letter) == b"through three restores"
    assert read(people, released(people, consent.id, b"afterwards").letter) == b"afterwards"


def test_an_archive_that_lacks_something_is_refused_before_anything_is_stopped(composition: Composition) -> None:
    backup, began = backed_up(composition), started_at(composition)
    until_archived(composition)  # or a segment that is just being ended would change its name under the hand
    within = ("exec", "-T", "postgresql-archive", "bash", "-c")
    composition.compose(*within, "cd /var/lib/postgresql/data && mkdir wal-until-now && mv wal/* wal-until-now")
    with pytest.raises(ComposeError, match=r"lacks segment .*wal-until-now has it"):
        composition.module("deploy.restore", str(backup), "--yes")
    composition.compose(*within, "cd /var/lib/postgresql/data && mv wal-until-now/* wal && rmdir wal-until-now")
    assert started_at(composition) == began


def change_passwords(folder: Path) -> None:
    """As a rotation after the backup, or other secrets on another machine: the roles in the backup do not know them."""
    for role in ("superuser", "archive", *SERVICES):
        file, new = folder / "postgresql" / role, secrets.token_hex(24)
        before = file.read_text()
        file.write_text(new)
        if role in SERVICES:
            address = folder / role / "concord_database_url"
            address.write_text(address.read_text().replace(before, new))


def test_without_the_archive_it_is_the_backups_moment_and_somebody_must_say_so(
    composition: Composition, people: People
) -> None:
    """Letters wait until the practices could revoke again what is in force again."""
    consent, revoked = active_consent(people), active_consent(people)
    backup = backed_up(composition)
    sent = released(people, consent.id, b"lost")
    people.physician.consents.revoke(revoked.id)
    change_passwords(composition.folder / ".secrets")
    told = composition.module("deploy.restore", str(backup), "--yes", "--accept-loss")
    assert "to the backup's moment" in told
    assert [composition.containers(name) for name in SHUT] == [[], [], []]

    composition.compose(*opening(told, "--no-deps gateway"))
    composition.healthy("gateway")
    people.physician.consents.revoke(revoked.id)
    composition.compose(*opening(told, "--wait"))
    stopped(people, revoked.id)
    assert refusal(lambda: read(people, sent.letter)).type == "not-found"
    people.physician.letters.resend(sent.letter)
    assert settled(people.physician, sent.letter) == "released", "the sender still has it"
    assert read(people, sent.letter) == b"lost"


def opening(told: str, words: str) -> list[str]:
    """A command that a restore has told, for docker compose."""
    command = f"up --detach {words}"
    assert f"`docker compose {command}`" in told
    return command.split()


def test_nothing_is_replaced_without_a_word(composition: Composition) -> None:
    with pytest.raises(ComposeError, match="error: this replaces every consent"):
        composition.module("deploy.restore", str(backed_up(composition)))
    with pytest.raises(ComposeError, match="error: backups/any is no backup"):
        composition.module("deploy.restore", "backups/any", "--yes")


def test_a_backup_that_was_cut_short_is_refused_before_anything_is_stopped(composition: Composition) -> None:
    backup = backed_up(composition)
    began = started_at(composition)
    data = backup / "base.tar.gz"
    os.truncate(data, data.stat().st_size - 1)
    with pytest.raises(ComposeError, match="cut short or changed"):
        composition.module("deploy.restore", str(backup), "--yes")
    assert started_at(composition) == began


def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(composition: Composition) -> None:
    """In the midst of the copy, by a file that cannot be read; and before it, since nobody answers."""
    backed_up(composition)
    before = set((composition.folder / "backups").iterdir())
    within = ("exec", "-T", "postgresql", "bash", "-c")
    composition.compose(*within, 'touch "$PGDATA/unreadable" && chmod 0 "$PGDATA/unreadable"')
    try:
        with pytest.raises(ComposeError, match="error: pg_basebackup"):
            composition.module("deploy.backup", "backups")
    finally:
        composition.compose(*within, 'rm -f "$PGDATA/unreadable"')
    assert set((composition.folder / "backups").iterdir()) == before
    try:
        composition.compose("kill", "postgresql")
        with pytest.raises(ComposeError, match="error:"):
            composition.module("deploy.backup", "backups")
        assert set((composition.folder / "backups").iterdir()) == before
    finally:
        composition.compose("up", "--detach", "--wait", "postgresql")
        composition.healthy()


def test_what_is_changed_during_the_copy_is_kept_for_its_end(composition: Composition) -> None:
    """The copy stands still while PostgreSQL ends many segments, none of which it needs for itself."""
    segment = composition.sql("postgres", "SELECT pg_walfile_name(pg_current_wal_lsn())")[0][0]
    with subprocess.Popen(
        ["docker", "compose", *copying("postgresql")], cwd=composition.folder, stdout=subprocess.PIPE
    ) as copy:
        assert copy.stdout is not None
        first = copy.stdout.read(1 << 16)
        assert not gone(composition, segment)
        assert not gone(composition, segment)
        assert len(first) + len(copy.stdout.read()) > 1 << 20
    assert copy.returncode == 0
    # Its slot ends with its session, which PostgreSQL ends a moment after the client has gone.
    slots = "SELECT slot_name FROM pg_replication_slots"
    wait_for(lambda: composition.sql("postgres", slots) == [["archive"]], 30, "the copy's slot to go")
    wait_for(lambda: gone(composition, segment), 120, "what nobody needs to go")


def gone(composition: Composition, segment: str) -> bool:
    """Whether PostgreSQL has no use for a segment any more, once it has begun others."""
    composition.sql("postgres", "SELECT pg_switch_wal()")
    composition.sql("postgres", "CHECKPOINT")
    return [segment] not in composition.sql("postgres", "SELECT name FROM pg_ls_waldir()")


def test_old_backups_go_and_the_archive_behind_those_of_all_folders(composition: Composition) -> None:
    first = manifest_of(backed_up(composition)).wal
    composition.sql("postgres", "SELECT pg_switch_wal()")
    elsewhere = composition.folder / "elsewhere"
    with pytest.raises(ComposeError, match="error: there is no folder elsewhere"):
        composition.module("deploy.backup", "elsewhere", "--keep", "1")
    elsewhere.mkdir()
    composition.module("deploy.backup", "elsewhere", "--keep", "1")
    until_archived(composition)
    assert first in archived(composition), "a backup in the other folder needs it"
    backup = composition.folder / composition.module("deploy.backup", "backups", "--keep", "1").split()[0]
    assert list((composition.folder / "backups").iterdir()) == [backup]
    (other,) = elsewhere.iterdir()
    first = manifest_of(other).wal
    until_archived(composition)
    assert min(archived(composition)) == first < manifest_of(backup).wal


def archived(composition: Composition) -> list[str]:
    """The whole segments in the archive, and the one that is being written."""
    kept = composition.compose("exec", "-T", "postgresql-archive", "ls", "/var/lib/postgresql/data/wal").split()
    return [name[:24] for name in kept if not name.endswith(".history")]
