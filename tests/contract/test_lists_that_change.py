"""Lists whose items come and go between two pages: what is there all the time is told once, and in order."""

import random
from itertools import pairwise

import pytest

from .cloud.cinder import Cinder
from .cloud.cloud import Cloud
from .conftest import Client

ROOT = "/volume/v3/volumes/detail"
MOST_PAGES = 400


class Change:
    """Volumes of a project that come and go by chance."""

    def __init__(self, cloud: Cloud, client: Client, seed: int) -> None:
        self._cinders: list[Cinder] = [pod.cinder for pod in cloud.pods]
        self._project_id = str(client.token.project_id)
        self.random = random.Random(seed)
        self.lasting: set[str] = set()

    def add(self) -> str:
        """A volume of any age, in any pod."""
        age = f"2026-01-{self.random.randint(1, 28):02}T{self.random.randint(0, 23):02}:00:00.000000"
        cinder = self.random.choice(self._cinders)
        return str(cinder.add("volume", self._project_id, created_at=age, name=self.random.choice("abc"))["id"])

    def begin(self, number: int) -> None:
        """So many volumes."""
        self.lasting = {self.add() for _ in range(number)}

    def go_on(self, told: list[str]) -> None:
        """Some are deleted, of those that were told last, too; others come."""
        for volume_id in {*told[-2:], *self.random.sample(sorted(self.lasting), min(2, len(self.lasting)))}:
            if self.random.random() < 0.4:
                for cinder in self._cinders:
                    cinder.records["volume"].pop(volume_id, None)
                self.lasting.discard(volume_id)
        for _ in range(self.random.randint(0, 2)):
            self.add()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("query", ["", "&sort=name:asc,created_at:desc"])
@pytest.mark.parametrize("cloud", [1, 3, 20], indirect=True)
async def test_what_stays_is_told_once(cloud: Cloud, client: Client, seed: int, query: str) -> None:
    change = Change(cloud, client, seed)
    change.begin(30)
    limit = change.random.randint(1, 7)
    url: str | None = f"{ROOT}?limit={limit}{query}"
    told: list[dict[str, str]] = []
    for _ in range(MOST_PAGES):
        reply = await client.get(str(url))
        assert reply.status == 200, reply.text
        page = reply.json["volumes"]
        assert len(page) <= limit
        told += page
        links = reply.json.get("volumes_links")
        if not links:
            break
        url = links[0]["href"]
        change.go_on([each["id"] for each in told])
    else:
        raise AssertionError("no end")
    ids = [each["id"] for each in told]
    assert len(set(ids)) == len(ids)
    assert change.lasting <= set(ids)
    stayed = [each for each in told if each["id"] in change.lasting]
    if not query:
        assert all(first["created_at"] >= second["created_at"] for first, second in pairwise(stayed))
    else:
        assert all(first["name"] <= second["name"] for first, second in pairwise(stayed))
