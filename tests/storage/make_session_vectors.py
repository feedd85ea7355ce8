#!/usr/bin/env python3
"""Writes session_vectors.json: string sessions of other libraries, made from their documented layouts.

make_session_vectors.py > session_vectors.json
"""

import base64
import ipaddress
import json
import struct

KEY = bytes((7 * i + 3) % 256 for i in range(256))


def case(kind, string, dc, **more):
    return {"kind": kind, "string": string, "dc_id": dc, "auth_key": KEY.hex(), **more}


def telethon(dc, address, port):
    packed = ipaddress.ip_address(address).packed
    data = struct.pack(f">B{len(packed)}sH256s", dc, packed, port, KEY)
    return case("telethon", "1" + base64.urlsafe_b64encode(data).decode(), dc,
                server_address=address, port=port)


def gramjs(dc, address, port):
    host = address.encode()
    data = struct.pack(f">BH{len(host)}sh256s", dc, len(host), host, port, KEY)
    return case("gramjs", "1" + base64.b64encode(data).decode(), dc, server_address=address, port=port)


def pyrogram(layout, dc, api_id, test, user, bot):
    values = [dc] + ([api_id] if "I?" in layout[:5] else []) + [test, KEY, user, bot]
    data = struct.pack(layout, *values)
    return case("pyrogram", base64.urlsafe_b64encode(data).decode().rstrip("="), dc,
                api_id=api_id if "I?" in layout[:5] else None, test_mode=test, user_id=user, is_bot=bot)


def tl_bytes(data):
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)


def mtcute_dc(dc, address, port, media=False, test=False):
    flags = (1 if ":" in address else 0) | (2 if media else 0) | (4 if test else 0)
    return tl_bytes(bytes([2, dc, flags]) + tl_bytes(address.encode()) + struct.pack("<i", port))


def mtcute(dc, address, port, test=False, user=None, bot=False, media=None):
    flags = (1 if user else 0) | (4 if media else 0)
    data = bytes([3]) + struct.pack("<i", flags) + mtcute_dc(dc, address, port, test=test)
    if media:
        data += mtcute_dc(dc, media, port, media=True, test=test)
    if user:
        data += struct.pack("<qI", user, 0x997275B5 if bot else 0xBC799737)
    data += tl_bytes(KEY)
    more = {"server_address": address, "port": port, "test_mode": test, "written": media is None}
    if user:
        more.update(user_id=user, is_bot=bot)
    return case("mtcute", base64.urlsafe_b64encode(data).decode().rstrip("="), dc, **more)


CASES = [
    telethon(1, "149.154.175.53", 443),
    telethon(5, "2001:b28:f23f:f005::a", 80),
    gramjs(2, "149.154.167.50", 443),
    gramjs(4, "dc4.example", 8443),
    pyrogram(">BI?256sQ?", 2, 12345, False, 5000801609, False),
    pyrogram(">BI?256sQ?", 4, 2**31 + 9, True, 777000123, True),
    pyrogram(">B?256sQ?", 3, None, True, 2**40 + 5, False),
    pyrogram(">B?256sI?", 1, None, False, 777000123, True),
    mtcute(2, "149.154.167.50", 443),
    mtcute(2, "149.154.167.40", 443, test=True, user=12345),
    mtcute(4, "2001:67c:4e8:f004::a", 443, user=7000000001, bot=True),
    mtcute(2, "149.154.167.50", 443, user=12345, media="149.154.167.222"),
]

print(json.dumps({"cases": CASES}, indent=1))
