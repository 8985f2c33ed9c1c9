"""`--save FILE`: a JSON document for a later command, and reading it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import typer

from keepahead.faces.cli.files import demand_writable, new_file
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import text_of
from keepahead.faces.saved import read_analyses
from keepahead.work.analysis.verify import Expected


@dataclass(frozen=True, slots=True)
class Saved:
    """A JSON file that can be written; nothing is there until it is complete."""

    path: Path
    force: bool

    def write(self, document: Any) -> None:
        """Write the document, and say so. Raises NotWritten."""
        with new_file(self.path, force=self.force) as unfinished:
            unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
        say(f"saved to {self.path}")


def saved_to(file: str | None, *, force: bool) -> Saved | None:
    """Find out whether the file can be written, before anything is spent. Raises BadParameter."""
    if file is None:
        return None
    path = Path(file).absolute()
    demand_writable(path, force=force, option="--save")
    return Saved(path, force)


def expected_from(file: str, domain: int, option: str) -> Mapping[str, Expected]:
    """Read what an analysis saved, by ASIN, for one marketplace. Raises BadParameter."""
    try:
        found = read_analyses(text_of(file, option), domain)
    except ValueError:
        message = f"{file} holds no analyses; keepahead analyse --save writes one, and its --json is one"
        raise typer.BadParameter(message, param_hint=f"'{option}'") from None
    if not found:
        raise typer.BadParameter(f"{file} holds no analysis for this marketplace", param_hint=f"'{option}'")
    return found
