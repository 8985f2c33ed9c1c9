"""What `keepahead` promises, and nothing else."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

import keepahead


def test_all_is_sorted_and_true():
    """`__all__` is sorted, and every name in it is there; no other public name is."""
    assert keepahead.__all__ == sorted(keepahead.__all__)
    for name in keepahead.__all__:
        assert getattr(keepahead, name) is not None
    rooms = [name for room in keepahead._ROOMS.values() for name in room]
    assert sorted(rooms) == sorted(keepahead.__all__)
    public = {
        name
        for name, value in vars(keepahead).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public - {"Any", "TYPE_CHECKING", "import_module"} == set(keepahead.__all__)


def test_type_checkers_see_the_same():
    """The names for type checkers are those of the table."""
    source = Path(keepahead.__file__ or "").read_text()
    for room, names in keepahead._ROOMS.items():
        for name in names:
            assert f"from keepahead.{room} import {name} as {name}\n" in source


def test_no_such_name():
    """A name that is not promised is an AttributeError, as anywhere."""
    with pytest.raises(AttributeError):
        _ = keepahead.Ledger
    assert set(keepahead.__all__) == set(dir(keepahead))


def test_importing_is_cheap():
    """`import keepahead` brings in no database and no HTTP client; they come with the first client."""
    code = "import sys, keepahead; print(sorted({'sqlalchemy', 'httpx2', 'pydantic', 'alembic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
