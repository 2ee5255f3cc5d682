"""How the work engine works: its times and limits."""

from dataclasses import dataclass

from triune.work.backoff import Backoff


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds.

    `poll_interval`: between looks at the journal, and the longest between looks at a key that another works on.
    `lease_time`: without a sign of life, until a key is taken over. `grace`: what keys under way get to be finished
    when the process is asked to end. `copy_deadline`: what an attempt may take that moves data, instead of
    `attempt_deadline`.
    """

    poll_interval: float
    lease_time: float
    attempt_deadline: float
    keys_at_once: int
    keys_per_pod: int
    keep_finished: float
    backoff: Backoff
    grace: float = 1.0
    copy_deadline: float = 6 * 3600.0
