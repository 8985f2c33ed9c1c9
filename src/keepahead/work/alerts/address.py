"""Where alerts go: mail addresses and the URLs of chats and webhooks, read and checked; none is ever shown whole."""

import hashlib
import logging
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from apprise import Apprise, AppriseAsset, NotifyBase
from apprise.exception import AppriseImproperlyConfigured
from apprise.manager_plugins import NotificationManager
from sentry_sdk.integrations.logging import ignore_logger

from keepahead.keepa.filters import nearest_name
from keepahead.work.alerts.mail_server import MAIL_ADDRESS, MailServer

_MadeOf = str | Mapping[str, Any]
"""What apprise makes a plugin of: a URL, or its parts."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.+-]*)://")
_PIECE = re.compile(r"[^/:@?&=#,\s]{5,}")
_WEB = {"http": "json", "https": "jsons"}
_WEBHOOKS = frozenset(("json", "jsons", "xml", "xmls", "form", "forms"))
_WITH_HOST = _WEBHOOKS | {"mail"}
"""Kinds whose host is a host; that of a chat is part of what is secret."""

_LOOK = AppriseAsset(
    app_id="keepahead",
    app_desc="keepahead",
    app_url="",
    image_url_mask="",
    image_url_logo="",
    async_mode=False,  # and no time-out of its own: else it sends from a pool of a few threads, in which one silent
    service_timeout=0,  # server takes the place of others, and which the process waits for at its end
)
"""How we appear: under our own name, and with no picture that is loaded from elsewhere."""

# What apprise logs is read from its results: what of it may be told goes into our own log, the rest nowhere.
_apprise = logging.getLogger("apprise")
_apprise.propagate = False
_apprise.setLevel(logging.DEBUG)
ignore_logger("apprise")  # by Sentry


class AddressError(ValueError):
    """An address that cannot be used. The text says which one and why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Address:
    """One place to tell. `name` may be shown: `mail:ann@example.com`, `slack:3fa9c1`; what is secret is `_made_of`."""

    name: str
    _made_of: _MadeOf = field(repr=False)

    @property
    def kind(self) -> str:
        """What it is: mail, slack, json."""
        return self.name.partition(":")[0]

    def plugin(self) -> NotifyBase:
        """Return what delivers to it, made anew: one that hangs is left to itself. Raises AddressError."""
        plugin = _made(self._made_of)
        if plugin is None:
            raise AddressError(f"{self.name}: {_why(self.name)}")
        return plugin

    def without_secrets(self, words: str) -> str:
        """Return words without any piece of the address that could be a secret."""
        for piece in sorted(self._secrets(), key=len, reverse=True):
            words = words.replace(piece, "…")
        return words

    def _secrets(self) -> set[str]:
        if not isinstance(self._made_of, str):
            password = self._made_of["password"]
            return {password} if password else set()
        host = urlsplit(self._made_of).hostname if self.kind in _WITH_HOST else None
        told = {*_PIECE.findall(self._made_of), *_PIECE.findall(unquote(self._made_of))}
        return told - {host, *self.name.split(":")}


def read_address(text: str, server: MailServer | None) -> Address:
    """Read a mail address or a URL. Raises AddressError."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _mail(text, server)
    kind = scheme[1].lower()
    if kind in _WEB:
        raise AddressError(f"{kind}://… does not say what is there; write {_WEB[kind]}://… if it takes JSON")
    plugin = _checked(text, f"{kind}://…")
    return Address(_name_of(plugin, kind, text), text)


def _mail(text: str, server: MailServer | None) -> Address:
    if not MAIL_ADDRESS.fullmatch(text):
        raise AddressError("it is neither a mail address nor a URL such as slack://…")
    if server is None:
        raise AddressError(f"{text} needs a mail server: set KEEPAHEAD_SMTP_URL=smtp://user:password@mail.example.com")
    made_of = server.to(text)
    _checked(made_of, text)
    return Address(f"mail:{text}", made_of)


def _checked(made_of: _MadeOf, shown: str) -> NotifyBase:
    """Build what delivers; whatever apprise would leave out with a warning is an error here.

    Not for use by several threads at a time: what it listens to is heard by all.
    """
    ear = _Ear(logging.WARNING)
    _apprise.addHandler(ear)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of the many libraries that apprise looks for
            plugin = _made(made_of)
    finally:
        _apprise.removeHandler(ear)
    if plugin is None or ear.has_heard:
        raise AddressError(f"{shown}: {_why(shown)}")
    return plugin


class _Ear(logging.Handler):
    """Notices that something is said."""

    has_heard = False

    def emit(self, record: logging.LogRecord) -> None:
        _ = record
        self.has_heard = True


def _made(made_of: _MadeOf) -> NotifyBase | None:
    parts = made_of if isinstance(made_of, str) else dict(made_of)
    make = cast("Callable[..., NotifyBase | None]", Apprise.instantiate)  # pyright: ignore[reportUnknownMemberType]
    try:
        return make(parts, asset=_LOOK, suppress_exceptions=False)
    except (AppriseImproperlyConfigured, TypeError, ValueError):
        return None


def _why(shown: str) -> str:
    """Say what to do. What apprise says of an address it cannot read may hold any part of it."""
    kind = shown.partition(":")[0]
    known = set(cast("list[str]", NotificationManager().schemas()))
    if shown.endswith("://…") and kind not in known:
        nearest = nearest_name(kind, tuple(known))
        return f"there is no such kind{f'; did you mean {nearest}://?' if nearest else ''}"
    return "something in it is missing or wrong; appriseit.com/services says how each kind is written"


def _name_of(plugin: NotifyBase, kind: str, text: str) -> str:
    if kind in {"mailto", "mailtos"}:
        targets: list[tuple[Any, str]] = getattr(plugin, "targets", [])
        return f"mail:{','.join(address for _, address in targets)}"[:200]
    host = f"{plugin.host}:" if kind in _WEBHOOKS else ""
    return f"{kind}:{host}{hashlib.sha256(text.encode()).hexdigest()[:6]}"[:200]
