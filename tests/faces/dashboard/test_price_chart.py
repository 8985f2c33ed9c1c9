"""What the chart is told: prices and rank in panels, gaps left open, scales that fit."""

from datetime import UTC, datetime, timedelta

from keepahead.faces.dashboard.look import DARK, LIGHT
from keepahead.faces.dashboard.price_chart import chart_options
from keepahead.work.analysis.chart import Line, Picture

T0 = datetime(2026, 11, 1, tzinfo=UTC)
MS = int(T0.timestamp() * 1000)
DAY = 86_400_000


def line(name: str, *values: int | None) -> Line:
    """A line with a value a day."""
    return Line(name, tuple((T0 + timedelta(days=day), value) for day, value in enumerate(values)))


def picture(*prices: Line, rank: Line | None = None, decimals: int = 2) -> Picture:
    """A picture of ten days."""
    return Picture(
        title="t",
        subtitle="s",
        currency="USD",
        decimals=decimals,
        prices=prices,
        rank=rank,
        since=T0,
        until=T0 + timedelta(days=10),
    )


def test_gaps_stay_open():
    """A value holds until the next one, ends where a gap begins, and the last one holds to the end."""
    options = chart_options(picture(line("New", 1000, None, 1250)), LIGHT)
    assert options["series"][0]["data"] == [
        [MS, 10.0],
        [MS + DAY, 10.0],
        [MS + DAY, None],
        [MS + 2 * DAY, 12.5],
        [MS + 10 * DAY, 12.5],
    ]
    assert options["series"][0]["step"] == "end"
    assert len(options["grid"]) == len(options["xAxis"]) == 1


def test_rank_has_its_own_panel():
    """The best rank is uppermost; ranks that differ much are drawn by powers of ten."""
    options = chart_options(picture(line("New", 1), line("Amazon", 2), rank=line("sales rank", 30, 9000)), DARK)
    assert [each["yAxisIndex"] for each in options["series"]] == [0, 0, 1]
    assert options["yAxis"][1] | {"inverse": True, "type": "log", "min": 10, "max": 10_000} == options["yAxis"][1]
    assert chart_options(picture(rank=line("sales rank", 30, 40)), DARK)["yAxis"][0]["type"] == "value"
    assert options["legend"]["data"] == ["New", "Amazon", "sales rank"]
    assert options["series"][0]["z"] > options["series"][1]["z"]


def test_money_as_people_write_it():
    """Prices have the decimals of their currency, ranks none; yen are whole."""
    options = chart_options(picture(line("New", 100), rank=line("sales rank", 5)), LIGHT)
    assert "minimumFractionDigits: 2" in options["series"][0]["tooltip"][":valueFormatter"]
    assert "minimumFractionDigits: 0" in options["series"][1]["tooltip"][":valueFormatter"]
    yen = chart_options(picture(line("New", 100), decimals=0), LIGHT)["series"][0]
    assert yen["data"][0] == [MS, 100]


def test_many_points():
    """Of a series with very many points no more is sent than a chart can show."""
    dense = Line("New", tuple((T0 + timedelta(seconds=second), second % 97 + 1) for second in range(50_000)))
    assert len(chart_options(picture(dense), LIGHT)["series"][0]["data"]) < 14_000
