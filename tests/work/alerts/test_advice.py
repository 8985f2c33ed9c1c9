"""What is advised: commands and settings that there are, for whom it concerns."""

import re
import shlex
from itertools import takewhile

import pytest
from tests.work.alerts.standing import at
from typer.testing import CliRunner

from keepahead.faces.cli.main import app
from keepahead.faces.settings import Settings, setting_name
from keepahead.work.alerts.advice import advice_of
from keepahead.work.alerts.alert import Picture, Spender
from keepahead.work.alerts.rules import NAMES

PICTURE = Picture(
    balance=18,
    free=18,
    floor=10,
    capacity=1200,
    refill_rate_per_minute=20,
    next_refill_at=at(0.5),
    full_at=at(60),
    pace_per_minute=30.0,
    floor_at=at(1),
    waiting=0,
    spenders=(Spender("", "", 500), Spender("night; rm -rf /", "product", 400)),
)
ADVICE = [(name, line) for name in NAMES for line in advice_of(name, "it's me", PICTURE)]
COMMANDS = sorted({found[1] for _, line in ADVICE if (found := re.search(r": keepahead (.*)$", line))})


def test_every_rule_has_advice():
    """Each rule says what to do, in lines that can be read."""
    assert {name for name, _ in ADVICE} == set(NAMES)
    assert all(line and len(line) < 160 and not line.endswith(".") for _, line in ADVICE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there(command):
    """Every command that is advised exists with the options that are advised."""
    words = shlex.split(command)
    verbs = list(takewhile(re.compile("[a-z]+").fullmatch, words))
    shown = CliRunner().invoke(app, [*verbs, "--help"])
    assert verbs
    assert shown.exit_code == 0
    assert [word for word in words if word.startswith("--") and word not in shown.output] == []


def test_every_setting_is_there():
    """Every setting that is advised exists."""
    named = {name for _, line in ADVICE for name in re.findall(r"KEEPAHEAD_[A-Z_]+", line)}
    assert named
    assert named <= {setting_name(field) for field in Settings.model_fields}


def test_names_are_quoted():
    """A caller's name is no part of a command line, whatever it is called."""
    lines = advice_of("low", "", PICTURE)
    assert "Limit who spends most: keepahead callers limit 'night; rm -rf /' --per-hour 200" in lines
    see, *_ = advice_of("caller_limit", "it's me", PICTURE)
    assert shlex.split(see.partition(": ")[2]) == ["keepahead", "ledger", "--caller", "it's me", "--by", "endpoint"]
