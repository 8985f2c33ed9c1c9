"""This machine's own names and addresses: nobody else is there to listen."""

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=64)  # a name may be long, and made up
def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
