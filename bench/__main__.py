"""`make bench`: what Concord costs, as ratios against the limits of the same machine in the same run.

Owns the order of the parts and the report: one JSON line, one table. Refuses to judge: nothing here fails for being
slow.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests import real

from . import age_stream, consents, directory, key_log, leases, letters, nppes, sealing


def main() -> None:
    """Measure, and print what was measured."""
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as folder:
        postgresql = real.POSTGRESQL if real.postgresql_answers(real.POSTGRESQL) else real.start_postgresql()
        amqp = real.AMQP if real.rabbitmq_answers(real.AMQP) else real.start_rabbitmq()
        work = Path(folder)
        figures = age_stream.measure(work) | sealing.measure(work) | consents.measure(postgresql)
        figures |= leases.measure(postgresql)
        figures |= nppes.measure(work, postgresql)
        figures |= directory.measure(postgresql)
        figures |= letters.measure(work, postgresql, amqp)
        figures |= key_log.measure(work / "key-log", postgresql, amqp)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    print(json.dumps({"machine": machine, **{name: round(value, 3) for name, value in figures.items()}}))
    table = Table("figure", "value", box=None, title=f"{machine['cores']} cores, Python {machine['python']}")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
