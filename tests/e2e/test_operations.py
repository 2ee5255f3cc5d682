"""The lists of operations are those of the services that are installed."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_lists_of_operations_are_current() -> None:
    python = ROOT / ".lab" / "venv" / "bin" / "python"
    result = subprocess.run(
        [python, ROOT / "tools" / "operations", "--check"], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
