"""/tracking: what an account watches, in named lists. Adding costs tokens once and slows the refill for good."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from keepahead.simulator.bucket import Drain
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import DOMAINS, Outcome, Params, RejectedError

_REGULAR = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 34, 35})
_ASIN = re.compile(r"[A-Z0-9]{10}\Z")
_MOST = 3_000
_HOUR_MS = 3_600_000


def tracking(params: Params) -> Execute:
    """Read a tracking request of any type; what it returns executes it."""
    kind, name = params.text("type"), params.query.get("list", "")
    if len(name) > 64:
        raise RejectedError("The name of a list is longer than 64 characters.")
    makers: dict[str, Callable[[], Execute]] = {
        "add": lambda: _add(params, name),
        "remove": lambda: _remove(params, name),
        "removeAll": lambda: partial(_remove_all, name),
        "get": lambda: _get(params, name),
        "list": lambda: _list(params, name),
        "listNames": lambda: _list_names,
        "notification": lambda: _notifications(params),
        "webhook": lambda: _webhook(params),
    }
    if kind not in makers:
        raise RejectedError("Parameter type is unknown.")
    return makers[kind]()


def drain_of(created: dict[str, Any]) -> float:
    """Return what a tracking takes from the refill, in tokens per minute."""
    watched = [*created.get("thresholdValues", ()), *created.get("notifyIf", ())]
    places = {entry.get("domain") for entry in watched} or {created.get("mainDomainId")}
    marketplace = any(entry.get("csvType") not in _REGULAR for entry in watched)
    hours = max(1, int(created.get("updateInterval", 1)))
    return len(places) * (9.0 if marketplace else 0.9) / (60 * hours)


def _is_watched(entry: Any) -> bool:
    match entry:
        case {"domain": int(), "csvType": int()}:
            return isinstance(cast("dict[str, Any]", entry).get("thresholdValue", 0), int)
        case _:
            return False


def _is_valid(created: Any) -> bool:
    match created:
        case {"asin": str() as asin, "mainDomainId": int() as domain}:
            fields = cast("dict[str, Any]", created)
            interval, ttl = fields.get("updateInterval", 1), fields.get("ttl", 0)
            watched = [fields.get("thresholdValues", []), fields.get("notifyIf", [])]
            if not all(isinstance(entries, list) for entries in watched) or not isinstance(ttl, int):
                return False
            if not all(_is_watched(entry) for entries in watched for entry in entries):
                return False
            return bool(_ASIN.match(asin)) and domain in DOMAINS and isinstance(interval, int) and 0 <= interval <= 25
        case _:
            return False


def _add(params: Params, name: str) -> Execute:
    raw = params.json("tracking")
    wanted = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    if not 1 <= len(wanted) <= _MOST:
        raise RejectedError("The number of trackings is outside its range.", status=405)

    def execute(moment: Moment) -> Outcome:
        account, stored, failed = moment.account, list[dict[str, Any]](), list[str]()
        bucket = account.bucket
        for created in wanted:
            used = sum(drain.tokens_per_minute for drain in bucket.drains.values())
            if not _is_valid(created) or used + drain_of(created) > bucket.rate:
                asin = cast("dict[str, Any]", created).get("asin") if isinstance(created, dict) else None
                failed.append(str(asin))
                continue
            kept = _stored(moment, created, name)
            account.trackings.setdefault(name, {})[kept["asin"]] = kept
            ends = moment.now_ms + kept["ttl"] * _HOUR_MS if kept["ttl"] > 0 else 0
            bucket.drains[f"{name}/{kept['asin']}"] = Drain(drain_of(created), ends)
            stored.append(kept)
        error = RejectedError("Some trackings failed.", details=",".join(failed)).error if failed else None
        return Outcome(len(stored), lambda: {"trackings": stored}, error)

    return execute


def _stored(moment: Moment, created: dict[str, Any], name: str) -> dict[str, Any]:
    thresholds = [
        {
            "thresholdValueCSV": [moment.now, entry.get("thresholdValue", -1)],
            "domain": entry.get("domain"),
            "csvType": entry.get("csvType"),
            "isDrop": entry.get("isDrop", True),
        }
        for entry in created.get("thresholdValues", ())
    ]
    return {
        "asin": created["asin"],
        "mainDomainId": created["mainDomainId"],
        "ttl": abs(int(created.get("ttl", 0))),
        "expireNotify": bool(created.get("expireNotify", False)),
        "updateInterval": max(1, int(created.get("updateInterval", 1))),
        "metaData": created.get("metaData"),
        "thresholdValues": thresholds,
        "notifyIf": created.get("notifyIf", []),
        "notificationType": created.get("notificationType", [False] * 5 + [True, False]),
        "individualNotificationInterval": created.get("individualNotificationInterval", -1),
        "createDate": moment.now,
        "isActive": True,
        "trackingListName": name or None,
        "notificationCSV": None,
    }


def _missing() -> Outcome:
    return Outcome(0, error=RejectedError("There is no such tracking.").error)


def _remove(params: Params, name: str) -> Execute:
    asin = params.text("asin")

    def execute(moment: Moment) -> Outcome:
        entries = moment.account.trackings.get(name, {})
        if entries.pop(asin, None) is None:
            return _missing()
        moment.account.bucket.drains.pop(f"{name}/{asin}", None)
        return Outcome(0)

    return execute


def _remove_all(name: str, moment: Moment) -> Outcome:
    for asin in moment.account.trackings.pop(name, {}):
        moment.account.bucket.drains.pop(f"{name}/{asin}", None)
    return Outcome(0)


def _living(moment: Moment, name: str) -> dict[str, dict[str, Any]]:
    """Return the trackings of a list, after removing those whose time is over."""
    entries = moment.account.trackings.get(name, {})
    for asin in [asin for asin, kept in entries.items() if 0 < kept["ttl"] * 60 <= moment.now - kept["createDate"]]:
        kept = entries.pop(asin)
        moment.account.bucket.drains.pop(f"{name}/{asin}", None)
        if kept["expireNotify"]:
            moment.account.notifications.append(_notification(moment, kept, -1, None, cause=0))
    return entries


def _get(params: Params, name: str) -> Execute:
    asin = params.text("asin")

    def execute(moment: Moment) -> Outcome:
        kept = _living(moment, name).get(asin)
        return Outcome(0, lambda: {"trackings": [kept]}) if kept else _missing()

    return execute


def _list(params: Params, name: str) -> Execute:
    asins_only = params.flag("asins-only")
    page = params.integer("page", 0, least=0)
    per_page = params.integer("perPage", 100_000, least=1, most=100_000)

    def execute(moment: Moment) -> Outcome:
        entries = _living(moment, name)
        if asins_only:
            asins = list(entries)
            return Outcome(0, lambda: {"asinList": asins})
        chosen = list(entries.values())[page * per_page : (page + 1) * per_page]
        return Outcome(0, lambda: {"trackings": chosen})

    return execute


def _list_names(moment: Moment) -> Outcome:
    names = [name for name, entries in moment.account.trackings.items() if name and entries]
    return Outcome(0, lambda: {"trackingListNames": names})


def _webhook(params: Params) -> Execute:
    url = params.text("url")
    if not re.match(r"https?://[^\s/]+", url):
        raise RejectedError("The URL is malformed.", status=200)

    def execute(moment: Moment) -> Outcome:
        moment.account.webhook = url
        return Outcome(0)

    return execute


def _notifications(params: Params) -> Execute:
    since, revise = params.integer("since", 0, least=0), params.flag("revise")

    def execute(moment: Moment) -> Outcome:
        account = moment.account
        for name in list(account.trackings):
            for kept in list(_living(moment, name).values()):
                _watch(moment, kept)
        day_ago = moment.now - 1_440
        account.notifications = [note for note in account.notifications if note["createDate"] >= day_ago]
        chosen = [
            note for note in account.notifications if note["createDate"] >= since and (revise or not note["read"])
        ]
        for note in chosen:
            note["read"] = True
        bodies = [{key: value for key, value in note.items() if key != "read"} for note in reversed(chosen)]
        return Outcome(0, lambda: {"notifications": bodies[:2_000]})

    return execute


def _watch(moment: Moment, kept: dict[str, Any]) -> None:
    """Write a notification for each threshold that the stored listing has reached, once per tracking."""
    fired = {(note["asin"], note["csvType"], note["trackingListName"]) for note in moment.account.notifications}
    for entry in kept["thresholdValues"]:
        index = moment.catalogue.find(kept["asin"], entry["domain"])
        key = (kept["asin"], entry["csvType"], kept["trackingListName"])
        if index is None or key in fired:
            continue
        rows = moment.catalogue.listing(index, entry["domain"], moment.now).rows(entry["csvType"], moment.now)
        value = rows[-1][1] if rows else -1
        limit = entry["thresholdValueCSV"][-1]
        if value >= 0 and (value <= limit if entry["isDrop"] else value >= limit):
            note = _notification(moment, kept, entry["csvType"], entry["domain"], cause=1)
            moment.account.notifications.append(note)


def _notification(
    moment: Moment, kept: dict[str, Any], series: int, domain: int | None, *, cause: int
) -> dict[str, Any]:
    return {
        "notificationId": f"{kept['asin']}-{moment.now}-{series}-{cause}",
        "asin": kept["asin"],
        "createDate": moment.now,
        "domainId": kept["mainDomainId"],
        "notificationDomainId": domain or kept["mainDomainId"],
        "csvType": series,
        "trackingNotificationCause": cause,
        "currentPrices": None,
        "sentNotificationVia": [False] * 5 + [True, False],
        "metaData": kept["metaData"],
        "trackingListName": kept["trackingListName"],
        "read": False,
    }
