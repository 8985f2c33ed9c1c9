"""How fast the archive answers: one product, a thousand, and whether a million more in it slow that down."""

import os
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import httpx2
import msgspec
from sqlalchemy import create_engine, insert

from bench import bodies
from bench.chapter import Chapter, Row, chapter_of_rows, empty_table, shown_time
from bench.databases import databases, text_of
from bench.neighbour import LeftOutError
from bench.ratio import Measure, Ratio
from bench.rounds import each, in_turns, once
from keepahead import Keepa
from keepahead.faces.wiring import SIMULATOR_URL
from keepahead.keepa.calls import ProductCall
from keepahead.keepa.contents import wanted
from keepahead.store import tables
from keepahead.store.archive import Archive
from keepahead.store.database import Database, open_database
from keepahead.store.packing import pack
from keepahead.store.wanted import Item, Wanted

SMALL = 1_000
LARGE = int(os.environ.get("KEEPAHEAD_BENCH_PRODUCTS", "1000000"))
SIZES = (1, 100)
_BODY_BYTES = (23_000, 67_000)  # the small recorded product, and the large one cut short
_ROUNDS = 30
_LOOKS = 50  # in one round
_AT_A_TIME = 10_000
_MEGABYTES = 4_096
_NOW = datetime(2026, 11, 26, tzinfo=UTC)
_NO_PEER = "the package keepa keeps nothing"


def archive(folder: Path) -> Iterator[Chapter]:
    """Measure reading, then growth on both databases."""
    for size in _BODY_BYTES:
        rows = _reads(folder, size)
        ratios = [ratio for row in rows for ratio in _alone(row, size)]
        yield chapter_of_rows(f"The archive on SQLite, products of {size // 1000} kB", rows, ratios)
    lines = [_grown("SQLite", *(f"sqlite:///{folder / name}.db" for name in ("few", "many")))]
    for path in folder.glob("many.db*"):
        path.unlink()
    left_out = ""
    try:
        with databases() as made:
            lines.append(_grown("PostgreSQL", *(text_of(made.new(name)) for name in ("few", "many"))))
    except LeftOutError as error:
        left_out = f"PostgreSQL is left out: {error}"
    yield _drawn([line for some in lines for line in some], left_out)


def _reads(folder: Path, size: int) -> list[Row]:
    url = f"sqlite:///{folder / f'reads-{size}.db'}"
    names = _names(SMALL)
    body = _product_body(size)
    with closing(open_database(url)) as database:
        kept = Archive(database, SIMULATOR_URL, _MEGABYTES)
        for at in range(0, SMALL, 100):
            some = names[at : at + 100]
            kept.keep(_of(some), [Item(name, _of(some).contents, _now(), 1, "call", body(name)) for name in some])
    nowhere = httpx2.MockTransport(lambda _request: httpx2.Response(500))
    with closing(open_database(url)) as database, Keepa(database_url=url, transport=nowhere) as keepa:
        shelf = Archive(database, SIMULATOR_URL, _MEGABYTES)
        taken = in_turns(
            {
                "look": each(lambda times: [_look(shelf, random.sample(names, 1)) for _ in range(times)], 100),
                "one": each(lambda times: [keepa.products(random.sample(names, 1)) for _ in range(times)], 100),
                "all": once(lambda: _look(shelf, names)),
                "thousand": once(lambda: _demand(len(keepa.products(names)), SMALL)),
            },
            15,
        )
    middle = {name: statistics.median(stats.data) for name, stats in taken.items()}
    return [
        Row("one product looked up and unpacked", middle["look"], "(< 500 us)"),
        Row("one product by Keepa.products", middle["one"]),
        Row(f"{SMALL:,} looked up and unpacked", middle["all"]),
        Row(f"{SMALL:,} of {SMALL:,} by Keepa.products", middle["thousand"], "(< 200 ms)"),
    ]


def _grown(name: str, few_url: str, many_url: str) -> list[tuple[str, int, float, float, tuple[float, float, float]]]:
    for url, items in ((few_url, SMALL), (many_url, LARGE)):
        open_database(url).close()
        _fill(url, items)
    with closing(open_database(few_url)) as few, closing(open_database(many_url)) as many:
        return [(name, size, *_compared(few, many, size)) for size in SIZES]


