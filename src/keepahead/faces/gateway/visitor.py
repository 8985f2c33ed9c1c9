"""Who came to the gateway, and why somebody is turned away. No error here holds a key."""

from dataclasses import dataclass
from math import ceil

from keepahead.budget.scope import Scope


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request. The ledger charges `name`; `lane` "live" may spend in both lanes, "jobs" only in its own."""

    name: str
    scope: Scope
    lane: str
    requests_per_minute: int | None
    key_id: str

    def demand(self, scope: Scope) -> None:
        """Raise ScopeError unless this visitor may do what asks for `scope`."""
        if not self.scope.covers(scope):
            raise ScopeError(
                f'this asks for a key with the scope "{scope}", and the key of {self.name} has "{self.scope}"; '
                f"keepahead keys limit {self.name} --scope {scope} changes it"
            )

    def lane_for(self, wanted: str | None) -> str:
        """Return the lane to spend in: the one wanted, or the visitor's own. Raises ScopeError."""
        if wanted == "live" and self.lane != "live":
            raise ScopeError(
                f'the key of {self.name} may spend in the lane "{self.lane}" only; '
                f"keepahead keys limit {self.name} --lane live changes it"
            )
        return wanted or self.lane


class AccessDenied(Exception):  # noqa: N818 - an answer, not a fault
    """A request is turned away with the HTTP `status`; `reason` says what to do. Neither holds a key."""

    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoKeyError(AccessDenied):
    """The request came without a key."""

    def __init__(self) -> None:
        super().__init__(
            "a key of this gateway is needed (Authorization: Bearer KEY, or X-API-Key: KEY); "
            "keepahead keys create NAME makes one"
        )


class WrongKeyError(AccessDenied):
    """The key is none of ours, or is revoked: who shows it is not told which."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; keepahead keys shows which are good, keepahead keys create NAME makes one")


class ScopeError(AccessDenied):
    """The key is good, but not for this."""

    status = 403


class TooManyWrongKeysError(AccessDenied):
    """Too many unknown keys came from that address; the next may in `wait_seconds`. Known ones go on as before."""

    status = 429

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"too many wrong keys came from your address; try again in {ceil(wait_seconds)} s")
        self.wait_seconds = wait_seconds
