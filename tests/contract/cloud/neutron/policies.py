"""QoS policies, their rules, and RBAC policies of a fake Neutron."""

import json
import uuid
from typing import Any

from ..service import Answer, Asked
from .base import SHARED, Base
from .errors import bad_request, refusal
from .kinds import ADDRESS_GROUP, NETWORK, QOS_POLICY, QOS_RULES, RBAC_POLICY, SECURITY_GROUP, Record

# What can be lent to other projects.
_OBJECTS = {
    "network": NETWORK, "security_group": SECURITY_GROUP, "address_group": ADDRESS_GROUP, "qos_policy": QOS_POLICY,
}  # fmt: skip


class Policies(Base):
    """What limits traffic, and what is lent."""

    def add_policy(self, project_id: str, **fields: Any) -> Record:
        """A QoS policy that is there already."""
        return self.put(QOS_POLICY, project_id, **fields)

    def add_limit(self, policy: Record, collection: str = "bandwidth_limit_rules", **fields: Any) -> Record:
        """A rule of a QoS policy that is there already."""
        before = {**policy, "rules": list(policy["rules"])}
        kind = collection.removesuffix("_rules")
        rule = {"id": str(uuid.uuid4()), **QOS_RULES[collection][1], **fields, "type": kind}
        policy["rules"].append({**rule, "qos_policy_id": policy["id"]})
        self.note(QOS_POLICY, before, policy)
        return rule

    def create_policy(self, asked: Asked, wanted: Record) -> Record:
        project_id = self.project(asked.user, wanted)
        shared = wanted.pop("shared", False)
        fields = {name: value for name, value in wanted.items() if name not in ("project_id", "tenant_id")}
        record = self.add_policy(project_id, **fields)
        if shared:
            self.share(record, "qos_policy", "*")
        return record

    def update_policy(self, _asked: Asked, record: Record, wanted: Record) -> None:
        wanted.pop("shared", None)
        record.update(wanted)

    def delete_policy(self, _asked: Asked, record: Record) -> None:
        for kind, records in (("network", self.networks), ("port", self.ports)):
            for user in records.values():
                if user["qos_policy_id"] == record["id"]:
                    message = f"QoS Policy {record['id']} is used by {kind} {user['id']}."
                    raise refusal(409, "QosPolicyInUse", message)
        self.forget_sharing(record)

    def limits(self, asked: Asked) -> Answer:
        """Rules of a QoS policy: made, changed, removed."""
        policy_id, collection, rule_id = asked.parameters
        policy = self.owned(asked.user, QOS_POLICY, policy_id)
        member, defaults = QOS_RULES[collection]
        before = {**policy, "rules": [dict(rule) for rule in policy["rules"]]}
        if asked.method == "POST":
            fields = json.loads(asked.body)[member]
            if unknown := sorted(set(fields) - set(defaults)):
                raise bad_request(f"Unrecognized attribute(s) '{unknown[0]}'")
            rule = self._limit({**defaults, **fields}, collection, policy)
            self.revise(policy)
            self.note(QOS_POLICY, before, policy)
            return Answer(201, {member: {name: rule[name] for name in ("id", *defaults)}})
        found = [rule for rule in policy["rules"] if rule["id"] == rule_id]
        if not found:
            message = f"QoS rule of type {member} with id {rule_id} could not be found."
            raise refusal(404, "QosRuleNotFound", f"{message.removesuffix('.')} for policy {policy_id}.")
        if asked.method == "PUT":
            found[0].update(json.loads(asked.body)[member])
        elif asked.method == "DELETE":
            policy["rules"].remove(found[0])
        self.revise(policy)
        self.note(QOS_POLICY, before, policy)
        if asked.method == "DELETE":
            return Answer(204)
        return Answer(200, {member: {name: found[0][name] for name in ("id", *defaults)}})

    def _limit(self, fields: Record, collection: str, policy: Record) -> Record:
        kind = collection.removesuffix("_rules")
        for rule in policy["rules"]:
            if rule["type"] == kind and rule.get("direction") == fields.get("direction"):
                message = f"Rule {kind} could not be created: there is one already in policy {policy['name']}."
                raise refusal(409, "QoSRulesConflict", message)
        rule = {**fields, "id": str(uuid.uuid4()), "type": kind, "qos_policy_id": policy["id"]}
        policy["rules"].append(rule)
        return rule

    def create_rbac_policy(self, asked: Asked, wanted: Record) -> Record:
        kind = _OBJECTS[wanted["object_type"]]
        self.owned(asked.user, kind, wanted["object_id"])
        for policy in self.records["rbac_policies"].values():
            if all(policy[name] == wanted[name] for name in RBAC_POLICY.required):
                raise refusal(409, "DuplicateRbacPolicy", "An RBAC policy already exists with those values.")
        fields = {name: wanted[name] for name in RBAC_POLICY.required}
        return self.put(RBAC_POLICY, self.project(asked.user, wanted), **fields)

    def update_rbac_policy(self, _asked: Asked, record: Record, wanted: Record) -> None:
        record.update(wanted)

    def delete_rbac_policy(self, _asked: Asked, record: Record) -> None:
        """Ports of whom something is lent to hold it."""
        if record["action"] != SHARED:
            return
        lent, target = record["object_id"], record["target_tenant"]
        users = [
            port["id"]
            for port in self.ports.values()
            if lent in (port["network_id"], *port["security_groups"], port["qos_policy_id"])
            and port["project_id"] == target
        ]
        if users:
            message = f"RBAC policy on object {lent} cannot be removed because other objects depend on it."
            raise refusal(409, "RbacPolicyInUse", f"{message}\nDetails: Port {users[0]}")
