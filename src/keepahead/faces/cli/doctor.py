"""`keepahead doctor`: what is configured, reachable, and fit to use. Sends no call and spends nothing."""

import typer
from pydantic import SecretStr

from keepahead.errors import KeepaheadError
from keepahead.faces.cli import options
from keepahead.faces.cli.checks import (
    Check,
    check_clock,
    check_ledger,
    check_names,
    check_python,
    check_upstream,
    masked_url,
)
from keepahead.faces.cli.exits import FAILED
from keepahead.faces.cli.results import Column, put_facts, put_json, put_table, put_text
from keepahead.faces.settings import Settings, origins, read_settings, setting_name
from keepahead.work.analysis.thresholds import Thresholds


def doctor(*, json: options.Json = False) -> None:
    """Check settings, ledger and network; spends nothing.

    Opens a connection to Keepa's host and closes it again; the key stays here. Exit code 1 if something is wrong.
    """
    checks = check_names()
    settings: list[tuple[str, str, str]] = []
    try:
        found = read_settings()
        settings = _settings(found)
    except KeepaheadError as error:
        checks.append(Check("settings", "wrong", str(error), "correct it"))
    else:
        about_ledger, account = check_ledger(found)
        checks += [*check_upstream(found), *about_ledger, *check_clock(account)]
    checks += check_python()
    wrong = any(check.state == "wrong" for check in checks)
    if json:
        named = [{"name": name, "value": value, "origin": origin} for name, value, origin in settings]
        put_json({"ok": not wrong, "settings": named, "checks": checks})
    else:
        _put(settings, checks)
    if wrong:
        raise typer.Exit(FAILED)


def _settings(found: Settings) -> list[tuple[str, str, str]]:
    """Return each setting with its value, secrets masked, and where it comes from."""
    came_from = origins()
    return [
        (setting_name(field), _shown(field, getattr(found, field)), came_from.get(setting_name(field), "default"))
        for field in Settings.model_fields
    ]


def _shown(field: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Thresholds):
        return ", ".join(f"{name} {written}" for name, written in value.changed().items()) or "as in docs/analysis.md"
    if not isinstance(value, SecretStr):
        return str(value)
    secret = value.get_secret_value()
    return masked_url(secret) if field == "database_url" else f"set, {len(secret)} characters"


def _put(settings: list[tuple[str, str, str]], checks: list[Check]) -> None:
    put_table([Column("setting"), Column("value", flexible=True), Column("from")], settings)
    put_text("")
    put_facts((f"{check.state:5}  {check.name}", _told(check)) for check in checks)


def _told(check: Check) -> str:
    return f"{check.found} -> {check.advice}" if check.advice else check.found
