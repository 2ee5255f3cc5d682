"""Following the `next` links of a list."""

from typing import Any

from .people import Person

# No list of the tests is longer.
MOST = 50


def followed(person: Person, service: str, path: str, name: str) -> list[list[dict[str, Any]]]:
    """All pages of a list, from the first on."""
    pages: list[list[dict[str, Any]]] = []
    answer = person.ask(service, path)
    for _ in range(MOST):
        assert answer.status_code == 200, answer.text
        document = answer.json()
        pages.append(document[name])
        following = [link["href"] for link in document.get(f"{name}_links", ()) if link["rel"] == "next"]
        if not following:
            return pages
        # As it stands: the link is absolute and must lead back to where the list came from.
        answer = person.central.session.get(following[0], raise_exc=False)
    raise AssertionError(f"{path} does not end after {MOST} pages")
