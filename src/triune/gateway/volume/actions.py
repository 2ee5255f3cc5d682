"""Actions on volumes: their pod's affair; what they name is made known to it, and images that they make go round."""

from triune.gateway.call import Call
from triune.gateway.http import Response
from triune.gateway.image.bring import bring
from triune.gateway.image.made import with_image_of_volume
from triune.gateway.strategies import Owner
from triune.gateway.volume.types import name_new_type
from triune.pods.locate import VOLUME
from triune.pods.registry import Pod


class VolumeActions:
    """`POST /volumes/{volume_id}/action`."""

    def __init__(self) -> None:
        self._owner = Owner(VOLUME, "volume_id", check=self._check)

    async def __call__(self, call: Call) -> Response:
        response = await self._owner(call)
        return await with_image_of_volume(call, response) if "os-volume_upload_image" in await _body(call) else response

    async def _check(self, call: Call, pod: Pod) -> None:
        await name_new_type(call, pod)
        reimage = (await _body(call)).get("os-reimage")
        if isinstance(reimage, dict):
            await bring(call, pod, reimage.get("image_id"))


async def _body(call: Call) -> dict[str, object]:
    return await call.json() or {}
