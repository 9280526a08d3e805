"""The other implementation: python3-websockets from 10 on, commanded by a spec over a control connection.

Usage: python_peer.py CONTROL_PORT. Lines in both directions, words separated by one blank; texts and payloads
are hexadecimal, "-" is an empty one. Ends when the control connection ends.

Commands:                                      Answers and events:
  connect NAME URL PROTOCOLS HEADERS TLS         open NAME PROTOCOL HEADERS TLS | refused NAME WHY
  serve NAME PROTOCOLS FIRST TLS                 serving NAME PORT, then open NAME.1 PROTOCOL HEADERS TLS, ...
  crowd NAME COUNT URL TLS                       crowd NAME OPEN WHY: that many are open, and why the others are not
  answer NAME BYTES TLS                          serving NAME PORT; requests get these bytes ("-" none, "end" the end)
  unwrap NAME PORT TLS                           serving NAME PORT; what comes there is decrypted and goes on to PORT
  binary NAME BYTES / text NAME BYTES            binary NAME BYTES / text NAME BYTES
  ping NAME BYTES                                pong NAME BYTES
  close NAME CODE REASON                         closed NAME CODE REASON
  stop                                           stopped
PROTOCOLS is hex of a comma-separated list, HEADERS of "Name: value" lines, FIRST what a server sends at once.
TLS is "-" for none, or KEY:HEX,KEY:HEX,... with the keys certificate, key, authorities, name, alpn, version; what is
told of it is hex of "VERSION ALPN SNI".
"""
import asyncio
import os
import ssl
import sys
import tempfile

import websockets

# Its API was made anew. The old one is still there beside it, but is to go; 13 and 14 have a new one that is not yet
# whole.
NEW = int(websockets.__version__.split(".")[0]) >= 15
if NEW:
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import serve

    WITHOUT_PROXY = {"proxy": None}
else:
    from websockets.legacy.client import connect
    from websockets.legacy.server import serve

    WITHOUT_PROXY = {}


def headers_of(connection, head):
    return getattr(connection, head).headers if NEW else getattr(connection, head + "_headers")


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def tohex(data):
    if isinstance(data, str):
        data = data.encode("utf-8")
    return data.hex() or "-"


def protocols(word):
    return [p for p in unhex(word).decode().split(",") if p] or None


VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def tls_options(word):
    options = dict(item.split(":") for item in word.split(",")) if word != "-" else {}
    return {key: unhex(value).decode() for key, value in options.items()}


def tls_context(options, purpose):
    if not options:
        return None
    if purpose == ssl.PROTOCOL_TLS_CLIENT:
        context = ssl.create_default_context(cadata=options["authorities"])
    else:
        context = ssl.SSLContext(purpose)
        with tempfile.NamedTemporaryFile("w") as pem:
            pem.write(options["key"] + options["certificate"])
            pem.flush()
            context.load_cert_chain(pem.name)
        context.sni_callback = lambda connection, name, _: setattr(context, "last_name", name)
    context.last_name = None
    if "version" in options:
        context.minimum_version = context.maximum_version = VERSIONS[options["version"]]
    if "alpn" in options:
        context.set_alpn_protocols(options["alpn"].split(","))
    return context


def tls_told(connection):
    tls = connection.transport.get_extra_info("ssl_object")
    if not tls:
        return "-"
    name = tls.context.last_name
    return tohex("%s %s %s" % (tls.version(), tls.selected_alpn_protocol() or "-", name or "-"))


class Side(asyncio.Protocol):
    """One side of a connection that is decrypted on its way; the first to end ends the other."""

    def __init__(self, other=None):
        self.other, self.transport, self.early = other, None, []

    def connection_made(self, transport):
        self.transport = transport
        for data in self.early:
            transport.write(data)
        self.early.clear()

    def data_received(self, data):
        if self.other.transport:
            self.other.transport.write(data)
        else:
            self.other.early.append(data)

    def connection_lost(self, why):
        if self.other.transport:
            self.other.transport.close()


class TLSSide(Side):
    def __init__(self, port):
        super().__init__(Side(self))
        self.port = port

    def connection_made(self, transport):
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self.onward = loop.create_task(loop.create_connection(lambda: self.other, "127.0.0.1", self.port))


