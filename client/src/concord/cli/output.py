"""What a command prints: for a person, or with `--json` for a program; errors with a hint.

Owns standard output, standard error and the exit status. Refuses stack traces: a failure that is not foreseen is told
as one line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

# Columns of ids that are copied into the next command.
_COPIED = {"id", "letter"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of text.")]

PIPE_WIDTH = 400
# soft_wrap: a fingerprint or an id that is broken over two lines cannot be copied.
# What goes into a pipe or a file has no width to fit in: a program reads whole lines.
_out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
_err = Console(stderr=True, soft_wrap=True, highlight=False)


def show(value: Any, text: str, *, as_json: bool) -> None:
    """Print `value` as JSON, or `text`."""
    if as_json:
        print(json.dumps(value, indent=2, default=str, ensure_ascii=False))  # noqa: T201 - this module prints
    else:
        _out.print(_lines(text), markup=False)


def show_rows(rows: Sequence[dict[str, Any]], *, empty: str, as_json: bool) -> None:
    """Print a list: JSON, a table, or one line that says why there is nothing."""
    if as_json or not rows:
        show(list(rows), empty, as_json=as_json)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name in _COPIED)
    for row in rows:
        table.add_row(*("" if cell is None else _one_line(str(cell)) for cell in row.values()))
    _out.print(table, markup=False)


def note(text: str) -> None:
    """A remark beside the result, on standard error."""
    _err.print(_one_line(text), markup=False, style="yellow")


def fail(message: str, hint: str, *, as_json: bool, **members: Any) -> None:
    """Print `error:` and `hint:` on standard error."""
    if as_json:
        print(json.dumps({"error": message, "hint": hint} | members, default=str), file=sys.stderr)  # noqa: T201
        return
    # A service's words are in these: a hostile one has this terminal in its reach no more than a colleague has.
    _err.print(f"error: {_lines(message)}", markup=False, style="red")
    if hint:
        _err.print(f"hint: {_lines(hint)}", markup=False)


@contextmanager
def progress(label: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error for work over 1 MiB; yields a function that takes the bytes done since last
    time.
    """
    if quiet or total < 1024 * 1024 or not _err.is_terminal:
        yield lambda _done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_err, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)


def _lines(text: str) -> str:
    return "\n".join(map(_one_line, text.split("\n")))


def _one_line(text: str) -> str:
    """Control characters out: what a colleague typed must not move this terminal's cursor."""
    return "".join(character if character.isprintable() else "�" for character in text)
