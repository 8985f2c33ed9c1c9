"""The made-up programs of `serve --play`."""

import asyncio

from tests.gateway_house import GatewayHouse
from tests.house import run

from keepahead.faces.gateway.play import Play
from keepahead.store.record import Filter, GroupBy


def test_play(tmp_path):
    """In twelve minutes each program has spent, one was refused, and nobody went below the floor."""

    async def main():
        async with GatewayHouse(tmp_path, rate=20, balance=500).opened() as house:
            play = Play(house.gateway)
            play.start()
            await house.clock.sleep_async(12 * 60)
            await play.stop()
            await asyncio.sleep(60)  # what was under way ends
            with house.books() as (_, record):
                return record.sums(GroupBy.CALLER, Filter()), house.truth()

    sums, truth = run(main())
    assert {"repricer", "researcher", "scout"} <= {each.group for each in sums if each.charged}
    assert sum(each.refused for each in sums) > 0
    assert sum(each.saved for each in sums) > 0
    assert truth.lowest_balance >= 10
