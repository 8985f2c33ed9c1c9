"""Every fault there is."""

from collections.abc import Sequence

from lab.faults.fault import Fault
from lab.faults.on_network import ON_NETWORK
from lab.faults.on_postgres import ON_POSTGRES
from lab.faults.on_sqlite import ON_SQLITE

FAULTS: Sequence[Fault] = (*ON_SQLITE, *ON_POSTGRES, *ON_NETWORK)
