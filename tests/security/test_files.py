"""What is written is for its owner; what is read may be anybody's; nothing is run that was only to be read.

Where files of the commands go and when they appear: tests/faces/test_output.py. Damage in the archive: test_archive.py.
"""

import ast
import csv
import logging
import os
import re
import socket
import stat
import tracemalloc
from io import BytesIO, StringIO
from pathlib import Path

import httpx2
import msgspec
import openpyxl
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from tests.house import KEY
from tests.security.conftest import Watched

import keepahead
from keepahead.errors import LedgerFormatError
from keepahead.faces.cli.archive_files import ArchiveFile
from keepahead.faces.gateway.logs import configure_logs
from keepahead.faces.sheet import Field, bytes_of
from keepahead.store.database import open_database
from keepahead.store.packing import DamagedError, pack, unpack, zstd

SOURCES = sorted(Path(keepahead.__file__).parent.rglob("*.py"))
RUNS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "tempfile.mktemp", "yaml.load"}
READS_AS_PROGRAMS = {"pickle", "cPickle", "dill", "marshal", "shelve", "yaml", "xml", "zipfile", "tarfile", "ctypes"}
CELLS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "\uff1d1", '=HYPERLINK("x")']


def test_nothing_is_run_that_is_read():
    """No module evaluates text, loads pickles or YAML, unpacks archives of files, or starts a shell."""
    found: list[str] = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in RUNS:
                found.append(f"{path.name}: {ast.unparse(node.func)}")
            if isinstance(node, ast.keyword) and node.arg == "shell":
                found.append(f"{path.name}: shell=")
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.name}: {name}" for name in names if name.split(".")[0] in READS_AS_PROGRAMS]
    assert found == []


def test_the_ledger_is_for_its_owner(tmp_path):
    """A new ledger and what lies beside it can be read by its owner alone; the mode of one that is there stays."""
    before = os.umask(0o022)
    try:
        database = open_database(f"sqlite:///{tmp_path / 'deep' / 'ledger.db'}")
        with database.write():
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep").iterdir()}
        database.close()
        (tmp_path / "shared.db").touch(0o660)
        (tmp_path / "shared.db").chmod(0o660)
        open_database(f"sqlite:///{tmp_path / 'shared.db'}").close()
    finally:
        os.umask(before)
    assert "ledger.db-wal" in modes
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "shared.db").stat().st_mode) == 0o660


@pytest.mark.parametrize("text", CELLS)
def test_no_cell_is_computed(text):
    """What begins as a formula is text in csv, by an apostrophe, and in Excel, by its type; numbers stay numbers."""
    fields, rows = (Field("title", str), Field("price", float)), [(text, -1.5), (f"x{text}", 2.0)]
    lines = list(csv.reader(StringIO(bytes_of(".csv", fields, rows).decode(), newline="")))
    line_ends = text.replace("\r", "\n")
    assert lines[1:] == [[f"'{line_ends}", "-1.5"], [f"x{line_ends}", "2.0"]]
    sheet = openpyxl.load_workbook(BytesIO(bytes_of(".xlsx", fields, rows))).active
    assert [(cell.data_type, cell.hyperlink) for cell in (sheet["A2"], sheet["B2"])] == [("s", None), ("n", None)]


@given(st.binary(max_size=3_000))
def test_what_was_packed_is_unpacked(body):
    """Whatever was packed comes back, and whatever is no packed body is damaged."""
    assert unpack(pack(body)) == body
    for broken in (body, pack(body)[:-1], pack(body) + b"x", pack(body) + pack(body)):
        with pytest.raises(DamagedError):
            unpack(broken)


