"""The one thing that the databases spell differently: where the insert() is that knows ON CONFLICT."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from sqlalchemy import Dialect, Table


def insert_for(dialect: Dialect) -> Callable[[Table], Any]:
    """Return the insert() of that database; both know ON CONFLICT and spell it the same."""
    # Only the dialect at hand is loaded: the other one would cost every start a tenth of a second.
    return import_module(f"sqlalchemy.dialects.{dialect.name}").insert
