"""The PyPI package token-throttle on SQLite, in an environment of its own: it needs a newer Python than we do."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PACKAGE = "token-throttle>=14,<15"
ENVIRONMENT = Path(__file__).parents[1] / "build" / "bench-token-throttle"
_PYTHONS = ("3.12", "3.13", "3.14")
_SCRIPT = Path(__file__).with_name("token_throttle_pairs.py")


class LeftOutError(Exception):
    """It cannot be measured here, and why."""


class Neighbour:
    """A child process that does pairs when told, so that it can take its turn with the others."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._child = subprocess.Popen(
            [python, _SCRIPT, folder / "token-throttle.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.version = str(self._answer()["version"])

    def measure(self, times: int) -> float:
        """Return the seconds for one pair, measured in the child."""
        assert self._child.stdin
        self._child.stdin.write(f"{times}\n")
        self._child.stdin.flush()
        return float(str(self._answer()["seconds"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._child.communicate()

    def _answer(self) -> Mapping[str, object]:
        assert self._child.stdout
        line = self._child.stdout.readline()
        if not line:
            raise LeftOutError(f"its process ended with exit code {self._child.wait()}")
        return json.loads(line)


def environment(folder: Path, packages: Sequence[str] = (PACKAGE,)) -> Path:
    """Return the Python of an environment with the packages, made in `folder` if need be. Raises LeftOutError."""
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        base, settings = _newer_python()
        _run([base, "-m", "venv", "--clear", folder], settings)
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], settings)
        (folder / "ready").touch()
    return python


def _newer_python() -> tuple[str, Mapping[str, str]]:
    for command, settings in _candidates():
        if subprocess.run([command, "-c", ""], env=settings, capture_output=True, check=False).returncode == 0:
            return command, settings
    raise LeftOutError(f"no Python {', '.join(_PYTHONS[:-1])} or {_PYTHONS[-1]} runs here")


def _candidates() -> Iterator[tuple[str, Mapping[str, str]]]:
    """Every newer Python that there may be, with its settings; a name kept by pyenv only runs once it is chosen."""
    commands = [path for path in (shutil.which(f"python{version}") for version in _PYTHONS) if path]
    yield from ((command, os.environ) for command in commands)
    if pyenv := shutil.which("pyenv"):
        kept = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False).stdout.split()
        yield from ((command, {**os.environ, "PYENV_VERSION": version}) for version in kept for command in commands)


def _run(command: list[str | Path], settings: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise LeftOutError(f"{' '.join(map(str, command[1:4]))} failed: {said[-1] if said else done.returncode}")
