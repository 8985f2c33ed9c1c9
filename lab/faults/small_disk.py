"""A disk of our own that can be filled: a tmpfs of a fixed size."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.faults.fault import LeftOutError

_PIECE = bytes(1 << 16)


class SmallDisk:
    """Where it is mounted, and how it is filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no byte."""
        with suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(_PIECE)

    def make_room(self) -> None:
        """Give back what `fill` took."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(megabytes: int) -> Generator[SmallDisk]:
    """Mount one. Raises LeftOutError where that is not allowed."""
    if os.geteuid() != 0:
        raise LeftOutError("only root may mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="keepahead-disk-"))
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LeftOutError(f"no small disk can be mounted: {done.stderr.strip()}")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
