"""Real faults on real parts, each once: `make faults` prints the same as a table."""

import pytest
from lab.faults.fault import LeftOutError
from lab.faults.table import FAULTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: f"{each.part}: {each.name}")
def test_promises_are_kept(fault, tmp_path):
    """Whatever breaks, what was promised for it is kept."""
    try:
        happened = fault.play(tmp_path)
    except LeftOutError as error:
        pytest.skip(str(error))
    assert not happened.broken, happened
