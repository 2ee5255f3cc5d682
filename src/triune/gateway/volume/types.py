"""Volume types, group types, QoS specs, default types: the same in all pods by name, each pod with ids of its own."""

import copy
from collections.abc import Iterable
from urllib.parse import urlencode

from triune.gateway.call import Call
from triune.gateway.errors import ApiError
from triune.gateway.everywhere import JSON, Everywhere
from triune.gateway.fanout import ask_all, first_refusal
from triune.gateway.http import Response
from triune.gateway.named import ChangeNamed, CreateNamed, RemoveNamed, by_name, name_of
from triune.gateway.routes import Route
from triune.gateway.strategies import Anywhere, Owner
from triune.gateway.union import SharedCollection, Union
from triune.gateway.volume.collections import DEFAULT_TYPES, GROUP_TYPES, QOS_SPECS, VOLUME_TYPES
from triune.pods.body import encode
from triune.pods.client import Document
from triune.pods.locate import GROUP_TYPE as GROUP_TYPE_KIND
from triune.pods.locate import QOS_SPECS as QOS_SPECS_KIND
from triune.pods.locate import VOLUME_TYPE as VOLUME_TYPE_KIND
from triune.pods.locate import Kind, is_uuid
from triune.pods.registry import Pod
from triune.shared.named import GROUP_TYPE as GROUP_TYPE_NAMED
from triune.shared.named import QOS_SPECS as QOS_SPECS_NAMED
from triune.shared.named import VOLUME_TYPE as VOLUME_TYPE_NAMED
from triune.shared.named import Named

# -- which pod may refuse


async def _lists_any(call: Call, pod: Pod, path: str, name: str, microversion: str | None, **query: str) -> bool:
    """Whether a list of a pod shows anything, in a microversion that takes any field as a filter."""
    headers = call.headers(with_body=False)
    assert call.service.microversions is not None
    call.service.microversions.clear(headers)
    if microversion is not None:
        call.service.microversions.set(headers, microversion)
    deadline = call.gateway.conf.pods.list_deadline
    target = call.target(pod, "GET", f"/{call.service.version}{path}", urlencode(query), deadline=deadline)
    documents = await ask_all(call, [target], headers=headers)
    # Whoever may not see the list may not do what is asked for either; the pod judges that.
    return any(document.ok and bool(document.part(name)) for document in documents)


async def _has_volumes(call: Call, pod: Pod, type_id: str) -> bool:
    """Whether volumes of a type are in a pod: then it keeps the type, its extra specs and its encryption."""
    return await _lists_any(call, pod, "/volumes", "volumes", None, all_tenants="1", limit="1", volume_type_id=type_id)


async def _has_groups(call: Call, pod: Pod, type_id: str) -> bool:
    """Whether groups of a group type are in a pod: then it keeps the type."""
    return await _lists_any(call, pod, "/groups", "groups", "3.13", all_tenants="1", limit="1", group_type_id=type_id)


async def _is_kept(call: Call, pod: Pod, type_id: str) -> bool:
    """Whether a pod keeps a volume type: for its volumes, or as its default type."""
    target = call.target(pod, "GET", f"/{call.service.version}/types/default")
    default = await call.fetch(target)
    is_default = default.ok and default.part("volume_type", "id") == type_id
    return is_default or await _has_volumes(call, pod, type_id)


async def _has_associations(call: Call, pod: Pod, qos_id: str) -> bool:
    """Whether volume types of a pod are associated with QoS specs: then it keeps them, unless it is forced."""
    shown = await call.fetch(call.target(pod, "GET", f"{QOS_SPECS_KIND.show(qos_id)}/associations"))
    return shown.ok and bool(shown.part("qos_associations"))


