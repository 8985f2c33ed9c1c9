"""What a call costs, as bounds known before it is sent. Pure numbers: where they come from is `keepa/costs.py`."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Bounds in tokens: at least `tokens_min`, usually `tokens_likely`, at most `tokens_max` (None: unbounded).

    `because` says in short sentences where the numbers come from, and what in the call is pointless or doubtful.
    Raises `ValueError` unless 0 <= tokens_min <= tokens_likely <= tokens_max.
    """

    tokens_min: int
    tokens_likely: int
    tokens_max: int | None
    because: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.tokens_min <= self.tokens_likely:
            message = f"a cost needs 0 <= min <= likely, not {self.tokens_min} and {self.tokens_likely}"
            raise ValueError(message)
        if self.tokens_max is not None and self.tokens_likely > self.tokens_max:
            message = f"a cost needs likely <= max, not {self.tokens_likely} and {self.tokens_max}"
            raise ValueError(message)

    @property
    def is_bounded(self) -> bool:
        """Say whether the most that it can cost is known."""
        return self.tokens_max is not None

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both; unbounded if one of them is."""
        bounded = self.tokens_max is not None and other.tokens_max is not None
        return Cost(
            self.tokens_min + other.tokens_min,
            self.tokens_likely + other.tokens_likely,
            (self.tokens_max or 0) + (other.tokens_max or 0) if bounded else None,
            tuple(dict.fromkeys(self.because + other.because)),
        )


def sum_costs(costs: Iterable[Cost]) -> Cost:
    """Return the cost of all together; of none: zero."""
    return sum(costs, start=Cost(0, 0, 0))
