"""A region's Placement."""

from lab import family, settings
from lab.region import Region
from lab.settings import Lab

NAME = "placement"
DATABASES = (NAME,)


def configure(lab: Lab, region: Region) -> None:
    settings.write(
        region.etc(NAME) / "placement.conf",
        {
            "placement_database": settings.database_section(lab, region.database(NAME)),
            "api": {"auth_strategy": "keystone"},
            "keystone_authtoken": settings.token_section(lab, NAME),
        },
    )


def services(region: Region) -> list[family.Service]:
    return [
        family.Service(
            name=region.service("placement-api"),
            family=NAME,
            runner="wsgi",
            entry="placement.wsgi.api",
            environment={"OS_PLACEMENT_CONFIG_DIR": str(region.etc(NAME))},
            port=region.port(NAME),
        )
    ]
