"""Requests whose end a proxy and this server could see differently are refused (RFC 9112, 6 and 7).

Waitress takes some of them: a length beside chunks, chunks in another version than HTTP/1.1, chunk
sizes that end with a bare line feed. Behind a proxy that reads them otherwise, the rest of one
person's request would become the beginning of another's.

So is a type of the body in a charset that browsers and programs do not send: Django looks up any
codec of Python for it, before it answers errors and before it knows who asks. Some take the square
of the length, some are none for text, and some names are none.

Cookies with a backslash are left out: Fieldwatch sets none, and Python below 3.11.10 and 3.12.6
takes the square of their length to read them, seconds for one request.

What Waitress itself reads slowly is refused, since all sockets of the process wait meanwhile: a
header with many spaces before its value, which takes the square of their number, and a body in very
many chunks.
"""

from __future__ import annotations

import re
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

LONGEST_METHOD = 20  # characters; the log has the method of each request
LONGEST_LENGTH = 15  # digits of a Content-Length, or of the size of a chunk
LONGEST_LINE = (
    4096  # bytes of a chunk's size with its extension, or of a line behind the last chunk
)
LARGEST_TRAILER = 16 * 1024  # bytes of all lines behind the last chunk
MOST_CHUNKS = 20_000  # of a body; one costs some 6 µs
_MANY_SPACES = re.compile(rb":[ \t]{100}")  # before the value of a header; clients send one
_CHARSET = re.compile(r"(?i)charset")
_KNOWN_CHARSET = re.compile(
    r"(?i)charset[ \t]{0,9}=[ \t]{0,9}\"?(?:utf-?8|us-ascii|iso-8859-1)\"?[ \t]{0,9}(?=[;,]|$)"
)


class StrictChunks(ChunkedReceiver):  # type: ignore[misc]
    """A body in chunks whose lines end as they must and are not endless."""

    line = b""  # as far as it has arrived
    trailer_length = 0
    lines = 0  # between chunks: one for the size of each, one for its end

    def received(self, data: bytes) -> int:
        """Take bytes; return how many belong to this body."""
        taken = 0
        while taken < len(data) and not self.completed and not self.error:
            if self.chunk_remainder > 0:
                piece = data[taken : taken + self.chunk_remainder]
            else:
                end = data.find(b"\n", taken) + 1
                piece = data[taken : end or len(data)]
                self._check_line(piece)
            taken += super().received(piece)
        return len(data) if self.error else taken

    def _check_line(self, piece: bytes) -> None:
        """Refuse a line that ends without a carriage return, has one inside, or is too long."""
        self.line += piece
        if self.all_chunks_received:
            self.trailer_length += len(piece)
        size = b"" if self.all_chunks_received else self.line.partition(b";")[0].rstrip()
        if len(size) > LONGEST_LENGTH:
            self.error = BadRequest("Invalid chunk size")
        elif len(self.line) > LONGEST_LINE or self.trailer_length > LARGEST_TRAILER:
            self.error = BadRequest("A line between chunks is too long")
        elif self.line.endswith(b"\n"):
            if not self.line.endswith(b"\r\n") or b"\r" in self.line[:-2]:
                self.error = BadRequest("Bare CR or LF found between chunks")
            self.line = b""
            self.lines += 1
            if self.lines > 2 * MOST_CHUNKS:
                self.error = BadRequest("Too many chunks")


class StrictRequest(HTTPRequestParser):  # type: ignore[misc]
    """A request with one meaning; anything else is answered with 400 and ends the connection."""

    body_rcv: Any = None  # Any: Waitress has no types

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head; ParsingError if it does not say exactly where the request ends."""
        try:
            _check_spaces(header_plus)
            super().parse_header(header_plus)
            _check_head(header_plus, self.command, self.version)
            _check_type(self.headers.get("CONTENT_TYPE", ""))
        except ValueError as exc:  # of an address that is none, or a length of thousands of digits
            self.expect_continue = False
            raise ParsingError("The request line or the length is invalid") from exc
        except ParsingError:
            self.expect_continue = False  # or its error would wait for a body
            raise
        if "\\" in (cookies := self.headers.get("COOKIE", "")):
            kept = (each for each in cookies.split(";") if "\\" not in each)
            self.headers["COOKIE"] = ";".join(kept)
        if self.chunked:
            self.body_rcv = StrictChunks(self.body_rcv.getbuf())
        if self.body_rcv is None or self.content_length >= self.adj.max_request_body_size:
            self.expect_continue = False


def _check_spaces(head: bytes) -> None:
    """Refuse many spaces before the value of a header; ParsingError."""
    if _MANY_SPACES.search(head):
        raise ParsingError("A header begins with too many spaces")


def _check_head(head: bytes, method: str, version: str) -> None:
    """Refuse an endless method, a line that goes on in the next, and a body whose end is open.

    ParsingError.
    """
    if len(method) > LONGEST_METHOD:
        raise ParsingError("The method is invalid")
    lengths, codings = [], []
    for line in head.split(b"\r\n")[1:]:
        if line.startswith((b" ", b"\t")):  # some proxies read it as empty, some as joined
            raise ParsingError("A header is folded")
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            lengths.append(value.strip())
        elif name.lower() == b"transfer-encoding":
            codings.append(value.strip().lower())
    if any(len(length) > LONGEST_LENGTH for length in lengths):
        raise ParsingError("Content-Length is invalid")
    if codings and (lengths or version != "1.1" or codings != [b"chunked"]):
        raise ParsingError("Transfer-Encoding is ambiguous")


def _check_type(content_type: str) -> None:
    """Refuse a type of the body that names a codec of Python, or a value that is in one.

    ParsingError.
    """
    _, _, parameters = content_type.partition(";")
    known = _KNOWN_CHARSET.findall(parameters)
    if "*" in parameters or len(_CHARSET.findall(parameters)) > len(known):
        raise ParsingError("The charset is none that is read here")
