"""Decodes one body in a process of its own, and says how much CPU time it took and how much memory it needed on top.

Runs as `python -m bench.decode_child NAME FILE`; one line of JSON on stdout. The memory is the highest resident size
while the result is held, less that from before, when the body and all packages are loaded.
"""

import gc
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keepa.utils

from bench import bodies
from keepahead.keepa import objects
from keepahead.keepa.points import load_numpy
from keepahead.keepa.wire import Answer


def ours(answer: Answer) -> object:
    """Split into products, decode all series."""
    return [product.every_series() for product in objects.products([answer])]


def ours_with_meter(answer: Answer) -> object:
    """Read the meter first, as every call does."""
    return ours(bodies.answer(answer.body))


def ours_as_arrays(answer: Answer) -> object:
    """Make arrays of numpy of the times and values too."""
    products = objects.products([answer])
    return [[series.to_numpy() for series in product.every_series().values()] for product in products]


def theirs(answer: Answer) -> object:
    """Decode by json and parse as the client of the package keepa does by itself."""
    return _theirs(answer.body, to_datetime=True)


def theirs_bare(answer: Answer) -> object:
    """Do the same without datetime objects, its faster way."""
    return _theirs(answer.body, to_datetime=False)


def _theirs(content: bytes, *, to_datetime: bool) -> object:
    answer = json.loads(content)
    for product in answer["products"]:
        product["data"] = keepa.utils.parse_csv(product["csv"], to_datetime)
    return answer


CONTENDERS: dict[str, Callable[[Answer], object]] = {
    "ours": ours,
    "ours, with the meter": ours_with_meter,
    "ours, arrays": ours_as_arrays,
    "keepa": theirs,
    "keepa, bare": theirs_bare,
}


def main(name: str, place: str) -> None:
    """Measure one contender once."""
    answer = bodies.answer(Path(place).read_bytes())
    work = CONTENDERS[name]
    load_numpy()
    work(bodies.answer(bodies.body(1, 1)))  # what is loaded and compiled at the first use is loaded
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the highest resident size counts from now
    before = _memory("VmRSS")
    began = time.process_time()
    result = work(answer)
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "bytes": _memory("VmHWM") - before}))
    del result


def _memory(what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