class _Taken:
    """Whether a pod has another resource under the name that one is to get."""

    def __init__(self, named: Named) -> None:
        self._named = named

    async def __call__(self, call: Call, pod: Pod, resource_id: str) -> bool:
        name = await self._wanted(call)
        found = (await by_name(call, [pod], self._named, name)).get(pod.id) if name else None
        return found is not None and found["id"] != resource_id

    async def is_renamed(self, call: Call, name: str) -> bool:
        """Whether a request gives another name."""
        return (await self._wanted(call) or name) != name

    async def _wanted(self, call: Call) -> str | None:
        changed = (await call.json() or {}).get(self._named.item)
        name = changed.get("name") if isinstance(changed, dict) else None
        return name if isinstance(name, str) else None


def _has_encryption(document: Document) -> bool:
    """Whether encryption was there before (cinder.exception.VolumeTypeEncryptionExists is a 400)."""
    return document.status == 404 or (document.status == 400 and b"already exists" in document.body)


def _is_gone(document: Document) -> bool:
    return document.status == 404


# -- naming a type of another pod


async def type_name(call: Call, reference: object) -> object:
    """The name of a volume type that is given by name or by its id in any pod; what no pod has stays as it is."""
    return await _name(call, VOLUME_TYPE_KIND, VOLUME_TYPE_NAMED, reference)


async def group_type_name(call: Call, reference: object) -> object:
    """The same of a group type."""
    return await _name(call, GROUP_TYPE_KIND, GROUP_TYPE_NAMED, reference)


async def _name(call: Call, kind: Kind, named: Named, reference: object) -> object:
    if not isinstance(reference, str) or not is_uuid(reference):
        return reference
    found = await name_of(call, kind, named.item, reference)
    return reference if isinstance(found, Document) else found[1]


async def with_types(call: Call, pods: list[Pod], named: JSON) -> list[Pod]:
    """The candidates that have the types a request names; all where none has them, for the native refusal."""
    types = named.get("volume_types") or [named.get("volume_type")]
    wanted = [(VOLUME_TYPE_NAMED, name) for name in types if isinstance(name, str) and name]
    if isinstance(named.get("group_type"), str):
        wanted.append((GROUP_TYPE_NAMED, named["group_type"]))
    if not wanted or len(pods) < 2:
        return pods
    has_all = {pod.id for pod in pods}
    for what, name in wanted:
        has_all &= (await by_name(call, pods, what, name)).keys()
    # Whether all pods were asked does not matter to whoever gets a volume.
    call.missing.clear()
    return [pod for pod in pods if pod.id in has_all] or pods


async def name_new_type(call: Call, _pod: Pod) -> None:
    """Name the type that a volume is to get where its id is that of another pod."""
    body = await call.json() or {}
    retype = body.get("os-retype")
    if not isinstance(retype, dict):
        return
    body = copy.deepcopy(body)
    body["os-retype"]["new_type"] = await type_name(call, retype.get("new_type"))
    call.request.replace_body(encode(body))


class SetDefaultType:
    """The default type of a project in every pod that has the type."""

    async def __call__(self, call: Call) -> Response:
        body = await call.json() or {}
        wanted = body.get("default_type")
        name = await type_name(call, wanted.get("volume_type")) if isinstance(wanted, dict) else None
        if not isinstance(name, str):
            return await Anywhere()(call)
        pods = await call.pods()
        found = await by_name(call, pods, VOLUME_TYPE_NAMED, name)
        targets = [call.target(pod) for pod in pods if pod.id in found]
        if not targets:
            if call.missing:
                raise ApiError(503, f"No answer from {call.missing_names()}.")
            return await Anywhere()(call)
        document = encode({**body, "default_type": {**body["default_type"], "volume_type": name}})
        documents = await ask_all(call, targets, document)
        if (refusal := first_refusal(documents, but=())) is not None:
            return await call.respond(refusal)
        if call.missing or not documents:
            raise ApiError(
                503, f"No answer from {call.missing_names()}; the other pods have done this. Repeat the request."
            )
        return await call.respond(documents[0])


# -- the tables


