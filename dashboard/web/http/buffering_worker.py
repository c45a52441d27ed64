"""The gunicorn worker that serves pages: whole requests in, whole answers out, no thread waits.

Waitress reads requests and sends answers in one loop, and hands only complete requests to threads.
A client that sends its request or reads its answer slowly holds a socket, and no thread. gunicorn
starts the processes and replaces those that end.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence

from gunicorn.workers.base import Worker
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import WSGITask

from dashboard.web.http.strict_requests import StrictRequest

REQUEST_SECONDS = 20.0  # from the first byte of a request to its last
ANSWER_SECONDS = 30.0  # without a byte that the client takes
IDLE_SECONDS = 60.0  # between two requests of a connection
MOST_CONNECTIONS = 1000  # of a process; beyond it the oldest unfinished request is dropped
MOST_IN_A_ROW = 32  # requests of a connection that wait for their answers; one costs some 3 KB
LARGEST_REQUEST = 4 * 1024 * 1024  # bytes; Django takes 2.5 MB of form fields
LARGEST_HEAD = 64 * 1024  # bytes: request line, headers, cookies
LARGEST_IN_MEMORY = 64 * 1024  # bytes of a body that is arriving; the rest is in a file
CHECK_SECONDS = 1.0


class AnswerTask(WSGITask):  # type: ignore[misc]
    """Writes an answer; that to HEAD has no body, which Waitress leaves to the application.

    On a connection that stays open, a proxy would take such a body for the next answer.
    """

    def get_environment(self) -> dict[str, object]:
        """Return the environment; a file for HEAD is read by the product, not sent from here."""
        environ: dict[str, object] = super().get_environment()
        if self._is_head():
            environ.pop("wsgi.file_wrapper", None)
        return environ

    def write(self, data: bytes) -> None:
        """Write a part of the answer, its headers first; to HEAD nothing else."""
        super().write(b"" if self._is_head() else data)

    def finish(self) -> None:
        """End the answer; that to HEAD needs no mark of its end."""
        if not self._is_head():
            super().finish()
        elif not self.wrote_header:
            self.write(b"")

    def _is_head(self) -> bool:
        return bool(self.request.command == "HEAD")


class TimedChannel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when its request has been arriving."""

    parser_class, task_class = StrictRequest, AnswerTask
    request_since: float | None = None  # Unix seconds; None while no request is arriving
    is_postponed = False  # its next request waits until the answer before it is taken

    def received(self, data: bytes) -> bool:
        """Take bytes of a request, and note when its first byte came.

        8 KB may hold 450 requests: a connection with too many is closed.
        """
        taken: bool = super().received(data)
        if len(self.requests) > MOST_IN_A_ROW:
            self.handle_close()
            return False
        if self.request is None:
            self.request_since = None
        elif self.request_since is None:
            self.request_since = time.time()
        return taken

    def service(self) -> None:
        """Answer the next request, but no sooner than the client has taken the answer before it.

        Otherwise the answers to many requests in a row would fill the buffer, and the thread would
        wait for a client that does not read.
        """
        with self.outbuf_lock:
            self.is_postponed = self.total_outbufs_len > 0
        if not self.is_postponed:
            super().service()

    def handle_write(self) -> None:
        """Send what the client takes; once it has taken everything, its next request goes on."""
        super().handle_write()
        with self.outbuf_lock:
            goes_on = self.is_postponed and self.connected and not self.total_outbufs_len
            if goes_on:
                self.is_postponed = False
        if goes_on:
            self.server.add_task(self)

    def is_overdue(self, now: float) -> bool:
        """Whether its request, its answer or its next request is too late."""
        if self.request_since is not None:
            return now - self.request_since > REQUEST_SECONDS
        idle = now - self.last_activity
        if self.total_outbufs_len:
            return bool(idle > ANSWER_SECONDS)
        return bool(not self.requests and idle > IDLE_SECONDS)

    def is_idle(self) -> bool:
        """Whether no request is arriving, being answered or being sent."""
        return not (self.requests or self.total_outbufs_len or self.request_since)


def close_overdue(channels: Sequence[TimedChannel], *, now: float) -> None:
    """Close the connections that are overdue and, if there are too many, the oldest that wait."""
    for channel in channels:
        if channel.is_overdue(now):
            channel.handle_close()
    waiting = [
        channel
        for channel in channels
        if channel.connected and (channel.is_postponed or not channel.requests)
    ]
    surplus = len(channels) - MOST_CONNECTIONS
    for channel in sorted(waiting, key=lambda channel: channel.creation_time)[: max(surplus, 0)]:
        channel.handle_close()


class BufferingWorker(Worker):  # type: ignore[misc]
    """One web process: a loop for all sockets, and `--threads` threads for whole requests."""

    def run(self) -> None:
        """Serve until the process is told to stop, or gunicorn's own process is gone."""
        sockets: dict[int, wasyncore.dispatcher] = {}
        server = create_server(
            self.wsgi,
            map=sockets,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            ident=None,
            clear_untrusted_proxy_headers=False,  # TRUSTED_PROXIES says which of them count
            connection_limit=2 * MOST_CONNECTIONS,
            max_request_body_size=LARGEST_REQUEST,
            max_request_header_size=LARGEST_HEAD,
            inbuf_overflow=LARGEST_IN_MEMORY,
            log_socket_errors=False,
        )
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is no event
        listeners = [each for each in sockets.values() if isinstance(each, BaseWSGIServer)]
        for listener in listeners:
            listener.channel_class = TimedChannel
        self._serve(sockets, listeners, lambda: self.alive and self.ppid == os.getppid())
        for listener in listeners:
            listener.del_channel(sockets)
            listener.socket.close()
        deadline = time.monotonic() + self.cfg.graceful_timeout
        self._serve(
            sockets,
            listeners,
            lambda: (
                time.monotonic() < deadline
                and any(not channel.is_idle() for channel in _channels_of(listeners))
            ),
        )
        server.task_dispatcher.shutdown()

    def _serve(
        self,
        sockets: dict[int, wasyncore.dispatcher],
        listeners: list[BaseWSGIServer],
        goes_on: Callable[[], bool],
    ) -> None:
        """Wait for sockets and serve them while `goes_on`."""
        checked = time.monotonic()
        while goes_on():
            self.notify()
            wasyncore.loop(CHECK_SECONDS, use_poll=True, map=sockets, count=1)
            if time.monotonic() - checked >= CHECK_SECONDS:
                checked = time.monotonic()
                close_overdue(_channels_of(listeners), now=time.time())


def _channels_of(listeners: list[BaseWSGIServer]) -> list[TimedChannel]:
    return [channel for listener in listeners for channel in listener.active_channels.values()]
