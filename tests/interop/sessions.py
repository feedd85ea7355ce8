#!/usr/bin/env python3
"""sessions.py PROGRAM WORK: other libraries read the string sessions that `cafegram session export`
writes, and `cafegram session import` reads theirs. Prints a step for each; see sessions.sh."""

import asyncio
import base64
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
WORK = pathlib.Path(sys.argv[2])
VECTORS = pathlib.Path(__file__).parent.parent / "storage/session_vectors.json"


def cafegram(*arguments, given=""):
    run = subprocess.run([PROGRAM, "session", *map(str, arguments)], input=given, text=True,
                         capture_output=True, check=False, timeout=60)
    if run.returncode != 0:
        raise RuntimeError(f"session {arguments[0]}: {run.stderr.strip()}")
    return run.stdout


class Telethon:
    @staticmethod
    def read(text):
        from telethon.sessions import StringSession
        session = StringSession(text)
        return {"dc_id": session.dc_id, "server_address": session.server_address, "port": session.port,
                "auth_key": session.auth_key.key.hex()}

    @staticmethod
    def write(say):
        from telethon.crypto import AuthKey
        from telethon.sessions import StringSession
        session = StringSession()
        session.set_dc(say["dc_id"], say["server_address"], say["port"])
        session.auth_key = AuthKey(bytes.fromhex(say["auth_key"]))
        return session.save()


class Pyrogram:
    @staticmethod
    def read(text):
        async def read():
            from pyrogram.storage import MemoryStorage
            storage = MemoryStorage("x", text)
            await storage.open()
            return {"dc_id": await storage.dc_id(), "api_id": await storage.api_id(),
                    "test_mode": bool(await storage.test_mode()), "user_id": await storage.user_id(),
                    "is_bot": bool(await storage.is_bot()), "auth_key": (await storage.auth_key()).hex()}
        return asyncio.run(read())

    @staticmethod
    def write(say):
        from pyrogram.storage.storage import Storage
        packed = struct.pack(Storage.SESSION_STRING_FORMAT, say["dc_id"], say["api_id"], say["test_mode"],
                             bytes.fromhex(say["auth_key"]), say["user_id"], say["is_bot"])
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


class JavaScript:
    def __init__(self, library):
        self.library = library

    def run(self, direction, given):
        run = subprocess.run(["node", WORK / "session_strings.mjs", self.library, direction], input=given,
                             text=True, capture_output=True, check=False, timeout=60)
        if run.returncode != 0:
            raise RuntimeError(run.stderr.strip().splitlines()[0:3])
        return run.stdout.strip()

    def read(self, text):
        return json.loads(self.run("read", text))

    def write(self, say):
        return self.run("write", json.dumps(say))


LIBRARIES = {"telethon": Telethon, "pyrogram": Pyrogram, "gramjs": JavaScript("gramjs"),
             "mtcute": JavaScript("mtcute")}


def reads_ours(name, library, folder, wanted):
    cafegram("export", folder / "ours", "--to", name, "--api-id", wanted["api_id"], "--out", folder / name)
    found = library.read((folder / name).read_text(encoding="utf8"))
    wrong = {key: (value, wanted[key]) for key, value in found.items() if value != wanted[key]}
    if wrong:
        raise RuntimeError(f"it reads otherwise: {sorted(wrong)}")


def ours_reads(name, library, folder, wanted):
    place = folder / (name + ".session")
    cafegram("import", place, given=library.write(wanted))
    shown = cafegram("show", "--secrets", place)
    for part in (f"  {wanted['dc_id']} (home)", wanted["auth_key"]):
        if part not in shown:
            raise RuntimeError("show does not show what was in it")
    if name in ("pyrogram", "mtcute") and f"bot {wanted['user_id']}" not in shown:
        raise RuntimeError("show does not show who is logged in")


def step(name, work, *arguments):
    try:
        work(*arguments)
        print(f"{name}: ok", flush=True)
        return True
    except Exception as error:  # whatever a library throws is this step's failure
        print(f"{name}: fail {type(error).__name__} {error}", flush=True)
        return False


def main():
    good = True
    cases = json.loads(VECTORS.read_text(encoding="utf8"))["cases"]
    start = next(case for case in cases if case["kind"] == "mtcute" and case.get("test_mode"))
    wanted = {**start, "api_id": 12345, "is_bot": True}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        string = JavaScript("mtcute").write(wanted)
        cafegram("import", folder / "ours", "--from", "mtcute", given=string)
        for name, library in LIBRARIES.items():
            good &= step(f"{name} reads what we wrote", reads_ours, name, library, folder, wanted)
            good &= step(f"we read what {name} wrote", ours_reads, name, library, folder, wanted)
    return 0 if good else 1


sys.exit(main())
