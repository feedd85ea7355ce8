#!/usr/bin/env python3
"""Writes vectors.json beside this file: test vectors for crypto/ from Python's hashlib, integers and
the block cipher of the package "cryptography". Deterministic: a second run writes the same file.
"""
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization


class Stream:
    """Octets from a label: SHA-256 in counter mode."""

    def __init__(self, label):
        self.label, self.counter, self.buffer = label.encode(), 0, b""

    def __call__(self, size):
        while len(self.buffer) < size:
            self.buffer += hashlib.sha256(self.label + self.counter.to_bytes(8, "big")).digest()
            self.counter += 1
        out, self.buffer = self.buffer[:size], self.buffer[size:]
        return out

    def number(self, low, high):
        return low + int.from_bytes(self(32), "big") % (high - low)


def sha1(data):
    return hashlib.sha1(data).digest()


def sha256(data):
    return hashlib.sha256(data).digest()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def ige(key, iv, data, encrypt):
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    work = cipher.encryptor() if encrypt else cipher.decryptor()
    before_in, before_out = (iv[16:], iv[:16]) if encrypt else (iv[:16], iv[16:])
    out = b""
    for i in range(0, len(data), 16):
        block = data[i : i + 16]
        result = xor(work.update(xor(block, before_out)), before_in)
        before_in, before_out = block, result
        out += result
    return out


