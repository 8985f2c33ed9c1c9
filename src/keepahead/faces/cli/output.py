"""`--output FILE`: results as csv, xlsx, parquet or jsonl, by the ending of the file's name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from keepahead.faces.cli.exits import NotWritten
from keepahead.faces.cli.files import demand_installed, demand_writable, new_file
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import one_of
from keepahead.faces.sheet import NEEDS, Field, TooManyRowsError, Value, bytes_of

File = Annotated[
    str | None,
    typer.Option("--output", "-o", help="Write the results to a file too: .csv, .xlsx, .parquet or .jsonl."),
]

Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]


@dataclass(frozen=True, slots=True)
class Output:
    """A file that can be written; nothing is there until it is complete."""

    path: Path
    force: bool

    def write(self, fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> None:
        """Write a line for each row, and say so. Raises NotWritten."""
        with new_file(self.path, force=self.force) as unfinished:
            try:
                written = bytes_of(self.path.suffix.lower(), fields, rows)
            except TooManyRowsError as error:
                raise NotWritten(str(error)) from None
            unfinished.write_bytes(written)
        say(f"{len(rows):,} row{'' if len(rows) == 1 else 's'} written to {self.path}")


def output_to(file: str | None, *, force: bool, also: str | None = None) -> Output | None:
    """Find out whether the file can be written, before anything is spent. Raises BadParameter and SettingsError.

    `also` is another file of the command that --force is good for.
    """
    if file is None:
        if force and also is None:
            raise typer.BadParameter("--force is for a file that --output names", param_hint="'--force'")
        return None
    path = Path(file).absolute()
    ending = one_of(path.suffix.lower() or path.name, tuple(NEEDS), "--output")
    if module := NEEDS[ending]:
        demand_installed(module, "data", ending, "--output")
    demand_writable(path, force=force)
    return Output(path, force)
