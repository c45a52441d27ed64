"""HTTP/1.1 on sockets: h11 reads and frames, faults are played byte by byte."""

import asyncio
import contextlib
import socket
import struct
from email.utils import formatdate
from urllib.parse import parse_qs

import h11

from dashboard.simulator.server.exchange import Played, SimulatedExchange
from dashboard.simulator.world.messages import SimulatedAnswer, SimulatedRequest

_REASONS = {200: b"OK", 201: b"Created", 202: b"Accepted", 204: b"No Content"}


class Connection(asyncio.Protocol):
    """One client's connection, kept alive; requests are answered in their order."""

    def __init__(self, exchange: SimulatedExchange, door: "Door") -> None:
        self.exchange = exchange
        self.door = door
        self.http = h11.Connection(h11.SERVER)
        self.request: h11.Request | None = None
        self.body = bytearray()
        self.busy = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport for the answers."""
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
            self.door.open.add(transport)
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget the transport."""
        self.door.open.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        """Read on; answer whatever is complete."""
        self.http.receive_data(data)
        self._advance()

    def _advance(self) -> None:
        try:
            while not self.busy:
                event = self.http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                if isinstance(event, h11.Request):
                    self.request = event
                elif isinstance(event, h11.Data):
                    self.body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    self._respond()
                else:
                    self.transport.close()
                    return
        except h11.RemoteProtocolError:
            self.transport.close()

    def _respond(self) -> None:
        played = self.exchange.respond(self._ask())
        if played.fault is None:
            self.transport.write(self._framed(played.answer))
            self._next()
            return
        self.busy = True
        task = asyncio.get_running_loop().create_task(self._play(played))
        self.door.tasks.add(task)
        task.add_done_callback(self.door.tasks.discard)

    def _ask(self) -> SimulatedRequest:
        request = self.request
        if request is None:
            raise RuntimeError("a message ended before it began")
        path, _, query = request.target.decode("ascii").partition("?")
        ask = SimulatedRequest(
            request.method.decode("ascii"),
            path,
            parse_qs(query, keep_blank_values=True) if query else {},
            {n.decode("ascii"): v.decode("latin-1") for n, v in request.headers},
            bytes(self.body),
            self.exchange.world.clock.now(),
        )
        self.body.clear()
        return ask

    def _next(self) -> None:
        if self.http.our_state is h11.MUST_CLOSE:
            self.transport.close()
        else:
            self.http.start_next_cycle()

    def _framed(self, answer: SimulatedAnswer) -> bytes:
        """The answer's bytes; h11 keeps the state of the connection."""
        headers = dict(answer.headers)
        skew = float(headers.pop("x-skew", 0))
        headers["Date"] = formatdate(self.exchange.world.clock.wall() + skew, usegmt=True)
        if answer.status != 204:
            headers["Content-Length"] = str(len(answer.body))
        response = h11.Response(
            status_code=answer.status,
            headers=list(headers.items()),
            reason=_REASONS.get(answer.status, b""),
        )
        parts = [self.http.send(response)]
        if answer.body:
            parts.append(self.http.send(h11.Data(data=answer.body)))
        parts.append(self.http.send(h11.EndOfMessage()))
        return b"".join(part for part in parts if part)

    async def _play(self, played: Played) -> None:
        """Answer as the fault demands, or not at all."""
        fault, answer = played.fault, played.answer
        if fault is None:
            return
        if fault.kind in ("reset", "lost_answer"):
            self._reset()
        elif fault.kind == "hang":
            await asyncio.sleep(fault.seconds(3600))
            self._reset()
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds(2))
            self.transport.write(self._framed(answer))
            self.busy = False
            self._next()
            self._advance()
        elif fault.kind == "short_body":
            raw = self._framed(answer)
            self.transport.write(raw[: len(raw) - max(1, len(answer.body) // 2)])
            self.transport.close()
        else:
            await self._trickle(self._framed(answer), fault.seconds(0.05))

    async def _trickle(self, raw: bytes, pause: float) -> None:
        for start in range(0, len(raw), 16):
            if self.transport.is_closing():
                return
            self.transport.write(raw[start : start + 16])
            await asyncio.sleep(pause)
        self.transport.close()

    def _reset(self) -> None:
        """Close with a reset rather than an orderly end."""
        sock = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Door:
    """A listening socket, the connections that came through it and the faults being played."""

    def __init__(self) -> None:
        self.open: set[asyncio.Transport] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.server: asyncio.Server | None = None
        self.port = 0

    async def listen(self, exchange: SimulatedExchange, host: str, port: int) -> None:
        """Listen; `port` then has the port in use, also if 0 was asked for."""
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: Connection(exchange, self), host, port, backlog=256
        )
        self.port = self.server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Stop listening and close every connection, so that no client waits."""
        if self.server is not None:
            self.server.close()
        for task in self.tasks:
            task.cancel()
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0)
