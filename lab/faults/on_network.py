"""Faults on network."""

from collections.abc import Sequence

from lab.faults.fault import Fault

ON_NETWORK: Sequence[Fault] = ()