def is_prime(n, rounds=40):
    if n < 2 or any(n % p == 0 and n != p for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)):
        return False
    d, twos = n - 1, 0
    while d % 2 == 0:
        d, twos = d // 2, twos + 1
    stream = Stream(f"witness {n}")
    for _ in range(rounds):
        x = pow(stream.number(2, max(n - 1, 3)), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(stream, bits, top_bits=2):
    while True:
        n = int.from_bytes(stream((bits + 7) // 8), "big") % (1 << bits)
        n |= 1 | ((1 << top_bits) - 1) << (bits - top_bits)
        if is_prime(n):
            return n


def aes_ige():
    stream, cases = Stream("ige"), []
    for blocks in (1, 2, 3, 5, 63, 64, 65, 128, 129, 200):
        key, iv, plain = stream(32), stream(32), stream(16 * blocks)
        crypt = ige(key, iv, plain, True)
        assert ige(key, iv, crypt, False) == plain
        cases.append(dict(key=key.hex(), iv=iv.hex(), plaintext=plain.hex(), ciphertext=crypt.hex()))
    return dict(cases=cases)


def aes_ctr():
    stream, cases = Stream("ctr"), []
    for size in (1, 15, 16, 17, 100, 1000):
        key, iv, plain = stream(32), stream(16), stream(size)
        if size == 100:
            iv = b"\xff" * 15 + b"\xfe"  # the counter runs over all its octets
        crypt = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(plain)
        cases.append(dict(key=key.hex(), iv=iv.hex(), plaintext=plain.hex(), ciphertext=crypt.hex()))
    return dict(cases=cases)


def keys_v2(auth_key, msg_key, x):
    a = sha256(msg_key + auth_key[x : x + 36])
    b = sha256(auth_key[40 + x : 76 + x] + msg_key)
    return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]


def keys_v1(auth_key, msg_key, x):
    a = sha1(msg_key + auth_key[x : x + 32])
    b = sha1(auth_key[32 + x : 48 + x] + msg_key + auth_key[48 + x : 64 + x])
    c = sha1(auth_key[64 + x : 96 + x] + msg_key)
    d = sha1(msg_key + auth_key[96 + x : 128 + x])
    return a[:8] + b[8:20] + c[4:16], a[8:20] + b[:8] + c[16:20] + d[:8]


def hash_kdf():
    stream = Stream("kdf")
    out = dict(msg_kdf_v2=[], msg_kdf_v1=[], tmp_key_from_nonces=[], auth_key=[], pbkdf2_sha512=[], msg_key_v1=[])
    for x in (0, 8, 0, 8):
        for name, derive in (("msg_kdf_v2", keys_v2), ("msg_kdf_v1", keys_v1)):
            auth_key, msg_key = stream(256), stream(16)
            key, iv = derive(auth_key, msg_key, x)
            out[name].append(
                dict(auth_key=auth_key.hex(), msg_key=msg_key.hex(), x=x, aes_key=key.hex(), aes_iv=iv.hex())
            )
    for _ in range(3):
        server, new = stream(16), stream(32)
        a, b, c = sha1(new + server), sha1(server + new), sha1(new + new)
        out["tmp_key_from_nonces"].append(
            dict(
                server_nonce=server.hex(),
                new_nonce=new.hex(),
                key=(a + b[:12]).hex(),
                iv=(b[12:] + c + new[:4]).hex(),
            )
        )
        key = stream(256)
        digest = sha1(key)
        case = dict(auth_key=key.hex(), id=digest[12:].hex(), aux_hash=digest[:8].hex(), new_nonce=new.hex())
        for number in (1, 2, 3):
            case[f"new_nonce_hash{number}"] = sha1(new + bytes([number]) + digest[:8])[4:].hex()
        out["auth_key"].append(case)
        data = stream(50)
        out["msg_key_v1"].append(dict(data=data.hex(), msg_key=sha1(data)[4:].hex()))
    for password, iterations in ((b"", 1), (b"secret", 1000)):
        salt = stream(20)
        out["pbkdf2_sha512"].append(
            dict(
                password=password.hex(),
                salt=salt.hex(),
                iterations=iterations,
                dklen=64,
                out=hashlib.pbkdf2_hmac("sha512", password, salt, iterations).hex(),
            )
        )
    return out


def message_crypto():
    stream, cases = Stream("messages"), []
    for size, padding in ((32, 16), (36, 12), (1024, 1024), (48, 32)):
        for x in (0, 8):
            key, plain, pad = stream(256), stream(size), stream(padding)
            large = sha256(key[88 + x : 120 + x] + plain + pad)
            aes_key, aes_iv = keys_v2(key, large[8:24], x)
            packet = sha1(key)[12:] + large[8:24] + ige(aes_key, aes_iv, plain + pad, True)
            cases.append(
                dict(
                    x=x,
                    auth_key=key.hex(),
                    plaintext=plain.hex(),
                    padding=pad.hex(),
                    packet=packet.hex(),
                    quick_ack_token=int.from_bytes(large[:4], "little") | 0x80000000,
                )
            )
    return dict(cases=cases)


def pq():
    stream, cases = Stream("pq"), []
    for bits in [5, 8, 16, 24] + [31] * 24 + [32] * 4:
        p = q = prime(stream, bits)
        while p == q:
            q = prime(stream, bits)
        cases.append(dict(pq=str(p * q), p=str(min(p, q)), q=str(max(p, q))))
    return dict(cases=cases)


def fingerprint(n, e):
    def tl(number):
        data = number.to_bytes((number.bit_length() + 7) // 8, "big")
        head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
        return head + data + b"\0" * (-len(head + data) % 4)

    return sha1(tl(n) + tl(e))[12:][::-1].hex()


def rsa_vectors():
    stream, e = Stream("rsa"), 65537
    p, q = prime(stream, 1024), prime(stream, 1024)
    n, d = p * q, pow(e, -1, (p - 1) * (q - 1))
    private = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, n)
    ).private_key()
    pem = serialization.Encoding.PEM
    out = dict(
        n=f"{n:0512x}",
        e=e,
        d=f"{d:0512x}",
        fingerprint_hex=fingerprint(n, e),
        secret_pkcs1=private.private_bytes(
            pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode(),
        secret_pkcs8=private.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        secret_locked=private.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"lock")
        ).decode(),
        pkcs1=private.public_key().public_bytes(pem, serialization.PublicFormat.PKCS1).decode(),
        spki=private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
        rsa_pad=[],
        rsa_old=[],
    )
    while len(out["rsa_pad"]) < 4 or not any(c["retries"] for c in out["rsa_pad"]):
        data = stream(1 + len(out["rsa_pad"]) * 24)[:144]
        padding, random, retries = stream(192 - len(data)), b"", -1
        while True:
            temp_key, retries = stream(32), retries + 1
            random += temp_key
            padded = data + padding
            crypt = ige(temp_key, bytes(32), padded[::-1] + sha256(temp_key + padded), True)
            block = int.from_bytes(xor(temp_key, sha256(crypt)) + crypt, "big")
            if block < n:
                break
        out["rsa_pad"].append(
            dict(
                data=data.hex(),
                random_padding=padding.hex(),
                temp_key=random.hex(),
                retries=retries,
                encrypted=f"{pow(block, e, n):0512x}",
            )
        )
    for size in (1, 96, 235):
        data = stream(size)
        padding = stream(235 - size)
        block = int.from_bytes(sha1(data) + data + padding, "big")
        out["rsa_old"].append(
            dict(data=data.hex(), random_padding=padding.hex(), encrypted=f"{pow(block, e, n):0512x}")
        )
    return out


