"""Telethon against a server, the same steps as the other clients.

INTEROP_TRANSPORT: full (default), abridged, intermediate, obfuscated.
"""

import asyncio
import logging
import os
import sys

from telethon import TelegramClient, errors, events, functions
from telethon.crypto import rsa
from telethon.network import connection
from telethon.sessions import StringSession

HOST = os.environ.get("INTEROP_HOST", "127.0.0.1")
PORT = int(os.environ["INTEROP_PORT"])
DC = int(os.environ.get("INTEROP_DC", "2"))
TOKEN = os.environ.get("INTEROP_TOKEN", "7000001:interop-token-of-a-sandbox-bot-00000")
PEER = os.environ.get("INTEROP_PEER", "alice")
BOT_ID = int(TOKEN.split(":")[0])
TRANSPORT = {
    "full": connection.ConnectionTcpFull,
    "abridged": connection.ConnectionTcpAbridged,
    "intermediate": connection.ConnectionTcpIntermediate,
    "obfuscated": connection.ConnectionTcpObfuscated,
}[os.environ.get("INTEROP_TRANSPORT") or "full"]

failures = []


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what} is {found!r}, not {wanted!r}")


async def step(name, work):
    try:
        detail = await asyncio.wait_for(work(), 20)
        print(f"{name}: ok {detail or ''}".rstrip(), flush=True)
    except Exception as error:  # whatever the library throws is the step's failure
        failures.append(name)
        text = " ".join(str(error).split())
        print(f"{name}: fail {type(error).__name__}: {text}", flush=True)


def make_client(session):
    return TelegramClient(
        session, 1, "0" * 32, connection=TRANSPORT, connection_retries=2, request_retries=2,
        retry_delay=1, device_model="interop", system_version="1", app_version="1")


class Steps:
    def __init__(self):
        session = StringSession("")
        session.set_dc(DC, HOST, PORT)
        self.client = make_client(session)
        self.inbox = asyncio.Queue()
        self.peer = self.sent = None

    async def connect(self):
        await self.client.connect()

    async def get_config(self):
        config = await self.client(functions.help.GetConfigRequest())
        equal(config.this_dc, DC, "this_dc")

    async def bot_login(self):
        await self.client.sign_in(bot_token=TOKEN)
        equal(await self.client.is_user_authorized(), True, "authorized")
        self.client.add_event_handler(self.inbox.put, events.NewMessage(incoming=True))

    async def get_me(self):
        me = await self.client.get_me()
        equal((me.id, me.bot), (BOT_ID, True), "self")

    async def resolve_peer(self):
        self.peer = await self.client.get_input_entity(PEER)
        equal(type(self.peer).__name__, "InputPeerUser", "kind of peer")

    async def send_message(self):
        self.sent = await self.client.send_message(self.peer, "plain and **bold**", parse_mode="md")
        equal(self.sent.message, "plain and bold", "text")
        entities = [(type(e).__name__, e.offset, e.length) for e in self.sent.entities or []]
        equal(entities, [("MessageEntityBold", 10, 4)], "entities")

    async def receive_update(self):
        answer = await self.inbox.get()
        return f"from {answer.sender_id}: {len(answer.raw_text)} characters"

    async def edit_message(self):
        edited = await self.client.edit_message(self.peer, self.sent.id, "changed")
        equal(edited.message, "changed", "text")

    async def error_reply(self):
        try:
            await self.client(functions.contacts.ResolveUsernameRequest("nobody_has_this_name"))
        except errors.RPCError as error:
            equal(error.code, 400, "code")
            return type(error).__name__
        raise AssertionError("an unknown name was resolved")

    async def resume_session(self):
        saved = self.client.session.save()
        await self.client.disconnect()
        again = make_client(StringSession(saved))
        await again.connect()
        me = await again.get_me()
        equal(me.id, BOT_ID, "id")
        await again.disconnect()


async def main():
    steps = Steps()
    for name in ("connect", "get_config", "bot_login", "get_me", "resolve_peer", "send_message",
                 "receive_update", "edit_message", "error_reply", "resume_session"):
        await step(name, getattr(steps, name))


def run(work):
    """Knows our server's key only. Ends the process with 1 where a step failed."""
    rsa._server_keys.clear()
    with open(os.environ["INTEROP_KEY"], encoding="ascii") as pem:
        rsa.add_key(pem.read(), old=False)
    if os.environ.get("INTEROP_LOG"):
        logging.basicConfig(level=logging.DEBUG)
    asyncio.run(work())
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    run(main)
