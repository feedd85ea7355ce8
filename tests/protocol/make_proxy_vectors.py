#!/usr/bin/env python3
"""Writes proxy_vectors.json beside this file: ClientHellos of fake TLS and how they are signed, from
Python's struct, hmac and hashlib, and X25519 from its integers. Deterministic: a second run writes
the same file.
"""
import hashlib
import hmac
import json
import pathlib
import struct


def octets(label, size):
    return hashlib.shake_128(label.encode()).digest(size)


def sized(width, content):
    return len(content).to_bytes(width, "big") + content


def extension(kind, content):
    return struct.pack(">H", kind) + sized(2, content)


def hello(label, domain, session, ciphers, more=()):
    name = sized(2, b"\0" + sized(2, domain))
    body = b"\x03\x03" + bytes(32) + sized(1, octets(label + " session", session))
    body += sized(2, b"".join(struct.pack(">H", c) for c in ciphers)) + sized(1, b"\0")
    body += sized(2, b"".join([*more, extension(0, name), extension(0x2B, b"\x02\x03\x04")]))
    return b"\x16\x03\x01" + sized(2, b"\x01" + sized(3, body))


def sign(record, secret, when):
    digest = hmac.new(secret, record, hashlib.sha256).digest()
    last = struct.unpack("<I", digest[28:])[0] ^ when
    return record[:11] + digest[:28] + struct.pack("<I", last) + record[43:]


def case(label, domain, session=32, ciphers=(0x2A2A, 0x1302, 0x1301), when=1750000000, more=()):
    secret = octets(label + " secret", 16)
    plain = hello(label, domain, session, ciphers, more)
    return {
        "name": label,
        "secret": secret.hex(),
        "domain": domain.decode(),
        "session_id": octets(label + " session", session).hex(),
        "cipher": next(c for c in ciphers if c >> 8 == 0x13),
        "time": when,
        "hello": plain.hex(),
        "signed": sign(plain, secret, when).hex(),
    }


def x25519_public(private):
    """The Montgomery ladder of RFC 7748 section 5, for the base point 9."""
    prime = 2**255 - 19
    scalar = int.from_bytes(private, "little") & (2**254 - 8) | 2**254
    x2, z2, x3, z3 = 1, 0, 9, 1
    for bit in range(254, -1, -1):
        if scalar >> bit & 1:
            x2, x3, z2, z3 = x3, x2, z3, z2
        aa, bb = (x2 + z2) ** 2, (x2 - z2) ** 2
        da, cb = (x3 - z3) * (x2 + z2), (x3 + z3) * (x2 - z2)
        x3, z3 = (da + cb) ** 2 % prime, 9 * (da - cb) ** 2 % prime
        x2, z2 = aa * bb % prime, (aa - bb) * (aa + 121665 * (aa - bb)) % prime
        if scalar >> bit & 1:
            x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, prime - 2, prime) % prime).to_bytes(32, "little")


def key(label):
    private = octets(label, 32)
    return {"private": private.hex(), "public": x25519_public(private).hex()}


CASES = [
    case("plain", b"example.org"),
    case("long domain", b"a" * 182),
    case("no session", b"t.example", session=0),
    case("other extensions first", b"example.net", more=[extension(0x10, b"\0\x03\x02h2")] * 3),
    case("after 2038", b"example.com", when=0x80000000 + 12345),
]
KEYS = [key(f"key {n}") for n in range(8)]
path = pathlib.Path(__file__).with_name("proxy_vectors.json")
path.write_text(json.dumps({"cases": CASES, "x25519": KEYS}, indent=1) + "\n", encoding="utf-8")
