"""The gateway's log: one structured line for each event on stderr, as JSON or for people; no key in any of them."""

import logging
import re
import sys
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from keepahead.faces.redaction import redacted

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What moves the cursor or changes colours where the log is read, and may stand in a path that anybody asks for."""


def configure_logs(*, as_json: bool) -> None:
    """Have everything logged in one form: our own events, uvicorn's, and the warnings of libraries."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line in one write
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    ours = logging.getLogger("keepahead")
    ours.handlers = []
    ours.propagate = True
    ours.setLevel(logging.INFO)
    for library in ("httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.captureWarnings(True)  # Python's own, which would be plain lines between


def _json(event: Any, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    told = {name: _without_keys(value) for name, value in event.items()}
    if isinstance(told["event"], str):  # a library puts a path into it as it came, and nobody is to write our lines
        told["event"] = told["event"].rstrip().replace("\n", r"\n")
    return told


def _without_keys(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _CONTROLS.sub(lambda found: rf"\x{ord(found[0]):02x}", redacted(value))
