"""The filters that Triune brings."""

from collections.abc import Sequence

from triune.pods.placement import Limited, NoCandidate, UnknownZone, beyond, contradiction
from triune.scheduler.base import Filter
from triune.scheduler.request import PodState, RequestSpec


class AvailabilityZoneFilter(Filter):
    """`availability_zone`: the pod is in the zone that the tenant named."""

    def passes(self, state: PodState, request: RequestSpec) -> bool:
        return request.zone is None or state.pod.az_name == request.zone

    def refusal(self, left: Sequence[PodState], every: Sequence[PodState], request: RequestSpec) -> NoCandidate:
        return UnknownZone(request.zone)


class AnchorFilter(Filter):
    """`anchor`: the pod has what the resource needs, such as a volume."""

    def passes(self, state: PodState, request: RequestSpec) -> bool:
        return all(anchor.pod.id == state.pod.id for anchor in request.anchors)

    def refusal(self, left: Sequence[PodState], every: Sequence[PodState], request: RequestSpec) -> NoCandidate:
        ids = {state.pod.id for state in left}
        for anchor in request.anchors:
            ids &= {anchor.pod.id}
            if not ids:
                return contradiction(anchor, request.anchors, request.zone)
        return super().refusal(left, every, request)


class LimitFilter(Filter):
    """`limit`: everything that is named can be in the pod, such as a network with availability zone hints."""

    def passes(self, state: PodState, request: RequestSpec) -> bool:
        return all(state.pod.id in limit.pod_ids for limit in request.limits)

    def refusal(self, left: Sequence[PodState], every: Sequence[PodState], request: RequestSpec) -> NoCandidate:
        ids = {state.pod.id for state in left}
        for limit in request.limits:
            ids &= limit.pod_ids
            if not ids:
                pods = [state.pod for state in every]
                return Limited(beyond(limit, request.limits, request.anchors, pods, request.zone))
        return super().refusal(left, every, request)


class EnabledFilter(Filter):
    """`enabled`: the operator lets the pod take new resources."""

    def passes(self, state: PodState, request: RequestSpec) -> bool:
        return state.pod.enabled

    def refusal(self, left: Sequence[PodState], every: Sequence[PodState], request: RequestSpec) -> NoCandidate:
        return UnknownZone(request.zone)


class CapacityFilter(Filter):
    """`capacity`: the pod's Placement does not say that there is no room. Not among the defaults."""

    def passes(self, state: PodState, request: RequestSpec) -> bool:
        return state.has_capacity is not False
