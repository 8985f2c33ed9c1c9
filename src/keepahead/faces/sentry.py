"""Errors to Sentry, where its address is set; scrubbed of keys before they leave. Off otherwise."""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import sentry_sdk
from pydantic import SecretStr
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn, Dsn
from starlette.datastructures import Headers
from starlette.types import Scope

from keepahead import __version__
from keepahead.errors import SettingsError
from keepahead.faces.redaction import redacted

CLOSE_SECONDS = 2.0
"""So long what is still to be sent may take at the end."""

ALERTS_LOG = "keepahead.alerts"
"""Where alerts are written to the log: Sentry is told of them by a message of their own, and not twice."""

_MARK = "[key]"
_SECRETS = re.compile(
    r"(?:.*[_-])?(?:key|key_text|keys|authorization|cookie|password|passwd|secret|dsn|database_url)", re.IGNORECASE
)
"""Names of what is never told, whatever it looks like: of headers, of parameters, of variables."""

_LOGIN = re.compile(r"(://)[^/@\s]*:[^/@\s]*@")


def open_sentry(dsn: SecretStr | None) -> None:
    """Send errors there from now on, for this process; nothing about people (Sentry's own default).

    Raises SettingsError where it is no address of Sentry's.
    """
    if dsn is None:
        return
    try:
        Dsn(dsn.get_secret_value())
    except (BadDsn, ValueError):
        name = "KEEPAHEAD_SENTRY_DSN"
        raise SettingsError(name, f"{name} must be a DSN, as the settings of a Sentry project show it") from None
    sentry_sdk.init(
        dsn.get_secret_value(),
        release=os.environ.get("SENTRY_RELEASE") or f"keepahead@{__version__}",
        auto_enabling_integrations=False,
        default_integrations=False,  # they change how other libraries work, and tell of what they see
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR), DedupeIntegration()],
        max_request_body_size="never",
        auto_session_tracking=False,
        before_send=_scrubbed,
        before_breadcrumb=_scrubbed_breadcrumb,
    )


def close_sentry() -> None:
    """Send what is still to be sent, and no more from then on. Blocks, for some seconds at most."""
    client = sentry_sdk.get_client()
    client.close(timeout=CLOSE_SECONDS)
    sentry_sdk.get_global_scope().set_client(None)


def tell_fault(error: BaseException, scope: Scope, request_id: str) -> None:
    """Tell of an error that a request met; of the request, what helps to find it."""
    with sentry_sdk.new_scope() as told:
        told.set_tag("request_id", request_id)
        told.add_event_processor(lambda event, _: {**event, "request": _request(scope)})
        sentry_sdk.capture_exception(error)


def _request(scope: Scope) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "url": scope["path"],
        "query_string": scope["query_string"].decode("latin-1"),
        "headers": dict(Headers(scope=scope)),
    }


def _scrubbed(event: Event, _: Hint) -> Event | None:
    if event.get("logger") == ALERTS_LOG:
        return None
    return cast("Event", _without_keys(event))


def _scrubbed_breadcrumb(breadcrumb: dict[str, Any], _: Hint) -> dict[str, Any]:
    return _without_keys(breadcrumb)


def _without_keys(value: Any) -> Any:
    """Return the same without keys, however deep they lie."""
    match value:
        case str():
            return _LOGIN.sub(rf"\1{_MARK}@", redacted(value))
        case bytes():
            return _without_keys(value.decode("latin-1"))
        case Mapping():
            members = cast("Mapping[Any, Any]", value)
            return {name: _MARK if _is_secret(name) else _without_keys(each) for name, each in members.items()}
        case Sequence():
            return [_without_keys(each) for each in cast("Sequence[Any]", value)]
        case _:
            return value


def _is_secret(name: object) -> bool:
    return isinstance(name, str) and _SECRETS.fullmatch(name) is not None
