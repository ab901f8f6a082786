"""Any bytes at all: a typed request, or BadRequest in words; nothing else, and soon."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from photosd.core.errors import BadRequest
from photosd.protocol import caller, requests
from photosd.protocol.requests import parse_params, parse_request

LIMIT = caller.REQUEST_LIMIT
examined = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def parse(line: bytes) -> requests.Request | BadRequest:
    """As the server does it, parameters included."""
    try:
        request = parse_request(line)
        if request.op in requests.OPERATIONS:
            operation = requests.OPERATIONS[request.op]
            assert isinstance(parse_params(request, operation), operation.params)
    except BadRequest as error:
        assert str(error).strip()
        assert error.remedy
        # It has to travel back to the client.
        assert json.loads(msgspec.json.encode(error.as_dict()))["code"] == "bad_request"
        return error
    return request


def test_what_is_too_long_is_said_in_words() -> None:
    """The command line passes its options unchecked."""
    where = {"below": ["/p"] * 101}
    line = json.dumps({"op": "query", "params": {"text": "x", "where": where}})
    found = parse(line.encode())
    assert str(found) == "query: where.below has more than 100 values"
    line = json.dumps({"op": "query", "params": {"text": "x" * 10_001}})
    assert str(parse(line.encode())) == "query: text has more than 10000 characters"


VALID = [
    json.dumps(
        {"v": 1, "id": "7", "op": "query", "params": {"text": "שקיעה", "limit": 3}}
    ).encode(),
    b'{"op":"add","params":{"path":"/p","path_b64":"L3A=","exclude":["*.tmp"]}}',
    b'{"op":"pause","params":{"seconds":1e3},"id":12345678901234567890}',
]

values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=15,
)


@examined
@given(st.binary(max_size=2000))
@example(b"\x00" * 100)
@example(b"\xff\xfe\xfd")
@example(b"\xef\xbb\xbf{}")
def test_bytes(line: bytes) -> None:
    """Binary data, UTF-16, half characters."""
    parse(line)


@examined
@given(
    valid=st.sampled_from(VALID),
    at=st.integers(0, 200),
    length=st.integers(0, 40),
    instead=st.binary(max_size=40),
)
def test_nearly_valid_lines(valid: bytes, at: int, length: int, instead: bytes) -> None:
    """A piece of a valid request is removed, replaced or repeated."""
    parse(valid[:at] + instead + valid[at + length :])


@examined
@given(op=st.sampled_from([*requests.OPERATIONS, "nothing", ""]), params=values, identity=values)
def test_any_values(op: str, params: Any, identity: Any) -> None:
    """Any JSON in any field of any operation, NaN and infinities included."""
    parse(json.dumps({"op": op, "params": params, "id": identity}).encode("utf-8", "replace"))


@examined
@given(
    op=st.sampled_from(sorted(requests.OPERATIONS)),
    names=st.lists(st.sampled_from(["text", "limit", "deadline_ms", "path", "path_b64", "exclude",
                                    "wait", "state", "retry", "seconds", "name", "value"])),
    data=st.data(),
)  # fmt: skip
def test_the_right_names_with_wrong_values(op: str, names: list[str], data: st.DataObject) -> None:
    """Fields that exist, filled with anything."""
    params = {name: data.draw(values) for name in names}
    parse(json.dumps({"op": op, "params": params}).encode("utf-8", "replace"))


@pytest.mark.parametrize(
    "line",
    [
        b"[" * (LIMIT // 2) + b"]" * (LIMIT // 2),
        b'{"op":"query","params":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b'{"op":' * 8000,
        b'{"op":"hello","id":' + b"9" * 60_000 + b"}",
        b'{"op":"hello","id":' + b"1" * 5000 + b"e" + b"9" * 5000 + b"}",
        b'{"op":"' + b"\\u0000" * 9000 + b'"}',
        b'{"op":"query","params":{"text":"' + b"\\ud800" * 9000 + b'"}}',
        b'{"op":"query","params":{"text":"x","limit":NaN}}',
        b'{"op":"query","params":{"text":"x","deadline_ms":Infinity}}',
        b'{"op":"hello",' * 1 + b'"x":1,' * 9000 + b'"id":1}',
    ],
    ids=["arrays", "objects", "unclosed", "digits", "exponent", "nul", "surrogates", "nan",
         "infinity", "many fields"],
)  # fmt: skip
def test_hostile_lines(line: bytes) -> None:
    """Depth, length and numbers end neither the process nor in a traceback."""
    assert len(line) <= LIMIT + 100
    parse(line)


def test_a_request_of_a_newer_protocol_is_refused_as_such() -> None:
    """It is not executed in part."""
    error = parse(b'{"v":2,"op":"hello"}')
    assert isinstance(error, BadRequest)
    assert "protocol version 2" in str(error)
    assert "photosd restart" in error.remedy


def test_unknown_fields_are_ignored() -> None:
    """A newer client may send them."""
    assert not isinstance(
        parse(b'{"op":"query","new":1,"params":{"text":"x","mood":3}}'), BadRequest
    )
