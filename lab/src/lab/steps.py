"""Named steps that wait for each other, run side by side, and say how long they took."""

import re
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from lab.errors import LabError

SIDE_BY_SIDE = 4
"""More than the machine has processors: many steps only wait for a daemon."""

HEARTBEAT_SECONDS = 15.0
"""Where there is no terminal to animate, a line at least this often says what is going on."""

LOG_LINES = 6

_TELLING = re.compile(r"ERROR|CRITICAL|[Ee]rror:|^E: |\[Warning\].*denied")
# The frames of a stack, which oslo.log writes as errors of their own (an indented text after the logger's name), and
# lines that only quote an error.
_STACK = re.compile(r"Traceback \(most recent call last\)| (?:ERROR|CRITICAL) [\w.]+ (?: |$)| (?:INFO|DEBUG|WARNING) ")

Action = Callable[[], str | None]


@dataclass(frozen=True)
class Step:
    """``action`` may return a few words about what it did; ``needs`` are names of steps that come first."""

    name: str
    action: Action
    needs: tuple[str, ...] = ()


class StepFailedError(LabError):
    """A step ended with an error; ``step`` is its name."""

    def __init__(self, step: str, error: BaseException) -> None:
        super().__init__(str(error) or type(error).__name__, getattr(error, "log", None))
        self.step = step


def run(steps: list[Step], console: Console) -> None:
    """Run the steps in the order of their needs. Raises ``StepFailedError`` for the first that fails.

    Steps under way when another fails are waited for; no further ones are begun.
    """
    waiting = {step.name: step for step in steps}
    done: set[str] = set()
    began: dict[str, float] = {}
    failure: StepFailedError | None = None
    running: dict[Future[str | None], Step] = {}
    with _display(console) as display, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        tasks: dict[str, TaskID] = {}
        while True:
            ready = [step for step in waiting.values() if set(step.needs) <= done]
            for step in ready[: SIDE_BY_SIDE - len(running)] if failure is None else []:
                del waiting[step.name]
                began[step.name] = time.monotonic()
                tasks[step.name] = display.add_task(escape(step.name), total=None)
                running[pool.submit(step.action)] = step
            if not running:
                break
            finished, _ = wait(running, timeout=HEARTBEAT_SECONDS, return_when=FIRST_COMPLETED)
            if not finished and not console.is_terminal:
                names = ", ".join(step.name for step in running.values())
                console.print(f"        ... {names}", markup=False, soft_wrap=True)
            for future in finished:
                step = running.pop(future)
                display.remove_task(tasks.pop(step.name))
                seconds = time.monotonic() - began[step.name]
                if error := future.exception():
                    display.console.print(f"[red]failed[/] {seconds:6.1f} s  {escape(step.name)}", highlight=False)
                    failure = failure or StepFailedError(step.name, error)
                else:
                    done.add(step.name)
                    words = f"  [dim]{escape(result)}[/]" if (result := future.result()) else ""
                    line = f"[green]  ok  [/] {seconds:6.1f} s  {escape(step.name)}{words}"
                    display.console.print(line, highlight=False, soft_wrap=True)
    if failure:
        raise failure
    if waiting:
        raise LabError(f"steps that wait for each other: {', '.join(waiting)}")


def _display(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def relevant_lines(log: Path, count: int = LOG_LINES) -> list[str]:
    """The last lines of a log that tell of an error, else its last lines."""
    lines = log.read_text(errors="replace").splitlines()[-2000:]
    telling = [line for line in lines if _TELLING.search(line) and not _STACK.search(line)]
    return (telling or lines)[-count:]
