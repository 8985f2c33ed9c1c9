"""Turns a verdict into the error that says what there is, what is needed, and what can be done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from keepahead.budget.rule import Freeze, Window
from keepahead.budget.ticket import Ticket
from keepahead.budget.verdict import Reason, Refused
from keepahead.errors import CallerLimitError, FrozenError, InsufficientTokensError, MaxTokensError, RefusedError
from keepahead.keepa.calls import Call

Asked = Call | Sequence[Call] | None

_AN = {"hour": "an hour", "day": "a day"}


def too_dear(call: Any, tokens_max: int, max_tokens: int) -> MaxTokensError:
    """Return the error for work above what the caller allows."""
    return MaxTokensError(
        f"this may cost up to {tokens_max} tokens, and {max_tokens} are allowed; nothing was sent. Ask for less, or "
        "allow more",
        tokens_max=tokens_max,
        max_tokens=max_tokens,
        call=call,
    )


def refusal(call: Asked, refused: Refused, caller: str, what: str = "this") -> RefusedError:
    """Return the error for a refused call, or for work that `what` names."""
    if refused.freeze is not None:
        return _frozen(call, refused, refused.freeze)
    if refused.window is not None:
        return _limited(call, refused, refused.window, caller)
    have = f"{refused.free} tokens are free (balance {refused.balance}) and {refused.floor} must stay"
    if refused.reason is Reason.NEVER_FITS:
        text = (
            f"{what} may cost up to {refused.tokens_max} tokens, and no more than {refused.largest} can ever be "
            "spent at once. Split it, lower what bounds it (fewer offers, a code-limit), or allow a deficit with "
            "a lower floor"
        )
    elif refused.reason is Reason.NEVER_AT_ONCE:
        takes = "" if refused.takes_seconds is None else f": it takes about {refused.takes_seconds / 60:.0f} min"
        text = (
            f"{what} may cost up to {refused.tokens_max} tokens, and no more than {refused.largest} can ever be "
            f"there at once. Ask for less, or allow a longer wait{takes}"
        )
    elif refused.reason is Reason.NO_REFILL:
        text = f"{what} may cost up to {refused.tokens_max} tokens; {have}, and trackings take the whole refill"
    else:
        when = "" if refused.wait_seconds is None else f"; they will be there in about {refused.wait_seconds:.0f} s"
        text = f"{what} may cost up to {refused.tokens_max} tokens; {have}{when}{_kept(refused.ticket)}"
        text += ". Wait longer, or ask for less"
    return InsufficientTokensError(
        f"{text}. Nothing was sent",
        balance=refused.balance,
        free=refused.free,
        tokens_max=refused.tokens_max,
        floor=refused.floor,
        wait_seconds=refused.wait_seconds,
        call=call,
        kept_until=refused.ticket.expires_at if refused.ticket and not refused.ticket.yields else None,
    )


def _kept(place: Ticket | None) -> str:
    if place is None:
        return ""
    if place.yields:
        return ", unless calls of a better lane come before"
    return " and are kept for whoever asks the same again then"


def _frozen(call: Asked, refused: Refused, freeze: Freeze) -> FrozenError:
    if freeze.until is not None:
        ends = f"It ends at {_moment(freeze.until)}"
    elif freeze.until_balance is not None:
        ends = f"It ends when the balance is at {freeze.until_balance}; now it is {refused.balance}"
    else:
        ends = "It ends when it is removed"
    return FrozenError(
        f"freeze {freeze.freeze_id} forbids this: {freeze.words}. {ends} (keepahead freeze). Nothing was sent",
        freeze_id=freeze.freeze_id,
        words=freeze.words,
        wait_seconds=refused.wait_seconds,
        call=call,
    )


def _limited(call: Asked, refused: Refused, window: Window, caller: str) -> CallerLimitError:
    if refused.wait_seconds is None:
        what = f"this may cost up to {refused.tokens_max} tokens. Ask for less, or raise the limit"
    else:
        what = f"{window.spent} are spent or held; the next {window.name} begins at {_moment(window.ends_at)}"
    return CallerLimitError(
        f"{caller} may spend {window.tokens} tokens {_AN[window.name]}, and {what} (keepahead callers). "
        "Nothing was sent",
        caller=caller,
        limit=window.tokens,
        spent=window.spent,
        window=window.name,
        wait_seconds=refused.wait_seconds,
        call=call,
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
