"""The parser of HTTP/1.1: any cut gives the same answer, and any bytes at all give an answer or BadAnswer."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_aiagents.net.http1 import AnswerReader, BadAnswer

bodies = st.binary(max_size=300)
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def parts(data: bytes, sizes: list[int]) -> list[bytes]:
    """Data in pieces of these sizes, over and over."""
    found, index = [], 0
    while data:
        size = sizes[index % len(sizes)]
        found.append(data[:size])
        data, index = data[size:], index + 1
    return found


def read(pieces: list[bytes]) -> tuple[AnswerReader, bytes]:
    reader = AnswerReader()
    return reader, b"".join(reader.feed(piece) for piece in pieces)


def chunked(body: bytes, sizes: list[int], extension: bytes = b"") -> bytes:
    chunks = [b"%X%s\r\n%s\r\n" % (len(part), extension, part) for part in parts(body, sizes)]
    return b"".join([*chunks, b"0\r\n"])


@given(bodies, cuts, cuts, st.sampled_from([b"", b";name=value", b" ; x"]), st.sampled_from([b"", b"x: y\r\n"]))
def test_any_cut_of_a_chunked_answer_gives_the_same(
    body: bytes, sizes: list[int], pieces: list[int], extension: bytes, trailer: bytes
) -> None:
    """Wherever the network cuts, status, headers and body are the same, and the connection can be used again."""
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nX-A:  b \r\nTransfer-Encoding: Chunked\r\n\r\n"
    reader, found = read(parts(head + chunked(body, sizes, extension) + trailer + b"\r\n", pieces))
    assert (reader.status, reader.headers["x-a"], found) == (201, "b", body)
    assert (reader.done, reader.reusable) == (True, True)


@given(bodies, cuts)
def test_any_cut_of_a_counted_answer_gives_the_same(body: bytes, pieces: list[int]) -> None:
    """The same for a body whose length is told."""
    head = b"HTTP/1.1 200\r\ncontent-length: %d\r\n\r\n" % len(body)
    reader, found = read(parts(head + body, pieces))
    assert (found, reader.done, reader.reusable) == (body, True, True)


@given(bodies, cuts)
def test_a_body_without_a_length_ends_with_the_connection(body: bytes, pieces: list[int]) -> None:
    """It is complete at the end of the connection, which is not used again."""
    reader, found = read([*parts(b"HTTP/1.1 200 OK\r\n\r\n" + body, pieces), b""])
    assert (found, reader.done, reader.reusable) == (body, True, False)


@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"\r\n", b"\r\n\r\n", b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n",
     b"5\r\n12345\r\n", b"0\r\n\r\n", b"fffffffffffffff\r\n", b"connection: close\r\n", b""]
)), max_size=20))  # fmt: skip
def test_any_bytes_give_an_answer_or_a_refusal(pieces: list[bytes]) -> None:
    """Nothing that a server sends raises anything else, or makes more of the body than was sent."""
    reader = AnswerReader()
    with suppress(BadAnswer):
        assert sum(len(reader.feed(piece)) for piece in pieces) <= sum(map(len, pieces))


@pytest.mark.parametrize("rest", [b"HTTP/1.1 200 OK\r\n\r\n", b"x"])
def test_a_connection_with_more_than_the_answer_is_not_used_again(rest: bytes) -> None:
    """What nobody asked for would be taken for the answer to the next request."""
    reader, found = read([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" + rest])
    assert (found, reader.done, reader.reusable) == (b"ok", True, False)


@pytest.mark.parametrize("end", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx",
                                 b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"])  # fmt: skip
def test_an_answer_that_ends_too_early_is_refused(end: bytes) -> None:
    """Half an answer is never taken for a whole one."""
    reader = AnswerReader()
    reader.feed(end)
    with pytest.raises(BadAnswer):
        reader.feed(b"")
