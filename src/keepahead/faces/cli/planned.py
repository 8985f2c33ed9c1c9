"""A plan for people or as JSON, with what it leaves and when it can be paid for."""

from collections.abc import Mapping, Sequence
from typing import Any

from keepahead.budget.cost import Cost
from keepahead.clock import SystemClock
from keepahead.faces.cli.account import ledger_account, say_if_simulated
from keepahead.faces.cli.options import LaneName
from keepahead.faces.cli.results import put_json, put_text
from keepahead.faces.ledger_documents import account_json
from keepahead.faces.plan_words import forecast_line
from keepahead.faces.settings import read_settings
from keepahead.work.discovery.plan import forecast


def put_plan(lines: Sequence[str], document: Mapping[str, Any], cost: Cost, lane: LaneName, *, json: bool) -> None:
    """Show a plan and, from the ledger alone, what it leaves and when it could be paid for."""
    settings = read_settings()
    say_if_simulated(settings)
    _, _, status = ledger_account(settings, lane)
    now = SystemClock().now()
    ahead = forecast(cost, status, now) if status else None
    if json:
        account = account_json(status, now) if status else None
        put_json({"plan": document, "forecast": ahead, "account": account})
        return
    for line in (*lines, forecast_line(ahead)):
        put_text(line)
