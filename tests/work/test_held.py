"""What the archive has of a discovery before it begins; and what it says of itself while it runs."""

from datetime import timedelta

from tests.house import START, House, run

from keepahead.faces.settings import KEEPA_URL
from keepahead.keepa.objects import Product
from keepahead.store.archive import Archive
from keepahead.store.database import open_database
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.harvest import Discovery, Stage
from keepahead.work.discovery.held import category_names, held_of
from keepahead.work.discovery.plan import plan_discovery
from keepahead.work.discovery.run import search

AGES = {name: timedelta(hours=1) for name in ("category", "query", "product")}
DAY = timedelta(days=1)


def test_what_the_archive_saves(tmp_path):
    """Nothing before, all of it after the discovery, what is too old no more; and looking saves nothing."""
    house = House(tmp_path)
    told: list[object] = []

    async def main() -> None:
        async with house.keepa() as keepa:
            root = next(iter(await keepa.categories(["0"])))
            criteria = Criteria(domain=1, category=root, rank=(1, 200_000), max_results=4)
            plan = plan_discovery(criteria, now=START)
            database = open_database(house.database_url)
            archive = Archive(database, KEEPA_URL, 100)
            before = held_of(plan, archive, AGES, DAY, house.clock.now())
            assert (before.tokens_likely, before.is_all) == (0, False)
            assert category_names(archive, criteria.nodes, 1, house.clock.now()) == {}
            told.extend([each async for each in search(keepa, plan, house.clock)])
            now = house.clock.now()
            after = held_of(plan, archive, AGES, DAY, now)
            assert after.is_all
            assert 4 < after.tokens_likely <= plan.cost.tokens_likely
            assert after.what[-1] == "the details of 4 of the first 5 candidates"
            assert held_of(plan, archive, {**AGES, "query": timedelta()}, DAY, now).is_all is False
            assert category_names(archive, criteria.nodes, 1, now + timedelta(days=400))[root]
            assert held_of(plan, archive, AGES, DAY, now + timedelta(days=2)).what == ()
            saved = (await keepa.status()).saved_today
            database.close()
            assert saved == 0

    run(main())
    stages = [each.what for each in told if isinstance(each, Stage)]
    assert stages == ["categories", "candidates", "details"]
    assert sum(isinstance(each, Product) for each in told) == 4
    last = told[-1]
    assert isinstance(last, Discovery)
    assert last.ended == "enough"
