"""What the laboratory cannot catch it cannot promise: bugs are planted, and each must be caught within its steps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(1200)
def test_every_deliberate_bug_is_caught(tmp_path):
    """Each breaks a law within its stated steps, and the same runs without any bug break none."""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "lab", "bugs", "--fast"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
