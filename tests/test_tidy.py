"""The house checks itself: floors, hidden imports, file names, one reader of time."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "keepahead"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
BANNED = re.compile(r"(util|helper|common|manager|base|service|misc)s?")
TIME_READERS = {
    "clock.py",
    "simulator/server.py",
    "simulator/simulator.py",
    "simulator/state.py",
    "simulator/transport.py",
    "simulator/virtual.py",
    "store/deadline.py",  # how long a database keeps silent is no matter of the account
    "store/sqlite.py",
}


def name_of(path: Path) -> str:
    """The path as a person would say it."""
    return str(path.relative_to(SOURCE))


def imports(node: ast.AST) -> Iterator[str]:
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_hidden_imports(path):
    """No module imports its own house inside a function or for type checkers only; the front door says why it may."""
    if path == SOURCE / "__init__.py":
        return
    tree = ast.parse(path.read_text())
    top = set(map(id, tree.body))
    hidden = [
        named
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in top
        for named in imports(node)
        if named.startswith("keepahead")
    ]
    assert hidden == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_names_are_nouns(path):
    """No file is called utils, helpers, common and the like: its noun would be missing."""
    assert not BANNED.fullmatch(path.stem.split("_")[-1])


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path):
    """Every module opens with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_stay_small(path):
    """No file grows beyond what can be read in one go."""
    assert len(path.read_text().splitlines()) <= 450


def test_the_budget_is_pure():
    """The ground floor imports nothing that could read a clock, a file, a network or a log."""
    allowed = {
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "enum",
        "typing",
        "itertools",
        "functools",
        "math",
    }
    for path in (SOURCE / "budget").glob("*.py"):
        named = {name for node in ast.walk(ast.parse(path.read_text())) for name in imports(node)}
        assert {name for name in named if not name.startswith("keepahead.budget")} <= allowed, path
        assert ".now(" not in path.read_text(), path
        assert ".today(" not in path.read_text(), path


def test_one_reader_of_time():
    """Only clock.py reads the system's time, but for the simulator, which imports no floor, and for time-outs."""
    reads = re.compile(r"\b(time\.(time|monotonic|sleep|perf_counter)|datetime\.(now|utcnow|today)|date\.today)\(")
    found = {name_of(path) for path in MODULES if reads.search(path.read_text())}
    assert found <= TIME_READERS


def test_the_core_prints_nothing():
    """Below the faces nothing writes to the terminal."""
    for path in MODULES:
        if not name_of(path).startswith(("faces", "simulator")):
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"], path


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_states_its_rule(path):
    """Every test has a docstring: the rule it holds."""
    tests = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    assert [test.name for test in tests if test.name.startswith("test_") and not ast.get_docstring(test)] == []


def test_no_key_in_the_tree():
    """No string of the shape of a Keepa key lies in the project, but for made-up ones of a single letter."""
    shape = re.compile(r"(?<![0-9A-Za-z])[0-9a-z]{64}(?![0-9A-Za-z])")
    for path in (*MODULES, *TESTS, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        assert [found for found in shape.findall(path.read_text()) if len(set(found)) > 1] == [], path
