"""Files that people name: whether one can be written is found out early, and it is complete or not there at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

import typer

from keepahead.errors import SettingsError
from keepahead.faces.cli.exits import NotWritten


def demand_installed(module: str, extra: str, what: str, option: str) -> None:
    """Raise SettingsError where an optional package is not there."""
    if find_spec(module) is None:
        message = f"{what} needs {module}, which is not installed: pip install 'keepahead[{extra}]'"
        raise SettingsError(option, message)


def demand_free(path: Path, *, force: bool, option: str = "--output") -> None:
    """Raise BadParameter if something is there already that is not to be replaced, or that is no file."""
    if path.is_file() and not force:
        raise typer.BadParameter(f"{path} is there already; --force replaces it", param_hint=f"'{option}'")
    if path.exists() and not path.is_file():
        raise typer.BadParameter(f"{path} is no file; name a file", param_hint=f"'{option}'")


def demand_writable(path: Path, *, force: bool, option: str = "--output") -> None:
    """Raise BadParameter if the file could not be written now: the folder is tried, for nothing else tells surely."""
    try:
        demand_free(path, force=force, option=option)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise typer.BadParameter(
            f"{path} cannot be written: {reason}; nothing was spent", param_hint=f"'{option}'"
        ) from None


@contextmanager
def new_file(path: Path, *, force: bool) -> Generator[Path]:
    """Give the name of a file beside `path` that takes its place at the end, and is gone if it does not come to that.

    Raises BadParameter if something is there already and not to be replaced, NotWritten if the disk does not allow it.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        demand_free(path, force=force)
        yield unfinished
        demand_free(path, force=force)
        unfinished.replace(path)
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror or error}; nothing of it is left") from None
    finally:
        with suppress(OSError):  # where it could not be made there is nothing to take away
            unfinished.unlink(missing_ok=True)
