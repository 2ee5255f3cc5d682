"""All processes of the lab by name, in the order in which they start."""

from lab import (
    central_neutron,
    cinder,
    family,
    glance,
    keystone,
    mariadb,
    memcached,
    neutron,
    nova,
    placement,
    rabbitmq,
)
from lab.layout import Layout
from lab.region import Region

REGIONAL = (placement, nova, neutron, glance, cinder)
INFRASTRUCTURE = (mariadb.NAME, rabbitmq.NAME, memcached.NAME)
FAMILIES = ("keystone", "placement", "nova", "neutron", "glance", "cinder", "cinder-api")


def regional(region: Region) -> list[family.Service]:
    """The OpenStack services of one region."""
    control = [service for module in REGIONAL for service in module.services(region)]
    return [*control, nova.compute_host(region)]


def openstack(layout: Layout, regions: tuple[Region, ...]) -> list[family.Service]:
    """Every OpenStack service of the lab."""
    shared = [keystone.service(layout), central_neutron.service(layout)]
    return [*shared, *(service for region in regions for service in regional(region))]
