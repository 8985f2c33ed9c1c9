"""Help, versions, usage errors, and what is not imported."""

import os
import subprocess
import sys

import pytest

from keepahead import __version__
from keepahead.faces.cli.main import COMMANDS, load_command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(cli, name):
    """The help of each command explains every option and argument, and every command takes --json."""
    command = load_command(name)
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name}"
    assert any("--json" in parameter.opts for parameter in command.params)
    shown = cli(name, "--help")
    assert shown.code == 0
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert option in shown.out


def test_help_is_cheap():
    """`keepahead --help` imports no database, no HTTP client and no settings."""
    code = (
        "import sys\n"
        "from keepahead.faces.cli.main import run\n"
        "run(['--help'])\n"
        "heavy = {'sqlalchemy', 'httpx2', 'pydantic', 'msgspec', 'rich', 'uvicorn'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert all(name in ended.stdout for name in COMMANDS)


def test_version_and_no_command(cli):
    """--version goes to stdout with code 0; nothing at all is a usage error that shows the help."""
    assert cli("--version").out == f"keepahead {__version__}\n"
    nothing = cli()
    assert (nothing.code, nothing.out) == (2, "")
    assert "Commands:" in nothing.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["produkt"], "No such command 'produkt'. Did you mean 'product'"),
        (["product", "--ofers", "20"], "No such option"),
        (["product", "--offers", "many", "B0D8W1YVBX"], "'--offers': Input should be a valid integer"),
        (["search"], "Missing argument"),
        (["status", "--lane", "fast"], "'fast'"),
        (["--jsn", "status"], "No such option"),
    ],
)
def test_usage_errors_are_one_line(cli, arguments, words):
    """What cannot be understood ends with code 2, nothing on stdout, and one line that names the help."""
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert "--help" in ended.sentence


def test_a_fault_of_ours_is_one_line_too(cli, monkeypatch):
    """An exception nobody thought of ends as one sentence with its place, without its text: it could hold the key."""
    monkeypatch.setattr("keepahead.faces.cli.status.read_settings", lambda: {}["secret"])
    ended = cli("status")
    assert ended.code == 1
    assert "a fault of keepahead itself" in ended.sentence
    assert "KeyError" in ended.sentence
    assert "secret" not in ended.err


def test_completion_knows_the_options(program):
    """Tab completion lists options, even of commands that are not imported yet."""
    asked = {"_KEEPAHEAD_COMPLETE": "complete_bash", "COMP_WORDS": "keepahead product --of", "COMP_CWORD": "2"}
    assert "--offers" in program(env=asked).out


def test_a_reader_that_goes_away(rich):
    """A pipe that closes early ends the command with one sentence and no traceback."""
    command = [sys.executable, "-m", "keepahead", "product", "B0D8W1YVBX", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(20) == 1
    assert "gone away" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
