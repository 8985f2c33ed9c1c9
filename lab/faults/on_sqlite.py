"""Faults on sqlite."""

from collections.abc import Sequence

from lab.faults.fault import Fault

ON_SQLITE: Sequence[Fault] = ()
