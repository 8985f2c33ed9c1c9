"""How the addresses of alerts and their mail server are written in the settings."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from keepahead.faces.loopback import is_loopback
from keepahead.work.alerts.mail_server import MAIL_ADDRESS, MailServer

_NEXT_URL = re.compile(r",(?=[A-Za-z][A-Za-z0-9.+-]*://)")
_PORTS = {"ssl": 465, "starttls": 587, "insecure": 25}
_LIKE_THIS = (
    "it must look like smtp://user:password@mail.example.com, or smtps://…; "
    "signs such as / # @ in a password are written %2F %23 %40"
)


def split_addresses(text: str) -> tuple[str, ...]:
    """Split a list at blanks; mail addresses and the beginnings of URLs also at commas: a URL may hold commas."""
    found: list[str] = []
    for word in text.split():
        for each in _NEXT_URL.split(word):
            found += [each.rstrip(",")] if "://" in each else each.split(",")
    return tuple(filter(None, found))


def read_mail_server(url: str) -> MailServer:
    """Read `smtp://user:password@host:587` (STARTTLS), or `smtps://…:465`; `?from=` says who sends. Raises ValueError.

    Mail leaves this machine encrypted; `?tls=no` gives that up.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError(_LIKE_THIS) from None  # what urllib says of it may hold a password
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise ValueError(_LIKE_THIS)
    if unknown := sorted(asked.keys() - {"from", "tls"}):
        raise ValueError(f"it takes ?from= and ?tls=no, and not {unknown[0]}=")
    if "from" in asked and not MAIL_ADDRESS.fullmatch(asked["from"]):
        raise ValueError("from= is no mail address")
    if asked.get("tls", "no") != "no":
        raise ValueError("tls= can only be no: mail is encrypted without it")
    mode = "ssl" if parts.scheme == "smtps" else "starttls"
    if mode == "starttls" and ("tls" in asked or is_loopback(parts.hostname)):
        mode = "insecure"
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[mode],
        mode=mode,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        sender=asked.get("from"),
    )
