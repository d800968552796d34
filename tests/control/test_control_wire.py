"""The format: total, bounded, and the same in both directions."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.control.wire import (
    ErrorCode,
    Failure,
    LineDecoder,
    Progress,
    Request,
    Success,
    WireError,
    encode,
    encode_rows,
    parse_answer,
    parse_request,
)

LIMIT = 20

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ids = st.integers(-(1 << 53), 1 << 53) | st.text(max_size=64)
objects = st.dictionaries(st.text(), json_values, max_size=4)


def lines_of(stream: bytes, cuts: list[int]) -> list[bytes | None]:
    decoder = LineDecoder(LIMIT)
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    starts = [0, *ends[:-1]]
    return [line for start, end in zip(starts, ends, strict=True) for line in decoder.feed(stream[start:end])]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_lines_do_not_depend_on_how_the_bytes_arrive(stream, cuts):
    assert lines_of(stream, cuts) == lines_of(stream, []) == lines_of(stream, list(range(len(stream))))


@given(st.lists(st.binary(max_size=2 * LIMIT).map(lambda line: line.replace(b"\n", b"")), max_size=8))
def test_every_line_comes_out_once_and_an_overlong_one_as_none(lines):
    stream = b"".join(line + b"\n" for line in lines)
    assert lines_of(stream, []) == [line if len(line) <= LIMIT else None for line in lines]


def test_an_overlong_line_is_reported_at_once_and_not_kept():
    decoder = LineDecoder(LIMIT)
    assert decoder.feed(b"x" * (LIMIT + 1)) == [None]
    for _ in range(100):
        assert decoder.feed(b"x" * 1000) == []
    assert decoder.feed(b"tail\nnext\n") == [b"next"]


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_request_or_its_refusal(line):
    assert isinstance(parse_request(line), Request | Failure)


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_an_answer_or_a_wire_error(line):
    with contextlib.suppress(WireError):
        assert isinstance(parse_answer(line), Success | Failure | Progress)


@given(st.builds(Request, id=ids, method=st.text(), params=objects))
def test_requests_survive_the_way(request_):
    assert parse_request(encode(request_).removesuffix(b"\n")) == request_


@given(
    st.builds(Success, id=ids, result=json_values)
    | st.builds(Failure, id=ids | st.none(), code=st.integers(-32768, 200), message=st.text())
    | st.builds(Progress, id=ids, value=objects)
)
def test_answers_survive_the_way(answer):
    line = encode(answer)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert parse_answer(line.removesuffix(b"\n")) == answer


def test_a_file_name_that_is_not_utf8_survives():
    request = Request(1, "share", {"path": b"/tmp/\xff\xfe".decode("utf-8", "surrogateescape")})
    assert parse_request(encode(request).removesuffix(b"\n")) == request


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (None, ErrorCode.INVALID_REQUEST),
        (b"", ErrorCode.PARSE),
        (b"\xff\xfe", ErrorCode.PARSE),
        (b"{", ErrorCode.PARSE),
        (b'{"a": NaN}', ErrorCode.PARSE),
        (b"[" * 200_000, ErrorCode.PARSE),
        (b'{"a":' * 100_000, ErrorCode.PARSE),
        (b"9" * 10_000, ErrorCode.PARSE),
        (b"[]", ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","method":"status"}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"method":"status"}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":true,"method":"status"}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"status"}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":"' + b"x" * 65 + b'","method":"status"}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"status"}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"status","params":[1]}', ErrorCode.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","api":2,"id":1,"method":"status"}', ErrorCode.WRONG_API),
    ],
)
def test_a_broken_request_gets_the_error_that_json_rpc_has_for_it(line, code):
    failure = parse_request(line)
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert failure.message


def test_params_and_the_version_may_be_left_out():
    assert parse_request(b'{"jsonrpc":"2.0","id":"a","method":"status"}') == Request("a", "status", {})


def test_what_is_not_json_is_refused_when_encoding():
    with pytest.raises((TypeError, ValueError)):
        encode(Success(1, {"rate": float("inf")}))
    with pytest.raises(TypeError):
        encode(Success(1, object()))


@given(
    st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5), max_size=5),
    st.integers(0, 99),
)
def test_rows_one_at_a_time_are_the_same_line(rows, request_id):
    answer = Success(request_id, rows)
    assert encode_rows(answer, rows) == encode(answer)
