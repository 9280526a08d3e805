# python_websockets.py echo|bcast - Python's websockets (asyncio), without compression. Prints its port.
import asyncio
import sys

import websockets

mode = sys.argv[1]
clients = set()


async def serve_one(socket, path=None):
    clients.add(socket)
    try:
        async for message in socket:
            if mode == "echo":
                await socket.send(message)
            else:
                websockets.broadcast(clients - {socket}, message)
    except websockets.ConnectionClosed:
        pass
    finally:
        clients.discard(socket)


async def main():
    async with websockets.serve(serve_one, "127.0.0.1", 0, backlog=4096, compression=None, max_size=None,
                                ping_interval=None) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
