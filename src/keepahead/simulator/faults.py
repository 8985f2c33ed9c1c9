"""Trouble on demand: what may go wrong between a client and Keepa, and somebody else spending on the same key.

Everything is off by default and drawn from a seeded generator, so a run repeats exactly.
"""

import random
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Faults:
    """How often (percent of requests, 0..100) and how strongly things go wrong.

    latency_seconds: every answer takes a time between these two. late_percent: of the answers, already charged,
    are delivered late_seconds after the others, so answers arrive out of order. storm: 429 although there are tokens.
    error: 500, half with an envelope, half charged. html: 502 from the front end, half charged. drop: charged, then
    the connection dies. refuse: the connection is refused before anything happened. truncated: charged, JSON cut off.
    zero_envelope: 400 whose token fields are all 0; nothing charged.
    """

    latency_seconds: tuple[float, float] = (0.0, 0.0)
    storm_percent: float = 0.0
    error_percent: float = 0.0
    drop_percent: float = 0.0
    refuse_percent: float = 0.0
    late_percent: float = 0.0
    late_seconds: tuple[float, float] = (2.0, 8.0)
    html_percent: float = 0.0
    truncated_percent: float = 0.0
    zero_envelope_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody else on the same key: spends about so many tokens a minute, in lumps at random moments."""

    tokens_per_minute: float


FaultKind = Literal["none", "refuse", "storm", "zero", "html", "error", "drop", "truncated"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What was drawn for one request: at most one fault, how long it takes, how late its answer is delivered.

    coin_a and coin_b settle what a fault leaves open (charged or not; with or without a body).
    """

    kind: FaultKind
    delay_seconds: float
    late_seconds: float
    coin_a: bool
    coin_b: bool


def draw(faults: Faults, rng: random.Random) -> Fate:
    """Draw the fate of one request. Always takes the same number of random values, so settings stay comparable."""
    delay = rng.uniform(*faults.latency_seconds)
    late_roll, late_by = rng.random() * 100, rng.uniform(*faults.late_seconds)
    roll = rng.random() * 100
    coin_a, coin_b = rng.random() < 0.5, rng.random() < 0.5
    steps: tuple[tuple[FaultKind, float], ...] = (
        ("refuse", faults.refuse_percent),
        ("storm", faults.storm_percent),
        ("zero", faults.zero_envelope_percent),
        ("html", faults.html_percent),
        ("error", faults.error_percent),
        ("drop", faults.drop_percent),
        ("truncated", faults.truncated_percent),
    )
    kind: FaultKind = "none"
    for name, percent in steps:
        if roll < percent:
            kind = name
            break
        roll -= percent
    late = late_by if late_roll < faults.late_percent else 0.0
    return Fate(kind, delay, late, coin_a, coin_b)
