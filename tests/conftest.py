"""Every test starts from nothing: no settings of this machine, a data folder of its own.

Hypothesis draws the same cases in every run, so that a result is a result; HYPOTHESIS_PROFILE=explore draws new ones.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("steady", STEADY, derandomize=True)
settings.register_profile("explore", STEADY, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path, monkeypatch) -> None:
    for name in list(os.environ):
        if name.startswith(("KEEPA_", "KEEPAHEAD_")) and not name.startswith("KEEPAHEAD_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "work")
