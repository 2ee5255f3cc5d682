"""Security groups, their rules, and address groups of a fake Neutron."""

import json
from ipaddress import ip_network
from typing import Any

from ..service import Answer, Asked
from .base import Base
from .errors import bad_request, refusal
from .kinds import ADDRESS_GROUP, SECURITY_GROUP, SECURITY_GROUP_RULE, Record

DEFAULT = "default"
# What makes two rules the same.
_VALUE = (
    "security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max",
    "remote_ip_prefix", "remote_group_id", "remote_address_group_id",
)  # fmt: skip
_REMOTES = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")
_PROTOCOLS = {"icmp": "1", "tcp": "6", "udp": "17", "ipv6-icmp": "58", "icmpv6": "58", "sctp": "132"}
# Prefixes that say as much as none.
_ALL_ADDRESSES = ("0.0.0.0/0", "::/0", None)


class Groups(Base):
    """Groups and what they let pass."""

    def default_group(self, project_id: str) -> Record:
        """The group that every project has."""
        return self.ensure_default_group(project_id)

    def ensure_default_group(self, project_id: str) -> Record:
        for group in self.groups.values():
            if group["project_id"] == project_id and group["name"] == DEFAULT:
                return group
        group = self.add_group(project_id, name=DEFAULT, description="Default security group")
        for ethertype in ("IPv4", "IPv6"):
            self.add_rule(group, direction="ingress", ethertype=ethertype, remote_group_id=group["id"])
        return group

    def add_group(self, project_id: str, **fields: Any) -> Record:
        """A group that is there already, with the rules that each begins with."""
        group = self.put(SECURITY_GROUP, project_id, **fields)
        for ethertype in ("IPv4", "IPv6"):
            self.add_rule(group, direction="egress", ethertype=ethertype)
        return group

    def add_rule(self, group: Record, **fields: Any) -> Record:
        """A rule that is there already."""
        prefix = fields.get("remote_ip_prefix")
        cidr = str(ip_network(prefix, strict=False)) if prefix else None
        fields = {"description": None, "normalized_cidr": cidr, **fields, "security_group_id": group["id"]}
        return self.put(SECURITY_GROUP_RULE, group["project_id"], **fields)

    def add_address_group(self, project_id: str, **fields: Any) -> Record:
        """An address group that is there already."""
        return self.put(ADDRESS_GROUP, project_id, **fields)

    def create_security_group(self, asked: Asked, wanted: Record) -> Record:
        project_id = self.project(asked.user, wanted)
        self.ensure_default_group(project_id)
        self.within_quota(SECURITY_GROUP, project_id)
        if wanted.get("name") == DEFAULT:
            raise refusal(409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
        fields = {name: value for name, value in wanted.items() if name not in ("project_id", "tenant_id")}
        return self.add_group(project_id, **fields)

    def update_security_group(self, _asked: Asked, record: Record, wanted: Record) -> None:
        if "name" in wanted and wanted["name"] != record["name"]:
            if record["name"] == DEFAULT:
                raise refusal(409, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
            if wanted["name"] == DEFAULT:
                raise refusal(409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
        if "stateful" in wanted and self._used(record):
            raise refusal(409, "SecurityGroupInUse", f"Security Group {record['id']} in use.")
        record.update(wanted)

    def _used(self, group: Record) -> bool:
        return any(group["id"] in port["security_groups"] for port in self.ports.values())

    def delete_security_group(self, asked: Asked, record: Record) -> None:
        if record["name"] == DEFAULT and not asked.user.is_admin:
            message = "Insufficient rights for removing default security group."
            raise refusal(409, "SecurityGroupCannotRemoveDefault", message)
        if self._used(record):
            raise refusal(409, "SecurityGroupInUse", f"Security Group {record['id']} in use.")
        for rule in list(self.rules.values()):
            if record["id"] in (rule["security_group_id"], rule["remote_group_id"]):
                del self.rules[rule["id"]]
                self.note(SECURITY_GROUP_RULE, rule, None)
        self.forget_sharing(record)

    def check_security_group_rules(self, wanted: list[Record]) -> None:
        """Whether a POST names one rule twice. Raises `Refusal` 409."""
        if len({_value({"ethertype": "IPv4", **each}) for each in wanted}) < len(wanted):
            raise refusal(409, "DuplicateSecurityGroupRuleInPost", "Duplicate Security Group Rule in POST.")

    def create_security_group_rule(self, asked: Asked, wanted: Record) -> Record:
        group = self.owned(asked.user, SECURITY_GROUP, wanted["security_group_id"])
        project_id = self.project(asked.user, wanted)
        self.within_quota(SECURITY_GROUP_RULE, project_id)
        if sum(wanted.get(name) is not None for name in _REMOTES) > 1:
            message = "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided."
            raise refusal(400, "SecurityGroupMultipleRemoteEntites", message)
        if wanted.get("remote_group_id"):
            self.find(asked.user, SECURITY_GROUP, wanted["remote_group_id"])
        if wanted.get("remote_address_group_id"):
            self.find(asked.user, ADDRESS_GROUP, wanted["remote_address_group_id"])
        if prefix := wanted.get("remote_ip_prefix"):
            network = ip_network(prefix, strict=False)
            if f"IPv{network.version}" != wanted.get("ethertype", "IPv4"):
                message = f"Conflicting value ethertype {wanted.get('ethertype', 'IPv4')} for CIDR {prefix}"
                raise refusal(400, "SecurityGroupRuleParameterConflict", message)
            wanted["remote_ip_prefix"] = prefix if "/" in prefix else f"{prefix}/{network.prefixlen}"
        fields = {name: value for name, value in wanted.items() if name not in ("project_id", "tenant_id")}
        new = {"ethertype": "IPv4", **fields}
        for rule in self.rules.values():
            if _value(rule) == _value(new):
                message = f"Security group rule already exists. Rule id is {rule['id']}."
                raise refusal(409, "SecurityGroupRuleExists", message)
        self.revise(group)
        return self.add_rule(group, **{"description": "", **new}) | {"project_id": project_id}

    def update_security_group_rule(self, _asked: Asked, _record: Record, _wanted: Record) -> None:
        raise bad_request("Invalid input for operation")

    def delete_security_group_rule(self, _asked: Asked, record: Record) -> None:
        self.revise(self.groups[record["security_group_id"]])

    def create_address_group(self, asked: Asked, wanted: Record) -> Record:
        project_id = self.project(asked.user, wanted)
        fields = {name: value for name, value in wanted.items() if name not in ("project_id", "tenant_id")}
        addresses = {str(ip_network(each, strict=False)) for each in fields.pop("addresses", ())}
        return self.add_address_group(project_id, addresses=sorted(addresses), **fields)

    def update_address_group(self, _asked: Asked, record: Record, wanted: Record) -> None:
        record.update(wanted)

    def delete_address_group(self, _asked: Asked, record: Record) -> None:
        if any(rule["remote_address_group_id"] == record["id"] for rule in self.rules.values()):
            message = f"Address group {record['id']} is in use on one or more security group rules."
            raise refusal(409, "AddressGroupInUse", message)
        self.forget_sharing(record)

    def change_addresses(self, asked: Asked) -> Answer:
        """`add_addresses` and `remove_addresses`."""
        id_, verb = asked.parameters
        record = self.owned(asked.user, ADDRESS_GROUP, id_)
        before = {**record, "addresses": list(record["addresses"])}
        given = {str(ip_network(each, strict=False)) for each in _document(asked)["addresses"]}
        held = set(record["addresses"])
        if verb == "add":
            if there := sorted(given & held):
                message = f"Addresses {there} already exist in the address group {id_}."
                raise refusal(400, "AddressesAlreadyExist", message)
            record["addresses"] = sorted(held | given)
        else:
            if missing := sorted(given - held):
                raise refusal(404, "AddressesNotFound", f"Addresses {missing} not found in the address group {id_}.")
            record["addresses"] = sorted(held - given)
        self.revise(record)
        self.note(ADDRESS_GROUP, before, record)
        return Answer(200, {"address_group": self.view(asked.user, ADDRESS_GROUP, record)})


def _document(asked: Asked) -> Record:
    document: Record = json.loads(asked.body)
    return document


def _value(rule: Record) -> tuple[Any, ...]:
    """What Neutron compares (neutron.db.securitygroups_db, `_rule_to_key`)."""
    name = str(rule.get("protocol"))
    number = _PROTOCOLS.get(name, name)
    if rule.get("ethertype") == "IPv6" and number == "1":
        number = "58"
    prefix = rule.get("remote_ip_prefix")
    values = {**rule, "protocol": number, "remote_ip_prefix": None if prefix in _ALL_ADDRESSES else prefix}
    return tuple(str(values.get(each)) for each in _VALUE)
