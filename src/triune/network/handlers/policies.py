"""QoS policies in pods (kind `qos_policy`)."""

from triune.network import names, parts, plan
from triune.network.handlers.shop import Shop, still_lent
from triune.work.handler import Again
from triune.work.requests import Key


class Policies:
    """Brings a QoS policy with its rules to what is wanted in a pod."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def __call__(self, key: Key) -> Again | None:
        """Raises what makes it due again."""
        pod = await self._shop.pod(key.pod_id)
        if pod is None or "qos" not in pod.features:
            return None
        model = await self._shop.read.policy(key.resource_id, key.pod_id)
        if model is None:
            return await self._shop.leave(pod, names.QOS_POLICY, key.resource_id)
        twin = await pod.ensure(plan.policy(model), {})
        shown = await pod.neutron.show("qos/policies", twin["id"])
        if shown is None:
            return None
        await parts.limits(pod.neutron, shown, plan.limits(model.shown, pod.features))
        return still_lent(await parts.shares(pod.neutron, pod.features, "qos_policy", twin["id"], model.shares))
