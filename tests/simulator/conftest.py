"""Fixtures by noun."""

import pytest
from tests.simulator.house import House, open_house


@pytest.fixture
def house() -> House:
    """Open a plan of 1000 a minute, so that tests of answers never run dry."""
    return open_house(refill_rate=1000)
