"""What an import of NPPES costs: rows a second into PostgreSQL, first and again, against copying what came of them.

Owns a file of made-up people, and the ratio to COPY of the same entries into the same tables with the same indexes.
Refuses to hide what the disk must take: the size of the database and its log of changes, a row each.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import make_url, text

from services.chassis import migrate
from services.chassis.clock import SystemClock
from services.chassis.db import Database
from services.directory.imports.nppes import NppesImport, Rejected, Wanted
from services.directory.imports.nppes_file import source
from tests import nppes as files

ROWS = 200_000
_TABLES = ("listing", "listing_tag")


class _Untold:
    """No line is rejected."""

    def keep_up_to(self, line: int) -> None:
        """Nothing is kept."""

    def write(self, rejected: Iterable[Rejected]) -> None:
        """Raises RuntimeError for a line that is rejected after all."""
        for each in rejected:
            raise RuntimeError(f"line {each.line}: {each.reason}")


def measure(folder: Path, postgresql_url: str, rows: int = ROWS) -> dict[str, float]:
    """Every figure of this part."""
    path = folder / "npidata_pfile_bench.csv"
    with path.open("wb") as file:
        file.write(files.HEADER)
        file.writelines(files.realistic(rows))
    with _database(postgresql_url) as database:
        before = _log_position(database)
        first, written = _imported(database, path), _log_position(database) - before
        size = sum(_number(database, f"SELECT pg_total_relation_size('{table}')") for table in _TABLES)
        again = _imported(database, path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        copied = _copied(database)
    return {
        "nppes_rows_imported_per_second": rows / first,
        "nppes_rows_imported_again_per_second": rows / again,
        "nppes_import_in_bare_copies": first / copied,
        "nppes_bytes_in_database_per_row": size / rows,
        "nppes_bytes_of_log_per_row": written / rows,
        "nppes_import_peak_mib": peak,
    }


def _imported(database: Database, path: Path) -> float:
    begun = time.perf_counter()
    NppesImport(database, SystemClock(), source(path), _Untold()).run(Wanted(full=True))
    return time.perf_counter() - begun


def _copied(database: Database) -> float:
    """Seconds for the same entries by COPY alone."""
    with psycopg.connect(database.url.set(drivername="postgresql").render_as_string(hide_password=False)) as own:
        copies: dict[str, list[bytes]] = {}
        for table in _TABLES:
            own.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)".encode())
            with own.cursor().copy(f"COPY {table} TO STDOUT".encode()) as out:
                copies[table] = [bytes(part) for part in out]
        own.commit()
        begun = time.perf_counter()
        for table, parts in copies.items():
            with own.cursor().copy(f"COPY bare_{table} FROM STDIN".encode()) as into:
                for part in parts:
                    into.write(part)
        own.commit()
        return time.perf_counter() - begun


def _log_position(database: Database) -> float:
    """Bytes of the server's log of changes: of everybody who writes there meanwhile."""
    return _number(database, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")


def _number(database: Database, question: str) -> float:
    with database.transaction() as session:
        return float(session.execute(text(question)).scalar_one())


@contextmanager
def _database(postgresql_url: str) -> Iterator[Database]:
    name = f"concord_bench_{uuid4().hex[:12]}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg", database=name)
    database = Database(url.render_as_string(hide_password=False))
    migrate.upgrade(database, "directory")
    try:
        yield database
    finally:
        database.dispose()
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


if __name__ == "__main__":
    import tempfile

    from tests import real

    with tempfile.TemporaryDirectory(prefix="concord-bench-") as work:
        for what, value in measure(Path(work), real.POSTGRESQL).items():
            print(f"{what} {value:,.2f}")