def peak_of(work) -> int:
    """Return how many bytes of Python's memory some work took at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def zeros(megabytes: int, *, says_size: bool) -> bytes:
    """Return so many zeros, packed."""
    packer = zstd.ZstdCompressor()
    if says_size:
        packer.set_pledged_input_size(megabytes * 1_000_000)
    return b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(megabytes)), packer.flush()])


def test_no_packed_body_fills_the_memory():
    """What becomes ten thousand times as large is damaged before it is unpacked: it is too large, or hides its size."""
    bombs = [zeros(300, says_size=True), zeros(60, says_size=False), zstd.compress(b"a") + zeros(60, says_size=False)]

    def unpack_them() -> None:
        for each in bombs:
            with pytest.raises(DamagedError):
                unpack(each)

    assert max(map(len, bombs)) < 100_000
    assert peak_of(unpack_them) < 10_000_000
    assert len(unpack(zeros(60, says_size=True))) == 60_000_000


def test_no_file_of_an_archive_fills_the_memory(tmp_path):
    """A line without end in a file that is taken in is damage; names in it are values, and make no file."""
    header = msgspec.json.encode({"keepahead_archive": 1, "upstream": "https://../../evil"}) + b"\n"
    with zstd.ZstdFile(tmp_path / "bomb", "wb") as packed:
        packed.write(header + b'{"endpoint":"')
        for _ in range(160):
            packed.write(bytes(1_000_000))
    source = ArchiveFile(tmp_path / "bomb")
    with pytest.raises(LedgerFormatError):
        list(source.rows())
    assert [path.name for path in tmp_path.parent.rglob("*evil*")] == []


PATHS = [
    "/_nicegui/{v}/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/_nicegui/{v}/static/../../../../../../../etc/passwd",
    "/_nicegui/{v}/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/_nicegui/{v}/static//etc/passwd",
    "/_nicegui/{v}/resources/x/../../../etc/passwd",
    "/_nicegui/{v}/components/..%2f..%2fnicegui.py",
    "/_nicegui/{v}/libraries/..%2f..%2f..%2fetc/passwd",
    "/_nicegui/{v}/esm/..%2f..%2f/etc/passwd",
    "/_nicegui/auto/static/etc/passwd",
    "/favicon.ico/../../etc/passwd",
    "/health/../api/v1/budget",
    "/health/..%2fapi%2fv1%2fbudget",
    "/problems/..%2f..%2fetc%2fpasswd",
    "/openapi.json/../api/v1/ledger",
    "/ledger.db",
    "/.env",
    "/keepahead.toml",
    "//etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_what_is_served(gateway: Watched, path):
    """Whatever dots and slashes a stranger's path is made of, he gets no file, and no answer that asks for a key."""
    with httpx2.Client(base_url=gateway.base) as client:
        page = client.get("/login")
        client.post("/login", data={"key": gateway.key})
        version = re.search(r"/_nicegui/([^/\"]+)/", client.get("/").text)
        assert page.status_code == 200
        assert version
    url = httpx2.URL(gateway.base)
    target = path.format(v=version[1])
    with socket.create_connection((url.host, url.port or 0), timeout=60) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        found = b""
        while part := connection.recv(65_536):
            found += part
    assert int(found[9:12]) in {303, 400, 401, 404}, found[:200]
    assert b"root:" not in found
    assert b"balance" not in found
    assert gateway.key.encode() not in found


def test_nobody_writes_lines_of_the_log(capsys):
    """What is logged is one line, wherever an end of a line stood in it, and no key is in it."""
    before = logging.getLogger().handlers, structlog.get_config()
    try:
        configure_logs(as_json=False)
        evil = f"GET /a\n2026-11-26 [info     ] login caller=admin\r\x1b[2J key={KEY}"
        structlog.get_logger("keepahead.gateway").info("request", path=evil, caller=evil)
        logging.getLogger("nicegui").warning("%s not found", evil)
        logging.getLogger("py.warnings").warning("a warning\n  of Python's\n")
        lines = capsys.readouterr().err.splitlines()
    finally:
        logging.getLogger().handlers = before[0]
        structlog.configure(**before[1])
        logging.captureWarnings(False)
    assert len(lines) == 3
    assert not [line for line in lines if KEY in line or "\x1b" in line or line.startswith("2026-11-26 [info")]
