"""The lab and its people, as for the end-to-end tests."""

from e2e.conftest import (  # noqa: F401
    admin,
    boot,
    lab,
    newcomers,
    prefix,
    pytest_configure,
    quartet,
    small,
    tenant,
    tiny_image,
)

from .third import third  # noqa: F401
