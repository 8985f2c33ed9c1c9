"""The chapter on token economy: one virtual day of work sent in several ways, and what each of them spends on it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from bench.chapter import Chapter, empty_table
from bench.day import REFILL_RATE, WAYS, Spent, spend_day
from bench.ratio import Measure, Ratio
from bench.workday import workday

_WORDS = {
    "ours": "ours, each as fresh as it says",
    "ours, default ages": "ours, all at the default ages",
    "plainly": "plainly: every call as asked",
    "keepa": "the way of the package keepa",
}


def economy(folder: Path) -> Iterator[Chapter]:
    """Send the day in every way, two at a time."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        spent = list(pool.map(_whole_day, WAYS, [folder] * len(WAYS)))
    yield _drawn(spent)
    yield _drawn_by_kind(spent)


def _whole_day(way: str, folder: Path) -> Spent:
    return spend_day(way, workday(), folder)


def _drawn(spent: Sequence[Spent]) -> Chapter:
    by_way = {each.way: each for each in spent}
    title = f"A day of {spent[0].requests:,} requests at {REFILL_RATE} tokens a minute"
    table = empty_table(title)
    headers = ("", "answered", "tokens", "per answer", "of plainly", "of keepa", "calls", "429", "p50", "p95", "lowest")
    for header in headers:
        table.add_column(header, justify="right" if header else "left", no_wrap=True)
    kept = [_row(each, by_way) for each in spent]
    for each, row in zip(spent, kept, strict=True):
        table.add_row(
            _WORDS[each.way],
            f"{each.answered:,}",
            f"{each.tokens:,}",
            f"{each.tokens_per_answer:.2f}",
            f"{row['of_plainly']:.2f}",
            f"{row['of_keepa']:.2f}",
            f"{each.calls:,}",
            f"{each.refused_429:,}",
            f"{each.wait_p50:.2f}",
            f"{each.wait_p95:.2f}",
            f"{each.lowest_balance:,}",
        )
    table.caption = "p50, p95: virtual minutes from asking to the answer; of plainly, of keepa: tokens per answer"
    return Chapter(title, table, kept, [ratio for each in spent for ratio in _ratios(each, by_way)])


def _ratios(each: Spent, by_way: Mapping[str, Spent]) -> Iterator[Ratio]:
    """Yield what ours spends for an answer beside the plain way and the package keepa."""
    if not each.way.startswith("ours"):
        return
    measure = Measure(f"tokens per answer, {each.way}", f"{each.tokens_per_answer:.2f}")
    yield measure.itself(each.tokens_per_answer / by_way["plainly"].tokens_per_answer, "every call as asked", "lower")
    yield measure.peer(each.tokens_per_answer / by_way["keepa"].tokens_per_answer, "keepa", "lower")


def _row(each: Spent, by_way: Mapping[str, Spent]) -> dict[str, float | int | str]:
    return {
        "way": each.way,
        "requests": each.requests,
        "answered": each.answered,
        "tokens": each.tokens,
        "tokens_per_answer": each.tokens_per_answer,
        "of_plainly": each.tokens_per_answer / by_way["plainly"].tokens_per_answer,
        "of_keepa": each.tokens_per_answer / by_way["keepa"].tokens_per_answer,
        "calls": each.calls,
        "refused_429": each.refused_429,
        "wait_p50_minutes": each.wait_p50,
        "wait_p95_minutes": each.wait_p95,
        "lowest_balance": each.lowest_balance,
    }


def _drawn_by_kind(spent: Sequence[Spent]) -> Chapter:
    title = "The same day: tokens by what was asked"
    table = empty_table(title)
    for header in ("", "requests", *WAYS):
        table.add_column(header, justify="right" if header else "left")
    asked = Counter(request.kind for request in workday())
    for kind, requests in asked.items():
        table.add_row(kind, f"{requests:,}", *(f"{each.by_kind[kind]:,}" for each in spent))
    kept = [
        {"kind": kind, "requests": requests, **{each.way: each.by_kind[kind] for each in spent}}
        for kind, requests in asked.items()
    ]
    return Chapter(title, table, kept)