class Peer:
    def __init__(self, writer):
        self.writer = writer
        self.connections = {}
        self.reading = 0
        self.servers = []
        self.kept = []

    def tell(self, *words):
        self.writer.write((" ".join(str(w) for w in words) + "\n").encode())

    async def read(self, name, connection, headers):
        self.connections[name] = connection
        self.reading += 1
        lines = "\n".join("%s: %s" % item for item in headers.raw_items())
        self.tell("open", name, tohex(connection.subprotocol or ""), tohex(lines), tls_told(connection))
        try:
            while True:
                message = await connection.recv()
                self.tell("text" if isinstance(message, str) else "binary", name, tohex(message))
        except websockets.ConnectionClosed:
            self.tell("closed", name, connection.close_code, tohex(connection.close_reason or ""))
        finally:
            self.reading -= 1
        self.connections.pop(name, None)

    async def open(self, url, tls, **options):
        tls = tls_options(tls)
        if tls:
            options["ssl"] = tls_context(tls, ssl.PROTOCOL_TLS_CLIENT)
            options["server_hostname"] = tls.get("name")
        return await connect(url, compression=None, max_size=None, ping_interval=None, **WITHOUT_PROXY, **options)

    async def connect(self, name, url, wanted, headers, tls):
        lines = [line.split(": ", 1) for line in unhex(headers).decode().split("\n") if line]
        try:
            own = {"additional_headers" if NEW else "extra_headers": lines}
            connection = await self.open(
                url, tls, subprotocols=protocols(wanted), open_timeout=8, close_timeout=4, **own)
        except Exception as why:
            self.tell("refused", name, tohex("%s: %s" % (type(why).__name__, why)))
            return
        await self.read(name, connection, headers_of(connection, "response"))

    async def crowd(self, name, count, url, tls):
        async def enter(number):
            connection = await self.open(url, tls, open_timeout=30)
            self.connections["%s.%d" % (name, number)] = connection
            await connection.recv()  # its id

        results = await asyncio.gather(*map(enter, range(int(count))), return_exceptions=True)
        failures = [result for result in results if result is not None]
        self.tell("crowd", name, len(results) - len(failures), tohex(", ".join(sorted(set(map(repr, failures))))))

    async def answer(self, name, reply, tls):
        async def handle(reader, writer):
            self.kept.append(writer)
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if reply == "end":
                writer.close()
            else:
                writer.write(unhex(reply))

        context = tls_context(tls_options(tls), ssl.PROTOCOL_TLS_SERVER)
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        self.servers.append(server)
        self.tell("serving", name, server.sockets[0].getsockname()[1])

    async def unwrap(self, name, port, tls):
        server = await asyncio.get_running_loop().create_server(
            lambda: TLSSide(int(port)), "127.0.0.1", 0, ssl=tls_context(tls_options(tls), ssl.PROTOCOL_TLS_SERVER))
        self.servers.append(server)
        self.tell("serving", name, server.sockets[0].getsockname()[1])

    async def serve(self, name, offered, first, tls):
        count = 0

        async def handle(connection):
            nonlocal count
            count += 1
            if first != "-":
                await connection.send(unhex(first))
            await self.read("%s.%d" % (name, count), connection, headers_of(connection, "request"))

        # Without a common sub-protocol it goes on without one, as the old API does: the client has to see to that.
        ours = protocols(offered)
        options = {}
        if NEW and ours:
            options["select_subprotocol"] = lambda _, theirs: next((p for p in ours if p in theirs), None)
        server = await serve(
            handle, "127.0.0.1", 0, subprotocols=ours, compression=None, max_size=None,
            ping_interval=None, close_timeout=4, ssl=tls_context(tls_options(tls), ssl.PROTOCOL_TLS_SERVER), **options)
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
        for writer in self.kept:
            writer.transport.abort()
        self.servers.clear()
        self.kept.clear()
        # What they still tell is not for the next test.
        for _ in range(300):
            if not self.reading:
                break
            await asyncio.sleep(0.01)
        self.tell("stopped")

    async def command(self, verb, *words):
        try:
            if verb in ("binary", "text"):
                payload = unhex(words[1])
                await self.connections[words[0]].send(payload if verb == "binary" else payload.decode())
            elif verb == "raw":
                self.connections[words[0]].transport.write(unhex(words[1]))
            elif verb == "close":
                await self.connections[words[0]].close(int(words[1]), unhex(words[2]).decode())
            else:
                await getattr(self, verb)(*words)
        except Exception as why:
            self.tell("failed", verb, tohex("%s: %s" % (type(why).__name__, why)))


async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]), limit=1 << 22)
    # Of handshakes that fail the one who asked is told; nobody reads what would be printed.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
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
        ordered = words[0] in ("binary", "text", "raw")
        task = asyncio.ensure_future(in_order(words) if ordered else peer.command(*words))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
