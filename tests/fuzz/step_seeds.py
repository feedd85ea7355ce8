#!/usr/bin/env python3
"""step_seeds.py FOLDER: seeds for the fuzzers of both sessions, one for each service message.

A talk in which nothing goes wrong holds few of them. The formats stand in client_session.cpp,
server_session.cpp and messages.hpp.
"""
import hashlib
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
IDS = {name: struct.pack("<I", int(value, 16)) for name, value in re.findall(
    r"uint32_t (\w+) = (0x[0-9a-f]{8});", (ROOT / "protocol" / "service.hpp").read_text())}
VECTOR, TRUE = struct.pack("<I", 0x1CB5C415), struct.pack("<I", 0x997275B5)
STATES = (1, 2, 3, 4, 7, 4 | 32, 4 | 64, 4 | 32 | 64)
SOMEBODY = bytes(8)  # a message id, to be replaced by one that is known


def string(text):
    data = bytes([len(text)]) + text
    return data + bytes(-len(data) % 4)


def body(data, *references):
    """As read_body takes it; a reference is (word, index among the last ids)."""
    out = bytes([len(references)]) + b"".join(bytes(one) for one in references)
    return out + struct.pack("<H", len(data)) + data


def listing(name, count=1):
    return IDS[name] + VECTOR + struct.pack("<I", count) + SOMEBODY * count


def rpc_error(code, text):
    return IDS["rpc_error"] + struct.pack("<i", code) + string(text)


# -- steps of the client's fuzzer --------------------------------------------------------------

def submit(how=0):
    return bytes([0, how, 2]) if not how & 16 else bytes([0, how, 1, 2])


def send(data, *references, how=3):
    return b"\x02" + body(data, *references) + bytes([how])


def answer(index, data, packed=False):
    return bytes([5 | (16 if packed else 0), index]) + body(data)


def refuse(index, code, salt=False):
    return bytes([6 | (16 if salt else 0), index, code]) + (b"salt1234" if salt else b"")


def wait(seconds):
    return b"\x07" + struct.pack("<H", min(int(seconds * 1000 / 16), 0xFFFF))


RECONNECT, DESTROY = b"\x08", b"\x0c"


def client_services(index):
    yield submit(1) + send(listing("msgs_ack"), (3, index))
    salts = SOMEBODY + struct.pack("<iiiiq", 0, 1, 1_750_000_000, 1_750_003_600, 7)
    yield send(IDS["future_salts"] + salts, (1, index)) + submit() + wait(600) + submit()
    yield submit(1) + send(IDS["pong"] + SOMEBODY + bytes(8), (1, index))
    for state in STATES:
        told = IDS["msgs_state_info"] + SOMEBODY + string(bytes([state]))
        for how in (0, 1):
            lost = submit(how) + RECONNECT + send(told, (1, index))
            yield lost
            yield lost + (wait(6) + send(told, (1, index))) * 8
            yield submit(how) + RECONNECT + send(
                listing("msgs_all_info") + string(bytes([state])), (3, index)) + wait(20)
    for name in ("msg_resend_req", "msgs_state_req"):
        yield submit(1) + send(listing(name, 2), (3, index), (5, 9)) + refuse(index, 20)
    detailed = IDS["msg_detailed_info"] + SOMEBODY + struct.pack("<qii", 5, 100, 0)
    yield submit(1) + send(detailed, (1, index)) + refuse(index, 32) + refuse(index, 48, True)
    yield send(IDS["msg_new_detailed_info"] + struct.pack("<qii", 5, 100, 0)) + refuse(index, 16)


def client_refusals(index):
    for code in (16, 17, 18, 19, 20, 32, 33, 34, 35, 48, 64):
        yield submit(1) + refuse(index, code, code == 48) * 3
        yield submit() + submit() + refuse(index, code, code == 48) + RECONNECT
        yield DESTROY + refuse(index, code)
    old = IDS["bad_server_salt"] + SOMEBODY + struct.pack("<iiq", 0, 48, 9)
    yield submit(1) + send(old, (1, index), how=6 << 2 | 1)
    for name in ("ok", "none", "fail"):
        yield DESTROY + send(IDS[f"destroy_auth_key_{name}"]) + answer(index, IDS["rpc_error"])
    yield send(IDS["destroy_session_ok"] + bytes(8)) + send(rpc_error(400, b"X"))


def client_answers(index):
    for code, text in ((400, b"CONNECTION_NOT_INITED"), (401, b"AUTH_KEY_PERM_EMPTY"),
                       (400, b"MSG_WAIT_FAILED"), (420, b"FLOOD_WAIT_5")):
        yield submit() + submit(16) + answer(index, rpc_error(code, text)) * 7
    yield submit() + answer(index, rpc_error(1, b"X")[:6])
    yield submit() + answer(index, IDS["gzip_packed"] + string(b"no gzip"))
    yield submit() + answer(index, TRUE * 400, packed=True)
    yield answer(index, TRUE) + submit() + answer(index, TRUE) + RECONNECT
    fresh = IDS["new_session_created"] + SOMEBODY + struct.pack("<qq", 3, 4)
    yield submit() + submit(1) + send(fresh, (1, index)) + wait(70) * 3


def client_seeds():
    for setup in (8 | 4, 16, 16 | 32):
        for index in range(2):
            for make in (client_services, client_refusals, client_answers):
                for steps in make(index):
                    yield bytes([setup]) + steps


# -- steps of the server's fuzzer --------------------------------------------------------------

def say(data, *references, how=8, more=0):
    return bytes([more]) + body(data, *references) + bytes([how])


def server_seeds():
    call = say(b"\x11\x22\x33\x44call")
    reply = b"\x04\x00" + struct.pack("<H", 8) + b"answered"
    for index in range(6):
        for before in (call, call + reply, call + call + reply + b"\x08", reply):
            for quiet in (0, 16):
                for name in ("msgs_state_req", "msg_resend_req", "msgs_ack", "msg_resend_ans_req"):
                    if name in IDS:
                        yield b"\x00" + before + say(listing(name, 2), (3, index), (5, 9), how=8,
                                                     more=quiet) + b"\x0f"
                dropped = IDS["rpc_drop_answer"] + SOMEBODY
                yield b"\x00" + before + say(dropped, (1, index), more=quiet) + b"\x0f"
    for count in (0, 1, 100):
        question = IDS["get_future_salts"] + struct.pack("<i", count)
        yield b"\x00" + say(question) + b"\x09" + say(question) + call
    for name in ("ping", "destroy_session", "destroy_auth_key", "http_wait"):
        yield b"\x00" + say(IDS[name] + bytes(8)) * 2
    yield b"\x00" + say(IDS["ping_delay_disconnect"] + struct.pack("<qi", 1, 75))


def main():
    for name, seeds in (("client_session", client_seeds()), ("server_session", server_seeds())):
        folder = pathlib.Path(sys.argv[1]) / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            (folder / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)


main()
