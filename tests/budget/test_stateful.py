"""`decide` against two naive models, in every order that hypothesis can think of. The rules are in machine.py."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.budget.machine import House, Overcharged

LIVES = settings(max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))


def test_nothing_that_happens_to_a_key_breaks_the_budget() -> None:
    """Late, lost, repeated and outside spending included, the account never promises what Keepa has not."""
    run_state_machine_as_test(House, settings=LIVES)


def test_overcharges_are_recorded_and_seen_by_the_next_decision() -> None:
    """When Keepa takes more than was reserved, only that excess may undercut the floor, and only until a meter came."""
    run_state_machine_as_test(Overcharged, settings=LIVES)
