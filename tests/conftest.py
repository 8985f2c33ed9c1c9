"""Every test starts from nothing: no settings of this machine, a data folder of its own."""

import os

import pytest


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path, monkeypatch) -> None:
    for name in list(os.environ):
        if name.startswith(("KEEPA_", "KEEPAHEAD_")) and not name.startswith("KEEPAHEAD_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "work")