# RFC 3526, group 14: 2^2048 - 2^1984 - 1 + 2^64 * (floor(2^1918 pi) + 124476), a safe prime.
def rfc3526():
    bits = 2200
    one = 1 << bits

    def arctan_inverse(x):
        total, power, k, sign = 0, one // x, 1, 1
        while power:
            total += sign * (power // k)
            power //= x * x
            k, sign = k + 2, -sign
        return total

    pi = 4 * (4 * arctan_inverse(5) - arctan_inverse(239))
    return 2**2048 - 2**1984 - 1 + 2**64 * ((pi >> (bits - 1918)) + 124476)


def dh():
    stream, p = Stream("dh"), rfc3526()
    assert p.bit_length() == 2048
    b, g = int.from_bytes(stream(256), "big"), 2
    other = pow(g, int.from_bytes(stream(256), "big"), p)
    composite = p + 2 ** 64 * 24  # same residues modulo 24
    while is_prime(composite, 2):
        composite += 2 ** 64 * 24
    lone = prime(stream, 2048, 1)  # a prime whose half is none
    while is_prime(lone // 2, 2) or lone % 8 != 7:
        lone = prime(stream, 2048, 1)
    return dict(
        rfc3526=f"{p:0512x}",
        g=g,
        exponent=f"{b:0512x}",
        public=f"{pow(g, b, p):0512x}",
        other=f"{other:0512x}",
        shared=f"{pow(other, b, p):0512x}",
        composite=f"{composite:0512x}",
        prime_but_not_safe=f"{lone:0512x}",
    )


def srp():
    stream, p, cases = Stream("srp"), rfc3526(), []
    pad = lambda number: number.to_bytes(256, "big")
    for password in (b"", b"secret", "пароль".encode()):
        salt1, salt2, g = stream(40), stream(16), 2
        inner = sha256(salt2 + sha256(salt1 + password + salt1) + salt2)
        slow = hashlib.pbkdf2_hmac("sha512", inner, salt1, 100000)
        x = int.from_bytes(sha256(salt2 + slow + salt2), "big")
        v, k = pow(g, x, p), int.from_bytes(sha256(pad(p) + pad(g)), "big")
        a, b = int.from_bytes(stream(256), "big"), int.from_bytes(stream(256), "big")
        A, B = pow(g, a, p), (k * v + pow(g, b, p)) % p
        u = int.from_bytes(sha256(pad(A) + pad(B)), "big")
        s = pow((B - k * v) % p, a + u * x, p)
        assert s == pow(A * pow(v, u, p), b, p)
        m1 = sha256(
            xor(sha256(pad(p)), sha256(pad(g)))
            + sha256(salt1) + sha256(salt2) + pad(A) + pad(B) + sha256(pad(s))
        )
        cases.append(
            dict(
                password=password.hex(), salt1=salt1.hex(), salt2=salt2.hex(), g=g, p=pad(p).hex(),
                srp_B=pad(B).hex(), a=pad(a).hex(), A=pad(A).hex(), M1=m1.hex(), v=pad(v).hex(),
            )
        )
    return dict(cases=cases)


def main():
    out = dict(
        note="Written by make_vectors.py; do not edit.",
        aes_ige=aes_ige(),
        aes_ctr=aes_ctr(),
        hash_kdf=hash_kdf(),
        message_crypto=message_crypto(),
        pq=pq(),
        rsa=rsa_vectors(),
        dh=dh(),
        srp=srp(),
    )
    path = pathlib.Path(__file__).with_name("vectors.json")
    path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
