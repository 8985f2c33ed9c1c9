"""What is written to the log for people to read."""

import logging

import pytest
import structlog

from keepahead.faces.gateway.logs import configure_logs


@pytest.fixture
def _as_before():
    """Have all logs as they were, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    ours = logging.getLogger("keepahead")
    kept = ours.handlers[:], ours.propagate, ours.level
    yield
    root.handlers, root.level = handlers, level
    ours.handlers, ours.propagate = kept[0], kept[1]
    ours.setLevel(kept[2])
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("as_json", [False, True])
def test_no_control_signs(capsys, as_json):
    """A path that anybody asks for cannot speak to the terminal in which the log is read."""
    configure_logs(as_json=as_json)
    structlog.get_logger("test").info("request", path="/x\x1b[31m\x07\x9b2J\x00")
    logging.getLogger("test").warning("\x1b]0;title\x07 not found")
    written = capsys.readouterr().err
    assert written.count("\n") == 2
    assert all(sign.isprintable() or sign == "\n" for sign in written)
    assert "[31m" in written
