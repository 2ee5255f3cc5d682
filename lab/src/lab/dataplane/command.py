"""Short-lived commands, always with a deadline."""

import subprocess
from collections.abc import Mapping, Sequence

from lab.dataplane.errors import DataplaneError

DEFAULT_TIMEOUT_SECONDS = 30.0


def run(
    argv: Sequence[str],
    *,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
) -> str:
    """Run a command and return its standard output.

    `timeout` is in seconds. Raises DataplaneError, with the command's own words, when it is missing, takes too long or
    ends with another code than 0.
    """
    shown = " ".join(argv)
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, env=environment, check=False
        )
    except FileNotFoundError as error:
        raise DataplaneError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise DataplaneError(f"no answer within {timeout:g} s: {shown}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise DataplaneError(f"exit code {done.returncode}: {shown}\n{words}".rstrip())
    return done.stdout


def ip_batch(lines: Sequence[str], *, namespace: str | None = None) -> None:
    """Run many `ip` commands in one process, in the root namespace or in a named one; stops at the first failure."""
    if lines:
        where = ["-n", namespace] if namespace else []
        run(["ip", *where, "-batch", "-"], stdin="\n".join(lines) + "\n")
