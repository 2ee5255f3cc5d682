"""What a limit is for: a project, a user in a project, or a quota class, in one service."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from triune.work.requests import Key

QUOTA_SET, USER_QUOTA_SET, QUOTA_CLASS = "quota_set", "user_quota_set", "quota_class_set"
SERVICES: Final = ("compute", "volume")
# Users have limits of their own in Nova only.
KINDS: Final = (
    *(f"{service}_{what}" for service in SERVICES for what in (QUOTA_SET, QUOTA_CLASS)),
    f"compute_{USER_QUOTA_SET}",
)
# The resource id of a key (`triune.db.models.JournalRow`).
MAX_ID: Final = 255


@dataclass(frozen=True, slots=True)
class Scope:
    """What a limit is for. `name` is a project or a quota class; `user_id` is empty where no single user is meant."""

    service: str
    name: str
    user_id: str = ""
    is_class: bool = False

    @property
    def kind(self) -> str:
        """The kind of its keys in the journal."""
        what = QUOTA_CLASS if self.is_class else USER_QUOTA_SET if self.user_id else QUOTA_SET
        return f"{self.service}_{what}"

    @property
    def resource_id(self) -> str:
        """The resource id of its keys in the journal."""
        return f"{self.name}/{self.user_id}" if self.user_id else self.name

    @property
    def item(self) -> str:
        """What it is called in documents."""
        return QUOTA_CLASS if self.is_class else QUOTA_SET

    @property
    def path(self) -> str:
        """Where the service shows it, from behind the version."""
        return f"/os-{'quota-class-sets' if self.is_class else 'quota-sets'}/{quote(self.name, safe='')}"

    def key(self, pod_id: str) -> Key:
        """Its key for a pod."""
        return Key(self.kind, self.resource_id, pod_id)


def scope_of(kind: str, resource_id: str) -> Scope:
    """What the keys of a kind with a resource id are for."""
    service, _, what = kind.partition("_")
    if what == USER_QUOTA_SET:
        name, _, user_id = resource_id.rpartition("/")
        return Scope(service, name, user_id)
    return Scope(service, resource_id, is_class=what == QUOTA_CLASS)
