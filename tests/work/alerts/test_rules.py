"""Rules as settings: each can be set, in part, and one that is not there or cannot be is an error that says so."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.work.alerts.standing import ALL

from keepahead import SettingsError
from keepahead.faces.settings import read_settings
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.rules import NAMES


def wanted(name, **settings):
    """One rule as the settings want it."""
    return next(each for each in read_settings(**settings).rules if each.name == name)


def differing(settings):
    """The rules that are not as they are without settings."""
    return {each.name for each, usual in zip(settings.rules, ALL, strict=True) if each != usual}


def test_the_rules_as_they_are():
    """Without settings every rule is on, and the marks of the balance are those of the status."""
    assert [each.name for each in ALL] == list(NAMES)
    assert all(each.is_on for each in ALL)
    assert differing(read_settings()) == set()
    assert (wanted("low").threshold, wanted("critical").threshold) == (50, 20)
    assert (wanted("low", low=200).threshold, wanted("low", low=200).over) == (200, 240)


def test_rules_from_toml():
    """keepahead.toml has a table for each rule; what it does not say stays as it is."""
    Path("keepahead.toml").write_text(
        'low = 70\n[alerts.low]\ncool_down = "1h"\n[alerts.external]\non = false\n[alerts.critical]\nthreshold = 30\n'
        'over = 90\nto = "warning"\n',
        encoding="utf-8",
    )
    assert differing(read_settings()) == {"low", "external", "critical"}
    low = wanted("low")
    assert (low.threshold, low.over, low.cool_down, low.is_on) == (70, 84, timedelta(hours=1), True)
    assert not wanted("external").is_on
    critical = wanted("critical")
    assert (critical.threshold, critical.over, critical.severity, critical.to) == (
        30,
        90,
        Severity.CRITICAL,
        Severity.WARNING,
    )


def test_rules_from_the_environment(monkeypatch):
    """A part can be set by its own name, a rule as one JSON object, or all of them."""
    monkeypatch.setenv("KEEPAHEAD_ALERTS__LOW__THRESHOLD", "80")
    monkeypatch.setenv("KEEPAHEAD_ALERTS__LOW__COOL_DOWN", "30m")
    monkeypatch.setenv("KEEPAHEAD_ALERTS__DRIFT", '{"on": false}')
    assert differing(read_settings()) == {"low", "drift"}
    assert (wanted("low").threshold, wanted("low").cool_down) == (80, timedelta(minutes=30))
    monkeypatch.setenv("KEEPAHEAD_ALERTS", '{"negative": {"severity": "warning"}}')
    usual = next(each for each in ALL if each.name == "negative")
    assert wanted("negative") == replace(usual, severity=Severity.WARNING, to=Severity.WARNING)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[alerts.lw]\non = true", "there is no rule lw; did you mean low"),
        ("[alerts.low]\nthresold = 1", "there is no thresold in the rule low; did you mean threshold"),
        ("[alerts.low]\nzzz = 1", "there is no zzz in the rule low$"),
        ('[alerts.low]\nthreshold = "x"', r"KEEPAHEAD_ALERTS\.low\.threshold cannot be used"),
        ("[alerts.low]\nthreshold = nan", "low: threshold and over must be numbers"),
        ("[alerts.low]\nover = inf", "low: threshold and over must be numbers"),
        ("[alerts.low]\nover = 49", "low: over must be at least the threshold"),
        ("[alerts.floor_ahead]\nover = 29", "floor_ahead: over must be at least the threshold"),
        ("[alerts.keepa_errors]\nover = 6", "keepa_errors: over must be at least 0 and at most the threshold"),
        ("[alerts.external]\nover = 61", "external: over must be more than 0 and at most 60 minutes"),
        ("[alerts.drift]\nover = 1", "drift: over must be 0"),
        ('[alerts.low]\ncool_down = "soon"', "low.cool_down: write seconds, or a length of time"),
        ('[alerts.low]\nseverity = "bad"', r"KEEPAHEAD_ALERTS\.low\.severity"),
        ('[alerts.low]\nto = "mail"', r"KEEPAHEAD_ALERTS\.low\.to"),
        ("[alerts]\nlow = 80", r"low must be a table, such as \[alerts.low\] with a line threshold = 80"),
        ("alerts = 3", "KEEPAHEAD_ALERTS"),
        ('low = "x"\n[alerts.low]\nover = 1', "KEEPAHEAD_LOW"),
    ],
)
def test_rules_that_cannot_be(text, told):
    """What is not there, or cannot be, is an error that names it and is never ignored."""
    Path("keepahead.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=told):
        read_settings()
