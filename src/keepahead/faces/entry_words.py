"""What entries of the ledger say, in words: at the command line and on the pages."""

from keepahead.budget.entry import Absorbed, CallEntry, Observed, Served, Settled
from keepahead.faces.words import tokens

SHORT_ID = 10
"""Signs of a call's id that a table shows; the first 4 are the hour."""


def observed_words(entry: Observed) -> str:
    """Return what a meter says that came with no call of ours."""
    meter = entry.meter
    words = [f"{tokens(entry.external_tokens)} spent by somebody else on this key"] if entry.external_tokens else []
    if entry.rate_before not in {None, meter.refill_rate_per_minute}:
        words.append(f"rate {entry.rate_before} -> {meter.refill_rate_per_minute} a minute")
    if entry.reduction_before not in {None, meter.flow_reduction_per_minute}:
        words.append(f"flow reduction {entry.reduction_before} -> {meter.flow_reduction_per_minute} a minute")
    return "; ".join(words) or "a meter without a call"


def why(entry: CallEntry) -> str | None:
    """Return why an entry of a call says what it says; None where that is plain."""
    match entry:
        case Absorbed():
            return f"a later meter showed that it cost {tokens(entry.charged)}"
        case Served(paid_by=""):
            return "paid for before; tokens are what was saved"
        case Served():
            return f"paid for by {entry.paid_by[:SHORT_ID]}; tokens are what was saved"
        case Settled(counted_before=0):
            return None
        case Settled():
            return f"the answer came late, when {tokens(entry.counted_before)} had been counted already"
        case _:
            return getattr(entry, "reason", None)
