"""The audit of dependencies reports and fails nothing: its service answers, is away, or hangs."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.security.recorder import Asked, recorder

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
ADVISORY = "GHSA-aaaa-bbbb-cccc"


def audited(**environment: str) -> str:
    """Run the audit as CI does, with the uv that make set up; return its last line."""
    uv = UV if UV.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("there is no uv here: make sets it up in .venv")
    told = {**os.environ, "UV": str(uv), "UV_OFFLINE": "0", **environment}
    done = subprocess.run([ROOT / ".ci" / "audit"], env=told, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("is_wrong", [False, True])
def test_what_is_found_is_told(is_wrong):
    """All that is locked is asked for; what is known to be wrong is named, with its advisory, and CI goes on."""
    queries: list[dict] = []

    def answer(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        if asked.path != "/v1/querybatch":
            moment = "2026-01-01T00:00:00Z"
            fault = {
                "id": ADVISORY,
                "modified": moment,
                "published": moment,
                "summary": "A made-up fault",
                "affected": [],
            }
            return 200, {}, json.dumps(fault).encode()
        queries.extend(json.loads(asked.body)["queries"])
        found = {"vulns": [{"id": ADVISORY, "modified": "2026-01-01T00:00:00Z"}]}
        results = [found if is_wrong and each["package"]["name"] == "starlette" else {} for each in queries]
        return 200, {}, json.dumps({"results": results}).encode()

    with recorder() as service:
        service.answer = answer
        told = audited(AUDIT_SERVICE=service.url)
    assert {"httpx2", "starlette", "sqlalchemy", "nicegui", "pytest"} <= {each["package"]["name"] for each in queries}
    assert ("FOUND" in told.splitlines()[-1]) is is_wrong
    assert ("nothing is known" in told.splitlines()[-1]) is not is_wrong
    assert (ADVISORY in told) is is_wrong


def test_a_service_that_is_away():
    """Where nobody can be asked that is said, with the reason."""
    told = audited(AUDIT_SERVICE="http://127.0.0.1:1")
    assert told.splitlines()[-1] == "audit of dependencies: NOT DONE, the service could not be asked; see above"
    assert "error" in told


def test_a_service_that_hangs():
    """An audit ends after its time, whatever the service does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        told = audited(AUDIT_SERVICE=url, AUDIT_SECONDS="2")
    assert told.splitlines()[-1] == "audit of dependencies: NOT DONE, no answer within 2 s"
