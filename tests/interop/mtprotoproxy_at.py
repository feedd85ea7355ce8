#!/usr/bin/env python3
"""mtprotoproxy_at.py FOLDER PORT SECRET DOMAIN DC_PORT: the published MTProxy server "mtprotoproxy"
from FOLDER, with every data centre at 127.0.0.1:DC_PORT. It takes plain, `dd` and `ee` clients.

Its own `main` wants an older Python and the outside; its handlers of connections do not.
"""
import asyncio
import sys

folder, port, secret, domain, dc_port = sys.argv[1:6]
sys.path.insert(0, folder)
sys.argv[1:] = [port, secret]
import mtprotoproxy as proxy  # noqa: E402


async def serve():
    proxy.init_config()
    proxy.TG_DATACENTERS_V4 = ["127.0.0.1"] * 5
    proxy.TG_DATACENTER_PORT = int(dc_port)
    proxy.my_ip_info = {"ipv4": "127.0.0.1", "ipv6": None}
    proxy.config.TLS_DOMAIN = domain
    proxy.config.MASK = False
    proxy.config.SECURE_ONLY = False
    proxy.config.USE_MIDDLE_PROXY = False
    proxy.init_stats()
    server = await asyncio.start_server(proxy.handle_client_wrapper, "127.0.0.1", int(port))
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(serve())
