"""Our own Keepa, written from the protocol sheet; imports no floor, so that agreement with it is evidence."""

from keepahead.simulator.answers import Reply
from keepahead.simulator.app import make_app
from keepahead.simulator.faults import Faults, Outsider
from keepahead.simulator.simulator import SIMULATOR_KEY, Pending, Simulator, Truth
from keepahead.simulator.transport import SimulatorTransport
from keepahead.simulator.virtual import DeadlockError, LoopClock, ScaledClock, SteppedClock, VirtualLoop

__all__ = [
    "SIMULATOR_KEY",
    "DeadlockError",
    "Faults",
    "LoopClock",
    "Outsider",
    "Pending",
    "Reply",
    "ScaledClock",
    "Simulator",
    "SimulatorTransport",
    "SteppedClock",
    "Truth",
    "VirtualLoop",
    "make_app",
]
