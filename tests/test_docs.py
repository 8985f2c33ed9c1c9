"""The docs say what is there: every setting, command, error and method, and every block of Python runs."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keepahead
from keepahead import errors
from keepahead.faces.cli.main import COMMANDS
from keepahead.faces.settings import Settings, setting_name
from keepahead.keepa.async_methods import AsyncMethods

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_runs(block, tmp_path):
    """Every block of Python in the docs runs as it stands, without a key."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr


def test_every_setting_is_documented():
    """Every setting is in the table under the name that people set, with its true default where it is a number."""
    for name, field in Settings.model_fields.items():
        row = next(line for line in REFERENCE.splitlines() if line.startswith(f"| `{setting_name(name)}` |"))
        if isinstance(field.default, int):
            assert f"| {field.default} |" in row
        assert field.description


def test_every_error_is_documented():
    """Every error is in the table and at the front door, and the tree on top of errors.py is true."""
    tree = errors.__doc__ or ""
    for name, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, errors.KeepaheadError):
            assert f"`{name}`" in REFERENCE
            assert name in tree
            assert name in keepahead.__all__


def test_every_method_is_documented():
    """Every method of the clients is named in the reference."""
    for name, _ in inspect.getmembers(AsyncMethods, inspect.isfunction):
        assert name.startswith("_") or f"`{name}`" in REFERENCE


def test_every_command_is_documented():
    """Every command is in the table, and every command in the table is there."""
    listed = re.findall(r"^\| `([a-z]+)` \|", REFERENCE.split("## Commands")[1].split("## Errors")[0], re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_links_lead_somewhere():
    """Every link to a file of ours has that file at its end."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), (page, target)
