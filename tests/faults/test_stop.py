"""The moment at which the public port closes: whoever was let in by then is answered."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from api.server import listen, runner


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_has_just_been_taken_is_answered_though_the_port_closes(turns: int) -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    served = runner(app)
    await served.setup()
    listening = await listen(served, "127.0.0.1", 0)
    with socket.socket() as client:
        # The kernel has taken it; how far asyncio has got with it depends on the turns of the loop.
        client.connect(("127.0.0.1", listening.port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: bot\r\n\r\n")
        client.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        await listening.close()
        async with asyncio.timeout(2):
            answer = await asyncio.get_running_loop().sock_recv(client, 1024)
    assert answer.startswith(b"HTTP/1.1 200")
    await served.cleanup()
