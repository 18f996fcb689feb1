"""
Changes between two schemas, for callers who send or receive a value of them.

References are followed, so it does not matter which component declares a schema.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from .changes import Change, ChangeClass, weigh
from .places import Direction, Place
from .restrictions import compare_annotations, compare_restrictions
from .shapes import ANY, Shape, flatten, list_shapes, name_component


def compare_schemas(old: Any, new: Any, place: Place) -> Iterator[Change]:
    """
    Yield the changes from one schema to the other.

    Args:
        old: A schema of the old contract.
        new: A schema of the new contract.
        place: Where they are, and which way the data goes.

    Raises:
        ContractError: A reference leads nowhere.
    """
    pair = json.dumps([old, new], sort_keys=True, default=str)
    if pair in place.active:
        return
    place = place.comparing(pair).inside(name_component(new) or name_component(old))
    yield from compare_annotations(flatten(place.old, old), flatten(place.new, new), place)
    old_shapes, new_shapes = list_shapes(place.old, old), list_shapes(place.new, new)
    pairs = match_shapes(old_shapes, new_shapes, place)
    for before, after in pairs:
        yield from compare_shapes(before, after, place.inside(after.component))
    lost = [shape for shape in old_shapes if all(shape is not before for before, _ in pairs)]
    gained = [shape for shape in new_shapes if all(shape is not after for _, after in pairs)]
    is_request = place.direction is Direction.REQUEST
    for shape in lost:
        if not any(covers(after.kind, shape.kind) for after in gained):
            yield place.narrowed(
                f"{'no longer takes' if is_request else 'may no longer be'} {shape}"
            )
    for shape in gained:
        if not any(covers(before.kind, shape.kind) for before in lost):
            yield place.widened(f"now {'takes' if is_request else 'may be'} {shape}")


def covers(wide: str, narrow: str) -> bool:
    """Tell whether every value of the kind `narrow` is one of the kind `wide`."""
    return wide == ANY or (wide, narrow) == ("number", "integer")


def match_shapes(
    old: Sequence[Shape], new: Sequence[Shape], place: Place
) -> list[tuple[Shape, Shape]]:
    """Pair the shapes of the same kind; where there are several, those that differ the least."""
    candidates = [pair for pair in product(old, new) if pair[0].kind == pair[1].kind]
    if len({before.kind for before, _ in candidates}) < len(candidates):
        candidates.sort(key=lambda pair: measure(pair[0], pair[1], place))
    pairs: list[tuple[Shape, Shape]] = []
    for before, after in candidates:
        if all(before is not first and after is not second for first, second in pairs):
            pairs.append((before, after))
    return pairs


def measure(old: Shape, new: Shape, place: Place) -> tuple[int, int]:
    """Return the distance of two shapes: their worst change, then the number of changes."""
    changes = list(compare_shapes(old, new, place))
    worst = weigh(changes)
    return (-1 if worst is None else worst, len(changes))


def compare_shapes(old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield the changes between two shapes of the same kind."""
    yield from compare_restrictions(old, new, place)
    if new.kind == "array":
        before, after = old.keywords.get("items", {}), new.keywords.get("items", {})
        yield from compare_schemas(before, after, place.below("[]"))
    if new.kind == "object":
        yield from compare_fields(old, new, place)
        yield from compare_further_fields(old, new, place)


def compare_fields(old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield the changes of the fields that two objects name."""
    old_fields, new_fields = (shape.keywords.get("properties", {}) for shape in (old, new))
    old_required, new_required = (set(shape.keywords.get("required", ())) for shape in (old, new))
    for name in old_fields:
        if name not in new_fields:
            yield place.below(f".{name}").change(ChangeClass.BREAKING, "field removed")
    for name in new_fields:
        here = place.below(f".{name}")
        if name in old_fields:
            yield from compare_schemas(old_fields[name], new_fields[name], here)
        elif name not in new_required:
            yield here.change(ChangeClass.ADDITIVE, "new optional field")
        else:
            yield here.narrowed("new required field")
    for name in sorted((old_required ^ new_required) - (old_fields.keys() ^ new_fields.keys())):
        here = place.below(f".{name}")
        is_required = name in new_required
        yield here.narrowed("now required") if is_required else here.widened("no longer required")


def compare_further_fields(old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield the changes of the fields that two objects allow without naming them."""
    before, after = (shape.keywords.get("additionalProperties", True) for shape in (old, new))
    here = place.below(".*")
    if before is not False and after is not False:
        yield from compare_schemas(before, after, here)
    elif before is not False:
        # It breaks in replies too: the Python class loses the mapping that held them.
        yield here.change(ChangeClass.BREAKING, "no fields but those named")
    elif after is not False:
        yield here.change(ChangeClass.ADDITIVE, "fields that are not named pass")
