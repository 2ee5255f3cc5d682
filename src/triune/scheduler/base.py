"""What a filter and a weigher are: pure decisions, loaded by name from entry points."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from triune.pods.placement import NoCandidate
from triune.scheduler.request import PodState, RequestSpec


class Filter(ABC):
    """Says whether a pod may take a request (entry point group `triune.filters`)."""

    @abstractmethod
    def passes(self, state: PodState, request: RequestSpec) -> bool:
        """Whether this pod may."""

    def refusal(self, left: Sequence[PodState], every: Sequence[PodState], request: RequestSpec) -> NoCandidate:
        """What the tenant is told where no pod passes; `left` are those that got here, `every` all of them."""
        return NoCandidate("No availability zone can take what is asked for.")


class Weigher(ABC):
    """Says how good a pod is for a request (entry point group `triune.weighers`)."""

    @abstractmethod
    def weigh(self, state: PodState, request: RequestSpec) -> float:
        """The more, the better."""
