"""Every number that a client may send has bounds, and beyond them it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from photosd.core.errors import BadRequest
from photosd.protocol.requests import OPERATIONS, Request, parse_params, parse_request

HOSTILE = ["1" + "0" * 30, "-1" + "0" * 30, "9223372036854775808", "1e300", "-1e300", "1e999"]
Number = inspect.IntType | inspect.FloatType


def numbers(kind: inspect.Type, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Number]]:
    """Every number in a type, with the fields that lead to it."""
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        yield ".".join(path), kind
    elif isinstance(kind, inspect.StructType | inspect.TypedDictType):
        for field in kind.fields:
            yield from numbers(field.type, (*path, field.name))
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from numbers(one, path)
    elif isinstance(kind, inspect.ListType):
        yield from numbers(kind.item_type, path)
    elif isinstance(kind, inspect.TupleType):
        for one in kind.item_types:
            yield from numbers(one, path)


FOUND = [
    (name, path, number)
    for name, operation in [*((n, o.params) for n, o in OPERATIONS.items()), ("", Request)]
    for path, number in numbers(inspect.type_info(operation))
]


def test_there_are_numbers() -> None:
    assert len(FOUND) > 15
    assert {"subscribe", "query", "standing_remove"} <= {name for name, _, _ in FOUND}
    assert ("query", "where.rating") in {(name, path) for name, path, _ in FOUND}


@pytest.mark.parametrize(("name", "path", "number"), FOUND, ids=lambda value: str(value)[:30])
def test_every_number_has_bounds(name: str, path: str, number: Number) -> None:
    assert number.ge is not None or number.gt is not None, (name, path)
    assert number.le is not None or number.lt is not None, (name, path)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name, path, _ in FOUND if name and "." not in path],
)
def test_a_number_beyond_them_is_refused(name: str, path: str, value: str) -> None:
    line = f'{{"op": {json.dumps(name)}, "params": {{"text": "x", {json.dumps(path)}: {value}}}}}'
    request = parse_request(line.encode())
    with pytest.raises(BadRequest):
        parse_params(request, OPERATIONS[name])


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["v", "id"])
def test_so_it_is_in_the_envelope(field: str, value: str) -> None:
    line = f'{{"op": "hello", {json.dumps(field)}: {value}}}'
    with pytest.raises(BadRequest):
        parse_request(line.encode())


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("where", ['{"since": %s}', '{"until": %s}', '{"near": [1, 2, %s]}'])
def test_so_it_is_in_filters(where: str, value: str) -> None:
    request = Request("query", params=msgspec.Raw(b'{"where": ' + (where % value).encode() + b"}"))
    with pytest.raises(BadRequest):
        parse_params(request, OPERATIONS["query"])
