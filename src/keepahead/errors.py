"""Every error that keepahead raises, and the facts its catcher needs.

    KeepaheadError
     +-- InvalidCallError            a parameter that must not leave the machine
     +-- SettingsError               a setting that cannot be used
     +-- RefusedError                nothing was sent, nothing was spent
     |    +-- InsufficientTokensError     the tokens are not there in time
     |    +-- UnboundedCostError          no bound on the cost is known
     |    +-- MaxTokensError              above what the caller allows
     |    +-- FrozenError                 a freeze forbids it
     |    +-- CallerLimitError            the caller's own limit is used up
     +-- LedgerError
     |    +-- LedgerUnavailableError      not reachable: nothing may be spent
     |    +-- LedgerFormatError           not ours, damaged, or from a newer version
     +-- KeepaError                  the exchange with Keepa went wrong
     |    +-- KeepaUnreachable            nothing was sent
     |    +-- OutcomeUnknown              sent, but no answer: counts as charged
     |    +-- KeepaRejected               Keepa answered with an error
     |    +-- BadAnswerError              an answer that cannot be read
     +-- PartialResultError          some parts were paid for and are here; a later one failed

No error holds the Keepa key. Messages are for people; programs read the attributes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any


class KeepaheadError(Exception):
    """The root of all errors of keepahead."""


class InvalidCallError(KeepaheadError):
    """A call that Keepa would refuse, or would misread and charge.

    `code` is stable (`offers_out_of_range`), `hint` may be empty, `parameter` names the culprit where there is one,
    `nearest` is the known name that resembles an unknown one.
    """

    def __init__(self, code: str, message: str, *, parameter: str | None = None, nearest: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.parameter = parameter
        self.nearest = nearest


class SettingsError(KeepaheadError):
    """A setting that cannot be used; `name` is its name as the user writes it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class RefusedError(KeepaheadError):
    """Nothing was sent and nothing was spent; `call` is what was refused."""

    call: Any


class InsufficientTokensError(RefusedError):
    """The tokens for `call` are not there, or not in the time that the caller allows.

    `balance` and `free` are tokens now (free: less what is reserved), `tokens_max` is the most the call may cost,
    `floor` may not be undercut. `wait_seconds` is when all of them surely are there if nobody else spends with the
    same key, None if waiting cannot help. Until `kept_until` they are kept for whoever asks the same again from
    `wait_seconds` on; None: no place is kept, or one in a lane that yields, and others may be quicker.
    """

    def __init__(
        self,
        message: str,
        *,
        balance: int,
        free: int,
        tokens_max: int,
        floor: int,
        wait_seconds: float | None,
        call: Any = None,
        kept_until: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.kept_until = kept_until
        self.balance = balance
        self.free = free
        self.tokens_max = tokens_max
        self.floor = floor
        self.wait_seconds = wait_seconds
        self.call = call


class UnboundedCostError(RefusedError):
    """No bound on the cost is known; `parameter` is the one that would bound it, where there is one."""

    def __init__(self, message: str, *, parameter: str | None, call: Any = None) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.call = call


class MaxTokensError(RefusedError):
    """The call may cost `tokens_max`, the caller allows `max_tokens`."""

    def __init__(self, message: str, *, tokens_max: int, max_tokens: int, call: Any = None) -> None:
        super().__init__(message)
        self.tokens_max = tokens_max
        self.max_tokens = max_tokens
        self.call = call


class FrozenError(RefusedError):
    """A freeze forbids `call`; `words` are the rule's own. `wait_seconds` to its end, None if nobody can say."""

    def __init__(
        self, message: str, *, freeze_id: int, words: str, wait_seconds: float | None, call: Any = None
    ) -> None:
        super().__init__(message)
        self.freeze_id = freeze_id
        self.words = words
        self.wait_seconds = wait_seconds
        self.call = call


class CallerLimitError(RefusedError):
    """The `caller` may spend `limit` tokens in each `window` ("hour" or "day"), and has `spent` or holds so many.

    `wait_seconds` until the next window begins, None if the call is bigger than the limit.
    """

    def __init__(
        self,
        message: str,
        *,
        caller: str,
        limit: int,
        spent: int,
        window: str,
        wait_seconds: float | None,
        call: Any = None,
    ) -> None:
        super().__init__(message)
        self.caller = caller
        self.limit = limit
        self.spent = spent
        self.window = window
        self.wait_seconds = wait_seconds
        self.call = call


class LedgerError(KeepaheadError):
    """Something is wrong with the ledger."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be reached, so nothing may be spent."""


class LedgerFormatError(LedgerError):
    """The database is not a keepahead ledger, is damaged, or was written by a newer version."""


class KeepaError(KeepaheadError):
    """The exchange with Keepa went wrong. `tokens_charged` counts what is (or must be taken as) spent."""

    tokens_charged: int = 0


class KeepaUnreachable(KeepaError):  # noqa: N818 - named in the design
    """Keepa could not be reached; nothing was sent and nothing was spent."""


class OutcomeUnknown(KeepaError):  # noqa: N818 - named in the design
    """The call was sent and no answer came; it counts as charged until a newer meter proves otherwise.

    `call_id` finds the call in the ledger. It is never resent by itself.
    """

    def __init__(self, message: str, *, call_id: str, tokens_charged: int) -> None:
        super().__init__(message)
        self.call_id = call_id
        self.tokens_charged = tokens_charged


class KeepaRejected(KeepaError):  # noqa: N818 - named in the design
    """Keepa answered with an error: HTTP `status`, Keepa's `kind` and `detail`, the raw `body` without the key."""

    def __init__(
        self, message: str, *, status: int, kind: str = "", detail: str = "", body: bytes = b"", tokens_charged: int = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.body = body
        self.tokens_charged = tokens_charged


class BadAnswerError(KeepaError):
    """An answer that cannot be read. What it cost is in the ledger; the raw `body` is kept here."""

    def __init__(self, message: str, *, status: int, body: bytes, tokens_charged: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.tokens_charged = tokens_charged


class PartialResultError(KeepaheadError):
    """Some parts of a batch were paid for and are in `results`, in the order asked; `cause` stopped the rest.

    `missing` names the items (ASINs, seller ids …) that were not delivered.
    """

    def __init__(self, message: str, *, results: Any, missing: Sequence[str], cause: KeepaheadError) -> None:
        super().__init__(message)
        self.results = results
        self.missing = tuple(missing)
        self.cause = cause
