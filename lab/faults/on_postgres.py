"""Faults on postgres."""

from collections.abc import Sequence

from lab.faults.fault import Fault

ON_POSTGRES: Sequence[Fault] = ()