def _compared(few: Database, many: Database, size: int) -> tuple[float, float, tuple[float, float, float]]:
    """Return the medians of looking so many up, and the quartiles of the rounds' ratios."""
    taken = in_turns({"few": _looking(few, SMALL, size), "many": _looking(many, LARGE, size)}, _ROUNDS)
    ratios = [late / soon for soon, late in zip(taken["few"].data, taken["many"].data, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    soon, late = (statistics.median(taken[name].data) for name in ("few", "many"))
    return soon, late, (low, middle, high)


def _looking(database: Database, items: int, size: int) -> Callable[[], float]:
    shelf = Archive(database, SIMULATOR_URL, _MEGABYTES)

    def look(times: int) -> None:
        for _ in range(times):
            names = [_name(number) for number in random.sample(range(items), size)]
            _demand(_look(shelf, names), size)

    return each(look, _LOOKS)


def _fill(url: str, items: int) -> None:
    """Keep so many small products: what is compared is how they are found."""
    engine = create_engine(url)
    body, contents = pack(b'{"products":[{"asin":"B000000000","title":"small"}]}'), _of(["B000000000"]).contents
    row = {
        "upstream": SIMULATOR_URL,
        "endpoint": "product",
        "domain": 1,
        "contents": contents,
        "fetched_at": _NOW,
        "used_at": _NOW,
        "size": len(body),
        "tokens": 1,
        "call_id": "call",
        "body": body,
    }
    numbers = iter(range(items))
    with engine.begin() as connection:
        while some := list(islice(numbers, _AT_A_TIME)):
            connection.execute(insert(tables.answers), [{**row, "item": _name(number)} for number in some])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if "sqlite" in url else "VACUUM ANALYZE answers")
    engine.dispose()


def _look(shelf: Archive, names: Sequence[str]) -> int:
    return len(shelf.look(_of(names), _NOW, _NOW))


def _of(names: Sequence[str]) -> Wanted:
    of = wanted(ProductCall(asins=names[:1], domain=1))
    assert of is not None
    return Wanted(of.endpoint, of.domain, tuple(names), of.contents, of.serves)


def _names(count: int) -> list[str]:
    return [_name(number) for number in range(count)]


def _name(number: int) -> str:
    return f"B{number:09}"


def _now() -> datetime:
    return datetime.now(UTC)


def _product_body(size: int) -> Callable[[str], bytes]:
    """Return what makes a product's answer: a recorded one without its offers, its histories cut to size."""
    [product] = msgspec.json.decode(bodies.body(products=1, size=10 * size))["products"]
    product["offers"] = []
    ranks = product["salesRanks"]
    points = max(len(series or ()) for series in (*product["csv"], *ranks.values()))
    while len(msgspec.json.encode(product)) > size and points > 2:
        points = max(2, int(points * 0.9))
        product["csv"] = [series and series[-points:] for series in product["csv"]]
        product["salesRanks"] = {category: series[-points:] for category, series in ranks.items()}
    return lambda name: msgspec.json.encode({"products": [{**product, "asin": name}]})


def _demand(got: int, wanted_items: int) -> None:
    assert got == wanted_items


def _drawn(lines: Sequence[tuple[str, int, float, float, tuple[float, float, float]]], left_out: str) -> Chapter:
    title = f"Looking up in an archive of {SMALL:,} products and of {LARGE:,}"
    table = empty_table(title)
    for name in ("", "at once", f"{SMALL:,}", f"{LARGE:,}", "times the time", "middle half of rounds"):
        table.add_column(name, justify="right" if name else "left")
    for name, size, soon, late, (low, middle, high) in lines:
        table.add_row(
            name,
            f"{size}",
            shown_time(soon),
            shown_time(late),
            f"{middle:.2f} (up to 1.2)",
            f"{low:.2f} to {high:.2f}",
        )
    table.caption = left_out
    table.caption_justify = "left"
    kept = [
        {"database": name, "at_once": size, "seconds": [soon, late], "ratio_quartiles": ratios}
        for name, size, soon, late, ratios in lines
    ]
    return Chapter(title, table, kept, [ratio for line in lines for ratio in _beside_small(*line)])


def _alone(row: Row, size: int) -> Iterator[Ratio]:
    measure = Measure(f"{size // 1000} kB: {row.what}", shown_time(row.seconds))
    yield measure.no_floor("a bare look at the same file is not measured")
    yield measure.no_peer(_NO_PEER)


def _beside_small(
    name: str, size: int, _soon: float, late: float, ratios: tuple[float, float, float]
) -> Iterator[Ratio]:
    measure = Measure(f"{name}, {size} at once of {LARGE:,}", shown_time(late))
    yield measure.itself(ratios[1], f"{SMALL:,} products", "lower")
    yield measure.no_peer(_NO_PEER)
