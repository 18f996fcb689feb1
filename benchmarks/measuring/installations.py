"""
The packages that come with a client's installation.

All clients are installed in one environment, and some look for packages that only others bring:
httpx looks for sniffio again at every lock and imports click if it is there. We measure each client
as its own users have it.
"""

from collections.abc import Iterable
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@cache
def find_hidden(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the installed modules that an installation of these distributions would not bring."""
    brought: set[str] = set()
    for package in packages:
        add_closure(package, (), brought)
    return tuple(
        sorted(
            module
            for module, distributions in metadata.packages_distributions().items()
            if not brought & {canonicalize_name(name) for name in distributions}
        )
    )


def add_closure(name: str, extras: Iterable[str], brought: set[str]) -> None:
    """Add a distribution and those of its requirements that are installed."""
    brought.add(canonicalize_name(name))
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        needed = canonicalize_name(requirement.name)
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        ):
            continue
        if needed not in brought:
            add_closure(needed, requirement.extras, brought)
