"""The account as the pages show it, against what really happened to the bucket."""

import pytest
from tests.gateway_house import GatewayHouse
from tests.house import run

from keepahead.faces.dashboard.board import Board
from keepahead.simulator.faults import Faults


@pytest.mark.parametrize("drop_percent", [0, 40])
def test_today(tmp_path, drop_percent):
    """What came and what was spent today are the bucket's own figures, with and without calls whose answer was lost."""

    async def main():
        faults = Faults(drop_percent=drop_percent)
        async with GatewayHouse(tmp_path, rate=20, balance=500).opened() as house, house.client("spend") as client:
            await client.get("/keepa/token")  # the balance with which it all begins
            house.simulator.faults = faults
            for number in range(20):
                await client.get("/api/v1/products", params={"asins": f"B0000000{number:02d}", "max_age": 0})
                await house.clock.sleep_async(10)
            house.simulator.faults = Faults()
            await client.get("/api/v1/products", params={"asins": "B000000099", "max_age": 0})
            state = house.app.state
            board = Board(house.gateway, state.books, state.alerting.alarms)
            return await board.view(), house.truth()

    view, truth = run(main())
    assert bool(view.today.unknown) == bool(drop_percent)
    assert view.status.balance == truth.balance
    assert view.today.charged + view.today.unknown == truth.consumed
    assert view.refilled == truth.refilled
