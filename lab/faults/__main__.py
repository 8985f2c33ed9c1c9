"""`make faults`: plays every fault, prints what was promised and what happened; 1 where a promise was broken."""

import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.faults.fault import Fault, LeftOutError
from lab.faults.table import FAULTS


def main() -> int:
    """Play those whose names hold one of the arguments, or all; `--json` prints one document."""
    words = [word for word in sys.argv[1:] if word != "--json"]
    chosen = [each for each in FAULTS if not words or any(word in f"{each.part} {each.name}" for word in words)]
    rows = [_played(each) for each in chosen]
    if "--json" in sys.argv:
        print(json.dumps(rows, indent=2))
    else:
        Console(width=150).print(_table(rows))
    return int(any(row["is_kept"] is False for row in rows))


def _played(fault: Fault) -> dict[str, object]:
    row: dict[str, object] = {"part": fault.part, "fault": fault.name, "promised": fault.promised}
    print(f"{fault.part}: {fault.name} …", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="keepahead-fault-") as folder:
        try:
            happened = fault.play(Path(folder))
        except LeftOutError as error:
            return {**row, "happened": f"left out: {error}", "is_kept": None}
    return {**row, "happened": "; ".join((happened.told, *happened.broken)), "is_kept": not happened.broken}


def _table(rows: list[dict[str, object]]) -> Table:
    table = Table("part", "fault", "what was promised", "what happened", "kept", show_lines=True)
    for row in rows:
        kept = {True: "yes", False: "NO", None: "-"}[row["is_kept"]]  # type: ignore[index]
        table.add_row(str(row["part"]), str(row["fault"]), str(row["promised"]), str(row["happened"]), kept)
    return table


if __name__ == "__main__":
    sys.exit(main())
