"""SQL through filters: whatever stands in one is a value, on both databases, and finds what a plain reader would.

What is found page by page: tests/store/test_search.py; sums: tests/store/test_record.py.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, table
from tests.store.makers import ask, at, meter

import keepahead
from keepahead.budget.rule import Freeze, Limit
from keepahead.budget.scope import Scope
from keepahead.store.alarms import Alarms
from keepahead.store.keyring import Keyring
from keepahead.store.ledger import Ledger
from keepahead.store.record import Filter, GroupBy, Line, Record
from keepahead.store.rows import kind_of
from keepahead.store.rulebook import Rulebook
from keepahead.store.search import WORDS_MOST, Order, Search

ACCOUNT = "account"
HOSTILE = [
    "' OR '1'='1",
    "'; DROP TABLE entries; --",
    '"; DELETE FROM accounts; --',
    "') UNION SELECT hash FROM gateway_keys --",
    "x' AND (SELECT pg_sleep(9)) IS NULL --",
    "%",
    "_",
    "%%",
    "s_op",
    "\\",
    "\\%",
    "\\_",
    "/",
    "/%",
    "[a-z]*",
    ":fingerprint",
    "%(caller)s",
    "$1",
    "?",
    "{0}",
    "\u02bc",
    "\uff07",
    "NULL",
    "0x27",
    "/* */",
    "--",
    "shop",
    "SHOP",
]
NAMES = ["shop", "s_op", "s%p", "it's", 'a"b', "back\\slash", "x--y", "50%", "_", "\u017fhop", "a/b", "OR 1=1"]
VALUE = st.one_of(
    st.sampled_from([*HOSTILE, *NAMES]),
    st.text(st.sampled_from("'\"%_\\/;-()*sS op1=\u0130\u0131\u017f"), min_size=1, max_size=6),
)
FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def filled(database) -> Sequence[Line]:
    """Fill a ledger: for each name a call of its own that was granted; return its entries."""
    ledger = Ledger(database, ACCOUNT)
    ledger.observe(meter(0, 1_000), at(0))
    for number, name in enumerate(NAMES):
        ledger.reserve(replace(ask(f"call{number}", 1, caller=name), shape=f"products of {name}"), at(number))
    Keyring(database, ACCOUNT).create("shop", Scope.ADMIN, "live", None, at(0))
    return Record(database, ACCOUNT).lines(Filter(), limit=1_000)


def rows_of(database) -> dict[str, int]:
    """Return how many rows each table has."""
    with database.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in (
                "entries",
                "accounts",
                "gateway_keys",
                "reservations",
                "hours",
                "limits",
                "freezes",
                "silences",
            )
        }


def told(line: Line) -> str:
    """Return what is searched of an entry, as a plain reader would put it together."""
    entry: Any = line.entry
    label = getattr(entry, "label", None)
    parts = [label.call_id, label.caller, label.endpoint, label.lane] if label else ["", "", "", ""]
    return " ".join([*parts, kind_of(entry), getattr(entry, "shape", ""), getattr(entry, "reason", "")])


def folded(text: str) -> str:
    """Return a text with the letters of ASCII made small: what both databases take for the same."""
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


@FEW
@given(value=VALUE, name=st.sampled_from(["caller", "endpoint", "lane", "kind", "call_id"]))
def test_a_filter_is_a_value(database, filled, value, name):
    """Each filter finds the entries that have just this, and none by what SQL would make of it; nothing changes."""
    before = rows_of(database)
    wanted = Filter(**{name: value})
    found = {line.seq for line in Record(database, ACCOUNT).lines(wanted, limit=1_000)}

    def has(line: Line) -> bool:
        label = getattr(line.entry, "label", None)
        of = kind_of(line.entry) if name == "kind" else getattr(label, name, None)
        return of is not None and (of.startswith(value) if name == "call_id" else of == value)

    assert found == {line.seq for line in filled if has(line)}
    page = Search(database, ACCOUNT).page(wanted, size=1_000)
    assert {line.seq for line in page.lines} == found
    assert {line.seq for line in Record(database, ACCOUNT).after(0, wanted, limit=1_000)} == found
    for by in GroupBy:
        Record(database, ACCOUNT).sums(by, wanted)
    assert rows_of(database) == before


@FEW
@given(words=st.lists(VALUE, min_size=1, max_size=3))
def test_words_are_signs_as_they_are(database, filled, words):
    """Each word is looked for sign by sign: % and _ stand for themselves, and no quote ends anything."""
    before, text = rows_of(database), " ".join(words)
    search = Search(database, ACCOUNT)
    expected = {
        line.seq for line in filled if all(folded(word) in folded(told(line)) for word in text.split()[:WORDS_MOST])
    }
    for order in Order:
        assert {line.seq for line in search.page(Filter(), text, order, size=1_000).lines} == expected
    assert search.newer(Filter(), text, 0) == len(expected)
    assert rows_of(database) == before


def test_what_is_written_is_a_value_too(database, filled):
    """Names and words given to limits, freezes, silences and keys come back as they were, and undo nothing."""
    assert filled
    rulebook, alarms, ring = Rulebook(database, ACCOUNT), Alarms(database, ACCOUNT), Keyring(database, ACCOUNT)
    entries = rows_of(database)["entries"]
    for value in dict.fromkeys([*HOSTILE, *NAMES]):
        rulebook.limit(Limit(caller=value, tokens_per_hour=5))
        assert value in {caller.name for caller in rulebook.callers(at(20)) if caller.limit}
        assert rulebook.unlimit(value)
        made = rulebook.freeze(Freeze(freeze_id=0, words=value, made_at=at(0), caller=value, until=at(60)))
        assert [(each.words, each.caller) for each in rulebook.freezes(at(1))] == [(value, value)]
        assert rulebook.thaw(made.freeze_id)
        silence = alarms.silence(rule=None, subject=value, words=value, until=at(60), now=at(0))
        assert [(each.subject, each.words) for each in alarms.silences(at(1))] == [(value, value)]
        assert alarms.unsilence(silence.silence_id)
        assert ring.find(value) is None
        assert ring.seal(value, "x") is None
        assert ring.is_good(value) is False
        assert ring.revoke(value, at(1)) is (value == "shop")
    assert rows_of(database)["entries"] == entries


def test_no_statement_is_made_of_text():
    """No text of SQL is put together from what comes from outside: those that are hold names of this house alone."""
    sources = Path(keepahead.__file__).parent.joinpath("store").rglob("*.py")
    made = re.compile(
        r"""\b(?:text|execute|exec_driver_sql|wait_for)\(\s*(?:\w+,\s*)?(?:f["']|.*["'] ?%|.*\.format\()(.*)"""
    )
    found = [f"{path.name}: {told[1]}" for path in sources for told in made.finditer(path.read_text())]
    assert sorted(found) == [
        'database.py: LISTEN "{channel}"\')',  # of a fingerprint, in hexadecimals
        'database.py: PRAGMA application_id={_APPLICATION_ID}")',
        'database.py: SELECT pg_advisory_xact_lock({_APPLICATION_ID})")',
        'postgres.py: SET LOCAL {name} = 0")',  # of two names beside it
    ]