def _routes(path: str, kind: Kind, named: Named, collection: SharedCollection, specs: str) -> Iterable[Route]:
    """What volume types and group types have in common; `specs` is the segment of their key-value pairs."""
    taken = _Taken(named)
    in_use = _has_volumes if named is VOLUME_TYPE_NAMED else None
    yield Route("GET", path, Union(collection))
    yield Route("POST", path, CreateNamed(named))
    yield Route("GET", f"{path}/default", Anywhere())
    yield Route("GET", f"{path}/{{type_id}}/{{rest:path}}", Owner(kind, "type_id"))
    yield Route(
        "PUT",
        f"{path}/{{type_id}}",
        ChangeNamed(kind, named, "type_id", doubt=taken, is_done=_is_gone, is_whole=taken.is_renamed),
    )
    kept = _is_kept if named is VOLUME_TYPE_NAMED else _has_groups
    yield Route("DELETE", f"{path}/{{type_id}}", RemoveNamed(kind, named, "type_id", doubt=kept))
    yield Route("POST", f"{path}/{{type_id}}/{specs}", ChangeNamed(kind, named, "type_id", doubt=in_use))
    yield Route("PUT DELETE", f"{path}/{{type_id}}/{specs}/{{key}}", ChangeNamed(kind, named, "type_id", doubt=in_use))


_ENCRYPTION = ChangeNamed(VOLUME_TYPE_KIND, VOLUME_TYPE_NAMED, "type_id", doubt=_has_volumes, is_done=_has_encryption)


async def _is_refused(call: Call, pod: Pod, qos_id: str) -> bool:
    forced = "force=true" in call.request.query.casefold()
    return not forced and await _has_associations(call, pod, qos_id)


_QOS_SPECS = ChangeNamed(QOS_SPECS_KIND, QOS_SPECS_NAMED, "qos_id")
_ASSOCIATION = ChangeNamed(
    QOS_SPECS_KIND,
    QOS_SPECS_NAMED,
    "qos_id",
    references={"vol_type_id": (VOLUME_TYPE_KIND, VOLUME_TYPE_NAMED)},
)

ROUTES = (
    *_routes("/types", VOLUME_TYPE_KIND, VOLUME_TYPE_NAMED, VOLUME_TYPES, "extra_specs"),
    Route("POST", "/types/{type_id}/action", ChangeNamed(VOLUME_TYPE_KIND, VOLUME_TYPE_NAMED, "type_id")),
    Route("POST", "/types/{type_id}/encryption", _ENCRYPTION),
    # Cinder does not read the id of the encryption, which is another one in each pod.
    Route("PUT DELETE", "/types/{type_id}/encryption/{encryption_id}", _ENCRYPTION),
    *_routes("/group_types", GROUP_TYPE_KIND, GROUP_TYPE_NAMED, GROUP_TYPES, "group_specs"),
    Route("GET", "/qos-specs", Union(QOS_SPECS)),
    Route("POST", "/qos-specs", CreateNamed(QOS_SPECS_NAMED)),
    Route("GET", "/qos-specs/{qos_id}/{rest:path}", Owner(QOS_SPECS_KIND, "qos_id")),
    Route("PUT", "/qos-specs/{qos_id}", _QOS_SPECS),
    Route("PUT", "/qos-specs/{qos_id}/delete_keys", _QOS_SPECS),
    Route("DELETE", "/qos-specs/{qos_id}", RemoveNamed(QOS_SPECS_KIND, QOS_SPECS_NAMED, "qos_id", doubt=_is_refused)),
    # Read by their method, changes by what they do.
    Route("GET", "/qos-specs/{qos_id}/associate", _ASSOCIATION),
    Route("GET", "/qos-specs/{qos_id}/disassociate", _ASSOCIATION),
    Route("GET", "/qos-specs/{qos_id}/disassociate_all", _QOS_SPECS),
    Route("GET", "/default-types", Union(DEFAULT_TYPES)),
    Route("GET", "/default-types/{project_id}", Anywhere()),
    Route("PUT", "/default-types/{project_id}", SetDefaultType()),
    Route("DELETE", "/default-types/{project_id}", Everywhere()),
)
