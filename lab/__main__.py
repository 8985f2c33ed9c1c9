"""`python -m lab sim --seed 4711 --steps 20000`, `python -m lab soak --minutes 60`, `python -m lab bugs`."""

import argparse
import os
import sys

from lab.hunt import hunt_all
from lab.soak import STEPS, simulate, soak, workers_here


def main() -> int:
    """Read what is asked for, and do it."""
    parser = argparse.ArgumentParser(prog="python -m lab", description="Try to break the promise.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("sim", help="one run, reproduced exactly from its seed")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--steps", type=int, default=STEPS)
    many = commands.add_parser("soak", help="fresh seeds side by side, until the time is up or a law is broken")
    many.add_argument("--minutes", type=float, default=1.0)
    many.add_argument("--steps", type=int, default=STEPS, help="of each run (default: %(default)s)")
    many.add_argument("--workers", type=int, default=workers_here())
    many.add_argument("--go-on", action="store_true", help="go on after a broken law, and show all at the end")
    many.add_argument("--first-seed", type=int, help="count up from here (default: random seeds)")
    bugs = commands.add_parser("bugs", help="plant deliberate bugs, each of which must be caught")
    bugs.add_argument("names", nargs="*", help="only those with one of these in their names")
    bugs.add_argument("--fast", action="store_true", help="without the slow ones")
    asked = parser.parse_args()
    if asked.command == "bugs":
        return hunt_all(with_slow=not asked.fast, names=asked.names)
    if asked.command == "sim":
        return simulate(asked.seed, asked.steps)
    return soak(asked.minutes, asked.steps, asked.workers, asked.first_seed, goes_on=asked.go_on)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of names have another order in each process, but for this
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
