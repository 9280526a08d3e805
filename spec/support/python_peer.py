"""The other implementation: python3-websockets, commanded by a spec over a control connection.

Usage: python_peer.py CONTROL_PORT. Lines in both directions, words separated by one blank; texts and payloads
are hexadecimal, "-" is an empty one. Ends when the control connection ends.

Commands:                                      Answers and events:
  connect NAME URL PROTOCOLS HEADERS             open NAME PROTOCOL HEADERS | refused NAME WHY
  serve NAME PROTOCOLS FIRST                     serving NAME PORT, then open NAME.1 PROTOCOL HEADERS, ...
  binary NAME BYTES / text NAME BYTES            binary NAME BYTES / text NAME BYTES
  ping NAME BYTES                                pong NAME BYTES
  close NAME CODE REASON                         closed NAME CODE REASON
  stop                                           stopped
PROTOCOLS is hex of a comma-separated list, HEADERS of "Name: value" lines, FIRST what a server sends at once.
"""
import asyncio
import os
import sys

import websockets


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def tohex(data):
    if isinstance(data, str):
        data = data.encode("utf-8")
    return data.hex() or "-"


def protocols(word):
    return [p for p in unhex(word).decode().split(",") if p] or None


class Peer:
    def __init__(self, writer):
        self.writer = writer
        self.connections = {}
        self.servers = []

    def tell(self, *words):
        self.writer.write((" ".join(str(w) for w in words) + "\n").encode())

    async def read(self, name, connection, headers):
        self.connections[name] = connection
        lines = "\n".join("%s: %s" % item for item in headers.raw_items())
        self.tell("open", name, tohex(connection.subprotocol or ""), tohex(lines))
        try:
            while True:
                message = await connection.recv()
                self.tell("text" if isinstance(message, str) else "binary", name, tohex(message))
        except websockets.ConnectionClosed:
            self.tell("closed", name, connection.close_code, tohex(connection.close_reason or ""))
        self.connections.pop(name, None)

    async def connect(self, name, url, wanted, headers):
        lines = [line.split(": ", 1) for line in unhex(headers).decode().split("\n") if line]
        try:
            connection = await websockets.connect(
                url, subprotocols=protocols(wanted), extra_headers=lines, compression=None,
                max_size=None, ping_interval=None, open_timeout=8, close_timeout=4)
        except Exception as why:
            self.tell("refused", name, tohex("%s: %s" % (type(why).__name__, why)))
            return
        await self.read(name, connection, connection.response_headers)

    async def serve(self, name, offered, first):
        count = 0

        async def handle(connection):
            nonlocal count
            count += 1
            if first != "-":
                await connection.send(unhex(first))
            await self.read("%s.%d" % (name, count), connection, connection.request_headers)

        server = await websockets.serve(
            handle, "127.0.0.1", 0, subprotocols=protocols(offered), compression=None, max_size=None,
            ping_interval=None, close_timeout=4)
        self.servers.append(server)
        self.tell("serving", name, server.sockets[0].getsockname()[1])

    async def ping(self, name, payload):
        pong = await self.connections[name].ping(unhex(payload))
        await pong
        self.tell("pong", name, payload)

    async def stop(self):
        for server in self.servers:
            server.close()
        for connection in list(self.connections.values()):
            connection.transport.abort()
        self.servers.clear()
        self.tell("stopped")

    async def command(self, verb, *words):
        try:
            if verb in ("binary", "text"):
                payload = unhex(words[1])
                await self.connections[words[0]].send(payload if verb == "binary" else payload.decode())
            elif verb == "close":
                await self.connections[words[0]].close(int(words[1]), unhex(words[2]).decode())
            else:
                await getattr(self, verb)(*words)
        except Exception as why:
            self.tell("failed", verb, tohex("%s: %s" % (type(why).__name__, why)))


async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]), limit=1 << 22)
    peer = Peer(writer)
    peer.tell("ready", websockets.__version__)
    sends = asyncio.Lock()
    tasks = set()

    async def in_order(words):
        async with sends:
            await peer.command(*words)

    while True:
        line = await reader.readline()
        if not line:
            os._exit(0)
        words = line.decode().split()
        # Messages keep their order; what may take long does not hold them up.
        ordered = words[0] in ("binary", "text")
        task = asyncio.ensure_future(in_order(words) if ordered else peer.command(*words))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
