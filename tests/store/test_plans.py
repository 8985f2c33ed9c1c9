"""How SQLite finds things: what is asked often must not take longer the longer the record is."""

from sqlalchemy import event
from tests.store.makers import at

from keepahead.store.database import open_database
from keepahead.store.record import Filter, GroupBy, Record
from keepahead.store.search import Order, Search
from keepahead.store.spending import Spending


def test_no_look_sorts_the_whole_record(sqlite_url):
    """SQLite gives the newest entries by their number or their time; it never puts all of them in order first."""
    database = open_database(sqlite_url)
    plans: list[str] = []

    def explain(connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT"):
            driver = connection.connection.driver_connection
            plans.extend(row[-1] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(database._engine, "before_cursor_execute", explain)
    record, search = Record(database, "account"), Search(database, "account")
    place = (0, 0)
    looks = [
        lambda: record.lines(Filter()),
        lambda: record.lines(Filter(kind="refusal"), before_seq=9),
        lambda: record.after(7),
        lambda: record.after(7, Filter(kind="settled")),
        record.last_seq,
        lambda: list(record.rows(Filter())),
        lambda: record.shapes({"one", "two"}),
        lambda: record.of_call("one"),
        lambda: search.page(Filter()),
        lambda: search.page(Filter(), "two words", place=place),
        lambda: search.page(Filter(kind="lost"), order=Order.OLDEST, place=place, backwards=True),
        lambda: search.newer(Filter(caller="nightly"), "word", 7),
        lambda: record.sums(GroupBy.CALLER, Filter(since=at(0))),
        lambda: Spending(database, "account").seen_since(at(0)),
    ]
    for number, look in enumerate(looks):
        plans.clear()
        look()
        sorted_ = [plan for plan in plans if "ORDER BY" in plan]
        assert plans, number
        assert not sorted_, (number, plans)
    plans.clear()
    search.page(Filter(), "f73rzke9gxq2xdckns9n")
    assert plans[0] == "SEARCH entries USING INDEX entries_by_call (call_id=?)"
    plans.clear()
    Spending(database, "account").estimates(GroupBy.CALLER, at(0), last_seq=9)
    assert "SEARCH entries USING INDEX entries_by_kind (fingerprint=? AND kind=? AND at>?)" in plans
    plans.clear()
    search.page(Filter(kind="lost"))
    assert plans == ["SEARCH entries USING INDEX entries_by_kind (fingerprint=? AND kind=?)"]
    database.close()
