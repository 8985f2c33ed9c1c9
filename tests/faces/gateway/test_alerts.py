"""The gateway watches its own ledger: the evening on which the tokens ran out, with warnings that come in time."""

from tests.gateway_house import GatewayHouse
from tests.house import ACCOUNT, run

from keepahead.store.alarms import Alarms
from keepahead.store.database import open_database
from keepahead.store.record import Filter, Record


def standing(house):
    """When each rule began to fire, and the lowest balance that was metered until then."""
    database = open_database(house.database_url)
    try:
        lines = Record(database, ACCOUNT).lines(Filter(), limit=1_000)
        metered = [(line.entry.at, line.entry.meter.tokens_left) for line in lines if hasattr(line.entry, "meter")]
        return {
            alarm.rule: (alarm, min((left for at, left in metered if at <= alarm.began_at), default=None))
            for alarm in Alarms(database, ACCOUNT).states()
        }
    finally:
        database.close()


def test_the_evening_is_foreseen(tmp_path):
    """A list, a discovery and look-ups against 220 tokens: what is coming is told before the floor is reached."""

    async def main():
        async with GatewayHouse(tmp_path, rate=5, balance=220).opened() as house, house.client("spend") as client:
            await client.get("/api/v1/bestsellers/283155")
            for number in range(45):
                await house.clock.sleep_async(5)
                asins = ",".join(f"B{number:03d}{each:06d}" for each in range(4))
                await client.get("/api/v1/products", params={"asins": asins, "deadline": 0})
            await house.clock.sleep_async(5)
            return standing(house)

    found = run(main())
    assert set(found) >= {"floor_ahead", "low", "critical"}
    for name in ("floor_ahead", "low", "critical"):
        alarm, lowest = found[name]
        assert alarm.is_firing
        assert lowest > 10, name
    assert found["floor_ahead"][1] > 50


def test_a_quiet_gateway_says_nothing(tmp_path):
    """One dear call, and a while in which nobody spends, fire nothing."""

    async def main():
        async with GatewayHouse(tmp_path, balance=600).opened() as house, house.client("spend") as client:
            await client.get("/api/v1/bestsellers/283155")
            await house.clock.sleep_async(1200)
            return standing(house)

    assert run(main()) == {}
