"""How this gateway is, and what it is set to: nothing of it can be changed here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keepahead.budget.account import Account
from keepahead.faces.dashboard.facts import Facts
from keepahead.faces.dashboard.moments import moment
from keepahead.faces.dashboard.scene import House, Scene
from keepahead.faces.dashboard.section import card
from keepahead.faces.gateway.health import OK
from keepahead.faces.settings import setting_name
from keepahead.faces.words import span, tokens

_CHECKS = {"ledger": "Ledger", "migrations": "Version of the ledger", "upstream": "Keepa", "draining": "Going down"}
_FINE = {"ledger": "it is there", "migrations": "up to date", "upstream": "the last calls went well", "draining": "no"}

_SETTINGS = {
    "Floor of live": setting_name("floor"),
    "Floor of jobs": setting_name("jobs_floor"),
    "Low below": setting_name("low"),
    "Critical below": setting_name("critical"),
    "Archive": setting_name("archive_megabytes"),
    "Product used again for": setting_name("max_age_product"),
    "Requests at once": setting_name("max_requests"),
    "Time for a request": setting_name("request_seconds"),
    "Place kept for": setting_name("keep_place"),
    "Time to go down": setting_name("drain_seconds"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """Facts by name, and which of them are wrong."""

    facts: Mapping[str, str]
    wrong: frozenset[str]


class HealthSection:
    """Shows how the gateway is."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        drawn, _ = card("Health", "How this gateway is.")
        with drawn:
            self._facts = Facts()

    async def refresh(self) -> None:
        """Look, and show what is new."""
        health = self._scene.house.health
        told = health_facts(await health.checks(), health.document(in_full=True), self._scene.now)
        self._facts.show(told.facts, told.wrong)


class SetSection:
    """Shows what the gateway is set to."""

    def __init__(self, scene: Scene) -> None:
        words = "Read-only. Set in the environment, .env or keepahead.toml; the next start takes it."
        self._scene = scene
        drawn, _ = card("Set to", words)
        with drawn:
            self._facts = Facts(_SETTINGS)

    def refresh(self) -> None:
        """Show what is new: only the plan's rate can be, which is learned from Keepa."""
        self._facts.show(set_facts(self._scene.house, self._scene.house.books.account))


def health_facts(checks: Mapping[str, str], document: Mapping[str, Any], now: datetime) -> Told:
    """Return how a gateway is, in words."""
    reading, upstream = document["ledger"], document["upstream"]
    facts = {
        "Looked at": f"{now:%H:%M:%S} UTC",
        **{_CHECKS[name]: _FINE[name] if said == OK else said for name, said in checks.items()},
    }
    wrong = {_CHECKS[name] for name, said in checks.items() if said != OK}
    age = reading["age_seconds"]
    facts |= {
        "Balance": document["state"].replace("_", " "),
        "Ledger read": "not yet" if age is None else f"{age:.1f} s ago, in {reading['took_seconds'] * 1000:.0f} ms",
        "Reading failed": reading["failure"] or "no",
        "Keepa answered": moment(upstream["answered_at"], now, never="not yet"),
        "Keepa failed": _failed(upstream, now),
        "Up for": span(document["uptime_seconds"]),
        "keepahead": document["version"],
    }
    return Told(facts, frozenset(wrong | ({"Reading failed"} if reading["failure"] else set())))


def set_facts(house: House, account: Account) -> Mapping[str, str]:
    """Return what a gateway is set to, and what it has learned of the plan, in words."""
    gateway, books, meter = house.gateway, house.books, account.meter
    patience = gateway.patience
    rate = f"{tokens(meter.refill_rate_per_minute)} a minute, at most {meter.capacity:,}" if meter else "not yet known"
    floors = {
        name: tokens(lane.floor_of(meter.capacity) if meter else lane.floor) for name, lane in gateway.lanes.items()
    }
    return {
        "Plan, as Keepa says": rate,
        "Floor of live": floors["live"],
        "Floor of jobs": floors["jobs"],
        "Low below": tokens(books.marks.low),
        "Critical below": tokens(books.marks.critical),
        "Archive": _size(books.archive.limit),
        "Product used again for": _length(books.ages["product"]),
        "Requests at once": f"{patience.max_requests:,}",
        "Time for a request": span(patience.request_seconds),
        "Place kept for": _length(patience.keeps_place_for),
        "Time to go down": span(patience.drain_seconds),
    }


def _failed(upstream: Mapping[str, Any], now: datetime) -> str:
    if upstream["failed_at"] is None:
        return "not since the start"
    return f"{moment(upstream['failed_at'], now)}: {upstream['failure']}"


def _length(of: timedelta) -> str:
    return span(of.total_seconds()) if of else "not at all"


def _size(limit: int) -> str:
    return f"at most {limit // 1_000_000:,} MB" if limit else "off"
