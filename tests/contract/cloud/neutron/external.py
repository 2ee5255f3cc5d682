"""External networks of a fake Neutron: those that routers may have their gateways on."""

from ..keystone import Token
from ..service import Asked
from .base import EXTERNAL
from .errors import refusal
from .kinds import NETWORK, SUBNET, Kind, Record
from .networks import ROUTER_GATEWAY, Networks
from .policies import Policies

_EXTERNAL = "router:external"


class External(Networks, Policies):
    """A network is external by its attribute or by an RBAC policy; each brings the other."""

    def add_external(self, project_id: str, **fields: object) -> Record:
        """An external network that is there already, for everybody."""
        network = self.add_network(project_id, **{_EXTERNAL: True, **fields})
        self.share(network, "network", "*", EXTERNAL)
        return network

    def view(self, token: Token, kind: Kind, record: Record) -> Record:
        shown = super().view(token, kind, record)
        if kind is SUBNET and _EXTERNAL in shown:
            shown[_EXTERNAL] = self.networks[record["network_id"]][_EXTERNAL]
        return shown

    def gateway_ports(self, network_id: str) -> list[Record]:
        """The ports by which routers have their gateways on a network."""
        owned = (port for port in self.ports.values() if port["device_owner"] == ROUTER_GATEWAY)
        return [port for port in owned if port["network_id"] == network_id]

    def create_network(self, asked: Asked, wanted: Record) -> Record:
        record = super().create_network(asked, wanted)
        if record[_EXTERNAL]:
            self.share(record, "network", "*", EXTERNAL)
        return record

    def update_network(self, asked: Asked, record: Record, wanted: Record) -> None:
        external = wanted.get(_EXTERNAL, record[_EXTERNAL])
        if record[_EXTERNAL] and not external:
            if self.gateway_ports(record["id"]):
                message = f"External network {record['id']} cannot be updated to be made non-external, since it has "
                raise refusal(409, "ExternalNetworkInUse", f"{message}existing gateway ports.")
            self.forget_sharing(record, EXTERNAL)
        if external and not record[_EXTERNAL]:
            self.share(record, "network", "*", EXTERNAL)
        super().update_network(asked, record, wanted)

    def create_rbac_policy(self, asked: Asked, wanted: Record) -> Record:
        policy = super().create_rbac_policy(asked, wanted)
        if policy["action"] == EXTERNAL:
            self._turn(self.networks[policy["object_id"]], True)
        return policy

    def update_rbac_policy(self, asked: Asked, record: Record, wanted: Record) -> None:
        target = wanted.get("target_tenant", record["target_tenant"])
        if record["action"] == EXTERNAL and target != record["target_tenant"]:
            self._check_gateways(record, target)
        super().update_rbac_policy(asked, record, wanted)

    def delete_rbac_policy(self, asked: Asked, record: Record) -> None:
        super().delete_rbac_policy(asked, record)
        if record["action"] != EXTERNAL:
            return
        self._check_gateways(record, None)
        if self._targets(record["object_id"]) == [record["target_tenant"]]:
            self._turn(self.networks[record["object_id"]], False)

    def _targets(self, network_id: str) -> list[str]:
        """The projects for which a network is external."""
        policies = (each for each in self.records["rbac_policies"].values() if each["action"] == EXTERNAL)
        return [each["target_tenant"] for each in policies if each["object_id"] == network_id]

    def _turn(self, network: Record, external: bool) -> None:
        if network[_EXTERNAL] != external:
            before = dict(network)
            network[_EXTERNAL] = external
            self.revise(network)
            self.note(NETWORK, before, network)

    def _check_gateways(self, policy: Record, target: str | None) -> None:
        """Whether routers need a policy that goes, or is for another project now. Raises `Refusal` 409."""
        routers = self.records["routers"]
        found = (routers.get(port["device_id"]) for port in self.gateway_ports(policy["object_id"]))
        projects = {router["project_id"] for router in found if router is not None}
        targets = self._targets(policy["object_id"])
        if policy["target_tenant"] != "*":
            in_need = policy["target_tenant"] in projects and "*" not in targets
        else:
            in_need = bool(projects - {*targets, target})
        if in_need:
            message = f"RBAC policy on object {policy['object_id']} cannot be removed because other objects depend on "
            message += "it.\nDetails: There are routers attached to this network that depend on this policy for access."
            raise refusal(409, "RbacPolicyInUse", message)
