"""Thresholds: each is a setting, has a line in the docs with its true default, and does something."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from tests.work.analysis.made import NOW, SERUM, recorded

from keepahead import SettingsError
from keepahead.faces.settings import read_settings
from keepahead.work.analysis.analyse import analyse
from keepahead.work.analysis.thresholds import Bar, Ramp, Thresholds

PAGE = (Path(__file__).parents[3] / "docs" / "analysis.md").read_text()
NAMES = [field.name for field in fields(Thresholds)]


@pytest.mark.parametrize("name", NAMES)
def test_every_threshold_is_documented(name):
    """Every threshold is explained in the page, and listed with its true default."""
    assert f"| `{name}` | {json.dumps(getattr(Thresholds(), name))} |" in PAGE
    assert PAGE.split("## Defaults")[0].count(f"`{name}`") >= 1


def test_thresholds_from_the_environment(monkeypatch):
    """A threshold can be set by its own name, or all of them as one JSON object."""
    monkeypatch.setenv("KEEPAHEAD_ANALYSIS__ROI_TARGET", "0.35")
    monkeypatch.setenv("KEEPAHEAD_ANALYSIS__RISK_RIVALS", "[3, 15, 20]")
    found = read_settings().analysis
    assert (found.roi_target, found.risk_rivals) == (0.35, Ramp(3, 15, 20))
    assert found.changed() == {"roi_target": 0.35, "risk_rivals": [3, 15, 20]}
    monkeypatch.setenv("KEEPAHEAD_ANALYSIS", '{"vat_percent": 19}')
    assert read_settings().analysis.vat_percent == 19


def test_thresholds_from_toml():
    """keepahead.toml has a table for them."""
    Path("keepahead.toml").write_text("floor = 11\n[analysis]\nbuy = [0.25, 50, 45]\n", encoding="utf-8")
    assert read_settings().analysis == Thresholds(buy=Bar(0.25, 50, 45))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roi_targt = 0.5", "did you mean roi_target"),
        ("zzz = 1", "there is no threshold zzz"),
        ("roi_target = -1", "roi_target must be made of numbers from 0 on"),
        ('roi_target = "x"', r"KEEPAHEAD_ANALYSIS\.roi_target cannot be used"),
        ("assumed_cost_percent = 0", "must be above 0"),
        ("buy = [0.9, 50, 45]", "strong_buy must ask for no less"),
        ("buy = [0.3, 50]", r"KEEPAHEAD_ANALYSIS\.buy"),
        ("buy = 3", r"KEEPAHEAD_ANALYSIS\.buy"),
        ("roi_target = nan", "roi_target must be made of numbers"),
    ],
)
def test_thresholds_that_cannot_be(text, told):
    """A threshold that is not there, or that no formula can work with, is an error and never ignored."""
    Path("keepahead.toml").write_text(f"[analysis]\n{text}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=told):
        read_settings()


def test_thresholds_that_are_no_table(monkeypatch):
    """What is no table of thresholds is named as the culprit."""
    monkeypatch.setenv("KEEPAHEAD_ANALYSIS", "nonsense")
    with pytest.raises(SettingsError, match="KEEPAHEAD_ANALYSIS"):
        read_settings()


def test_a_threshold_changes_the_outcome():
    """What is set is what counts."""
    rules = Thresholds()
    strict = analyse(recorded(SERUM), now=NOW, buying_price=550, thresholds=replace(rules, consider=Bar(0.3, 20, 50)))
    assert strict.recommendation.verdict == "SKIP"
    lenient = replace(rules, stale_days=1000, buy=Bar(0.3, 50, 60))
    assert analyse(recorded(SERUM), now=NOW, buying_price=550, thresholds=lenient).recommendation.verdict == "BUY"
