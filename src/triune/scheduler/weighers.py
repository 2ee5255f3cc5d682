"""The weighers that Triune brings."""

from triune.scheduler.base import Weigher
from triune.scheduler.request import PodState, RequestSpec


class HealthWeigher(Weigher):
    """`health`: pods that were answering come before those that were not."""

    def weigh(self, state: PodState, request: RequestSpec) -> float:
        return 1.0 if state.answers else 0.0


class CapacityWeigher(Weigher):
    """`capacity`: a pod without room comes last; one that nobody knows about is as good as one with room."""

    def weigh(self, state: PodState, request: RequestSpec) -> float:
        return 0.0 if state.has_capacity is False else 1.0


class ProjectWeigher(Weigher):
    """`project`: a project stays together where it can."""

    def weigh(self, state: PodState, request: RequestSpec) -> float:
        return float(state.used)
