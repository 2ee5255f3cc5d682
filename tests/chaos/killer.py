"""Ends processes as power cuts would, at random moments, and starts them again."""

import random
import threading
import time

from e2e.lab import CENTRAL_NEUTRON, DATABASE, GATEWAY, WORKER, Lab

VICTIMS = (GATEWAY, WORKER, CENTRAL_NEUTRON, DATABASE)
# Seconds of peace before a kill, and of absence after it. A database takes longest to come back.
PEACE = (4.0, 14.0)
ABSENCE = (0.0, 4.0)


class Killer(threading.Thread):
    """Kills one process after the other, each at least once, until `done` is set; then all run."""

    def __init__(self, lab: Lab, seed: int) -> None:
        super().__init__(name="killer")
        self._lab, self._random = lab, random.Random(seed)
        self._done = threading.Event()
        self.killed: list[str] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self._is_over():
                # Each in its turn, in another order every time.
                for victim in self._random.sample(VICTIMS, len(VICTIMS)):
                    self._done.wait(self._random.uniform(*PEACE))
                    if self._is_over():
                        break
                    self._kill(victim)
        except Exception as error:  # noqa: BLE001 - for the test to raise, in its own thread
            self.error = error

    def _is_over(self) -> bool:
        return self._done.is_set() and set(self.killed) == set(VICTIMS)

    def _kill(self, victim: str) -> None:
        self.killed.append(victim)
        self._lab.kill(victim)
        try:
            time.sleep(self._random.uniform(*ABSENCE))
        finally:
            self._lab.start(victim)

    def finish(self) -> None:
        """Stop killing when each was killed, and wait until everything runs."""
        self._done.set()
        self.join()
        if self.error is not None:
            raise self.error
