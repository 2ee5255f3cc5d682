"""The image API: every operation and how it is answered.

Source: https://docs.openstack.org/api-ref/image/v2. Reading what is not listed goes to any
pod, which answers natively.
"""

from triune.gateway.errors import image_unauthorized, webob_fault
from triune.gateway.everywhere import CreateEverywhere, Everywhere, RemoveEverywhere
from triune.gateway.image.images import IMAGES, SHARED_IMAGES, TASKS, choose_image_id, download_image, show_image
from triune.gateway.image.imports import import_image, import_methods
from triune.gateway.image.upload import upload
from triune.gateway.join import Join
from triune.gateway.routes import Route
from triune.gateway.service import Service
from triune.gateway.strategies import Anywhere, Here
from triune.gateway.union import Union

CHANGE = "POST PUT PATCH DELETE"

ROUTES = (
    Route("GET", "/images", Union(IMAGES)),
    Route("POST", "/images", CreateEverywhere(SHARED_IMAGES, complete=choose_image_id)),
    Route("GET", "/images/{image_id}", Here(show_image)),
    Route("GET", "/images/{image_id}/file", Here(download_image)),
    Route("PUT", "/images/{image_id}/file", Here(upload)),
    Route("PUT", "/images/{image_id}/stage", Here(upload)),
    Route("POST", "/images/{image_id}/import", Here(import_image)),
    Route("GET", "/images/{image_id}/{rest:path}", Anywhere()),
    Route("DELETE", "/images/{image_id}", RemoveEverywhere(SHARED_IMAGES)),
    Route(CHANGE, "/images/{image_id}/{rest:path}", Everywhere()),
    Route("DELETE", "/stores/{store_id}/{image_id}", Everywhere()),
    Route(CHANGE, "/metadefs/{rest:path}", Everywhere()),
    Route("GET", "/info/import", Here(import_methods)),
    Route("GET", "/tasks", Union(TASKS)),
    # A task is its pod's affair; the image that one makes comes to other pods when it is needed there.
    Route("POST", "/tasks", Anywhere()),
    Route("GET DELETE", "/tasks/{task_id}", Anywhere()),
    Route("GET", "/cache", Join("cached_images", "queued_images", passed_over=(404,))),
    Route(CHANGE, "/cache/{rest:path}", Everywhere()),
)

IMAGE_SERVICE = Service(
    name="image",
    prefix="/image",
    version="v2",
    fault=webob_fault,
    unauthorized=image_unauthorized,
    routes=ROUTES,
    has_project=False,
    version_documents=("/", "/versions", "/versions/"),
    tells_methods=True,
)
