"""What goes wrong in a run, and when: drawn from the seed, changing from minute to minute."""

import random
from dataclasses import dataclass

from keepahead.simulator import Faults
from lab.network import NetworkWeather
from lab.store import StoreWeather

ALL = ("network", "keepa", "store", "deaths", "outsiders", "plans", "clocks")


@dataclass(frozen=True, slots=True)
class Climate:
    """Which kinds of trouble a run has. None at all is strict: there the floor holds without any excuse."""

    kinds: frozenset[str]

    @property
    def is_strict(self) -> bool:
        """Tell whether nothing happens that nobody could know."""
        return not self.kinds & {"outsiders", "plans", "clocks"}


def climate_of(rng: random.Random) -> Climate:
    """Draw one: a third has everything, a tenth has nothing, the rest a few kinds."""
    roll = rng.random()
    if roll < 0.3:
        return Climate(frozenset(ALL))
    if roll < 0.4:
        return Climate(frozenset())
    return Climate(frozenset(rng.sample(ALL, rng.randint(1, 4))))


def keepa_faults(rng: random.Random, kinds: frozenset[str]) -> Faults:
    """Draw how Keepa fares."""
    latency = (rng.choice((0.0, 0.05, 0.3)), rng.choice((0.3, 1.0, 6.0)))
    if "keepa" not in kinds or rng.random() < 0.4:
        return Faults(latency_seconds=latency)
    strong = rng.choice((1.0, 4.0, 15.0))

    def some() -> float:
        return rng.random() * strong if rng.random() < 0.5 else 0.0

    return Faults(
        latency_seconds=latency,
        storm_percent=rng.choice((0.0, some(), 60.0)),
        error_percent=some(),
        drop_percent=some(),
        refuse_percent=some(),
        late_percent=some() * 2,
        late_seconds=(1.0, rng.choice((5.0, 60.0))),
        html_percent=some(),
        truncated_percent=some(),
        zero_envelope_percent=some(),
    )


def network_weather(rng: random.Random, kinds: frozenset[str]) -> NetworkWeather:
    """Draw how the network fares."""
    if "network" not in kinds or rng.random() < 0.4:
        return NetworkWeather()
    strong = rng.choice((1.0, 5.0, 20.0))
    return NetworkWeather(
        way_seconds=(0.005, rng.choice((0.1, 1.0))),
        slow_percent=rng.choice((0.0, 10.0, 40.0)),
        slow_seconds=rng.choice((2.0, 20.0)),
        lost_request_percent=rng.choice((0.0, strong)),
        lost_answer_percent=rng.choice((0.0, strong)),
        unreachable_percent=rng.choice((0.0, strong)),
        cut_percent=rng.choice((0.0, 0.0, strong, 40.0)),
    )


def store_weather(rng: random.Random, kinds: frozenset[str]) -> StoreWeather:
    """Draw how the database fares."""
    weather = StoreWeather()
    if "deaths" in kinds:
        weather.death_percent = rng.choice((0.0, 0.1, 0.4))
    if "store" not in kinds or rng.random() < 0.5:
        return weather
    weather.is_away = rng.random() < 0.1
    weather.stall_percent = rng.choice((0.0, 5.0, 30.0))
    weather.stall_seconds = rng.choice((0.5, 5.0, 30.0))
    weather.fail_percent = rng.choice((0.0, 0.5, 3.0))
    weather.lost_commit_percent = rng.choice((0.0, 0.5, 3.0))
    return weather
