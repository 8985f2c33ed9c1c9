"""Who takes our mails, and what becomes of an address there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAIL_ADDRESS = re.compile(r"[^\s@/:,;<>\"']+@[^\s@/:,;<>\"']+")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that takes mails. `mode` is apprise's word: starttls, ssl (from the first byte) or insecure."""

    host: str
    port: int
    mode: str
    user: str | None
    password: str | None = field(repr=False)
    sender: str | None

    def to(self, address: str) -> Mapping[str, Any]:
        """Return what apprise makes a mail to that address of. Who sends is the user, if that is an address."""
        is_address = self.user is not None and MAIL_ADDRESS.fullmatch(self.user) is not None
        return {
            "schema": "mailto" if self.mode == "insecure" else "mailtos",
            "host": self.host,
            "smtp_host": self.host,
            "port": self.port,
            "secure_mode": self.mode,
            "user": self.user,
            "password": self.password,
            "from_addr": self.sender or (self.user if is_address else address),
            "targets": [address],
        }
