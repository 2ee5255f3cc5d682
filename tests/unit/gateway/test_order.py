"""What a query says about the order of a list, API by API."""

import pytest

from triune.gateway.order import flavor_order, image_order, server_order, volume_order
from triune.gateway.paging import SortKey
from triune.gateway.volume.collections import attachment_order

FIELDS = {"created_at": "created", "uuid": "id", "display_name": "name", "flavorid": "id", "memory_mb": "ram"}


def told(order: list[SortKey]) -> str:
    return " ".join(f"{key.field}{'-' if key.descending else '+'}" for key in order)


def parameters(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "created- id+"),
        ("sort_dir=asc", "created+ id+"),
        ("sort_key=display_name", "name- id+"),
        ("sort_key=display_name&sort_dir=asc", "name+ id+"),
        ("sort_key=uuid&sort_dir=asc", "id+"),
        ("sort_key=a&sort_key=b&sort_dir=asc&sort_dir=desc", "a+ b- id+"),
        # Nova puts the id's direction in the place of the one that is missing.
        ("sort_key=a&sort_key=b&sort_dir=desc", "a- b+ id-"),
    ],
)
def test_servers(query: str, order: str) -> None:
    assert told(server_order(parameters(query), FIELDS)) == order


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "id+ id+"),
        ("sort_dir=desc", "id- id-"),
        ("sort_key=memory_mb", "ram+ id+"),
        ("sort_key=&sort_dir=", "id+ id+"),
    ],
)
def test_flavors(query: str, order: str) -> None:
    assert told(flavor_order(parameters(query), FIELDS)) == order


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "created_at- id-"),
        ("sort_key=size&sort_dir=asc", "size+ created_at+ id+"),
        ("sort=size", "size- created_at- id-"),
        ("sort=size:asc,name", "size+ name- created_at+ id+"),
        ("sort=id: asc , created_at", "id+ created_at-"),
    ],
)
def test_volumes(query: str, order: str) -> None:
    assert told(volume_order(parameters(query), {})) == order


@pytest.mark.parametrize(
    ("query", "order"),
    [
        # Nobody sees when they were made.
        ("", ""),
        ("sort=id:asc", "id+"),
        ("sort=attach_status", "status-"),
        ("sort=volume_id,instance_uuid:asc,created_at,id", "volume_id- instance+"),
    ],
)
def test_attachments(query: str, order: str) -> None:
    assert told(attachment_order(parameters(query))) == order


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "created_at- id-"),
        ("sort_key=name&sort_dir=asc", "name+ created_at+ id+"),
        ("sort_key=name&sort_key=size&sort_dir=asc", "name+ size+ created_at+ id+"),
        ("sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc", "name+ size- created_at- id-"),
        ("sort=name:asc,size:desc", "name+ size- created_at- id-"),
    ],
)
def test_images(query: str, order: str) -> None:
    assert told(image_order(parameters(query))) == order
