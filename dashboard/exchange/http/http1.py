"""HTTP/1.1 on one connection: a request goes out whole, llhttp frames its answer as it comes in."""

import re
from collections.abc import Iterator

import httpcore
import httptools

AT_ONCE = 65_536
# Bytes that may come without one of the body among them: a head, or what stands between chunks.
LONGEST_HEAD = 65_536
_NO_ANSWER = "Server disconnected without sending a response."
_CUT_OFF = "peer closed connection without sending complete message body"
_WRITTEN = re.compile(rb"(?:[^\x00-\x08\x0a-\x1f\x7f]+\r\n)+")

Headers = list[tuple[bytes, bytes]]


def head(method: bytes, target: bytes, headers: Headers) -> bytes:
    """The lines before a body; LocalProtocolError where a value would begin a line of its own."""
    lines = [b"%b %b HTTP/1.1\r\n" % (method, target)]
    lines += [b"%b: %b\r\n" % header for header in headers]
    written = b"".join(lines)
    if written.count(b"\n") != len(lines) or not _WRITTEN.fullmatch(written):
        raise httpcore.LocalProtocolError("a header holds what no header can")
    return written + b"\r\n"


class Line:
    """A connection and the answer that is coming in on it; one request at a time.

    Errors are httpcore's. After any of them, or where a body was not read to its end, the line is
    not `free`: what is still to come belongs to nobody, and the line must be closed.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._patience: float | None = None
        self._has_head = self._ended = False
        self._without_body = 0
        self.status = 0
        self.headers: Headers = []
        self.free = True

    def ask(self, request: bytes, *, patience: float) -> None:
        """Send a request and wait for the head of its answer, `patience` seconds for each part."""
        self._parts, self.headers, self.status = [], [], 0
        self._patience, self._without_body = patience, 0
        self.free = self._has_head = self._ended = False
        self._stream.write(request, patience)
        while not self._has_head:
            self._receive()

    def body(self) -> Iterator[bytes]:
        """The parts of the body as they come, to its end."""
        while True:
            parts, self._parts = self._parts, []
            yield from parts
            if self._ended:
                return
            self._receive()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing came in unasked: not even that the other side closed the connection."""
        return not self._stream.get_extra_info("is_readable")

    def close(self) -> None:
        """Close the connection."""
        self.free = False
        self._stream.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """llhttp read a header, or a trailer, which tells nothing here."""
        if not self._has_head:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """llhttp read a head; that of an interim answer (1xx) is none of ours."""
        status = self._parser.get_status_code()
        if status >= 200:
            self.status, self._has_head = status, True
        else:
            self.headers = []

    def on_body(self, part: bytes) -> None:
        """llhttp read a part of the body."""
        self._parts.append(part)

    def on_message_begin(self) -> None:
        """llhttp sees an answer; after the one that was asked for, nobody asked for it."""
        if self._ended:
            raise httpcore.RemoteProtocolError("an answer to no request")

    def on_message_complete(self) -> None:
        """llhttp read an answer to its end."""
        if self._has_head:
            self._ended = True
            self.free = self._parser.should_keep_alive()

    def _receive(self) -> None:
        data = self._stream.read(AT_ONCE, self._patience)
        if not data:
            self._end()
            return
        self._without_body += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            self.free = False
            if not self._ended:  # what follows the end of the answer takes nothing from it
                raise httpcore.RemoteProtocolError(str(exc)) from exc
        if self._parts:
            self._without_body = 0
        elif self._without_body > LONGEST_HEAD:
            raise httpcore.RemoteProtocolError("a head without end")

    def _end(self) -> None:
        """The other side closed: the end of a body that has no other end, or too early."""
        if not self._has_head:
            raise httpcore.RemoteProtocolError(_NO_ANSWER)
        names = {name.lower() for name, _ in self.headers}
        if names & {b"content-length", b"transfer-encoding"}:
            raise httpcore.RemoteProtocolError(_CUT_OFF)
        self._ended = True
