"""Telethon as a person, in groups and channels with our own bot: writes to it and gets its answers.

INTEROP_PAGE: the sandbox's page. INTEROP_ROOM_BOT: the username of a bot that repeats what it gets.
"""

import asyncio
import json
import os
import time
import urllib.request

from telethon import events, functions, types
from telethon.sessions import StringSession
from telethon_client import DC, HOST, PORT, equal, make_client, run, step

PAGE = os.environ["INTEROP_PAGE"].rstrip("/")
BOT_NAME = os.environ["INTEROP_ROOM_BOT"]
# Another one each time: a number that has an account already is not asked to sign up.
PHONE = f"49152{int(time.time() * 1000) % 10**8:08}"


def state():
    with urllib.request.urlopen(f"{PAGE}/api/state") as answer:
        return json.load(answer)


def shown_code():
    return [code["code"] for code in state()["codes"] if code["phone"] == PHONE][-1]


class Steps:
    def __init__(self):
        session = StringSession("")
        session.set_dc(DC, HOST, PORT)
        self.client = make_client(session)
        self.inbox = asyncio.Queue()
        self.bot = None

    # Takes messages until one fits.
    async def heard(self, text):
        while True:
            message = await self.inbox.get()
            if message.raw_text == text:
                return message

    async def bot_is_there(self):
        while not any(u["username"] == BOT_NAME and u["online"] for u in state()["users"]):
            await asyncio.sleep(0.1)

    async def person_login(self):
        await self.client.start(phone=PHONE, code_callback=shown_code, first_name="Interop")
        self.client.add_event_handler(self.inbox.put, events.NewMessage(incoming=True))
        equal((await self.client.get_me()).first_name, "Interop", "first name")

    async def resolve_bot(self):
        self.bot = await self.client.get_input_entity(BOT_NAME)

    async def group_answer(self):
        made = await self.client(functions.messages.CreateChatRequest([self.bot], "A group"))
        await self.client.send_message(made.chats[0], "/hello from a group")
        answer = await self.heard("Echo: /hello from a group")
        equal(answer.chat_id, -made.chats[0].id, "chat")

    async def supergroup_answer(self):
        made = await self.client(
            functions.channels.CreateChannelRequest("A supergroup", "of Telethon", megagroup=True))
        room = made.chats[0]
        await self.client(functions.channels.InviteToChannelRequest(room, [self.bot]))
        await self.client.send_message(room, f"@{BOT_NAME}, and from here?")
        answer = await self.heard(f"Echo: @{BOT_NAME}, and from here?")
        equal(answer.message.peer_id.channel_id, room.id, "chat")

    async def channel_answer(self):
        made = await self.client(
            functions.channels.CreateChannelRequest("A channel", "of Telethon", broadcast=True))
        channel = made.chats[0]
        await self.client(functions.channels.EditAdminRequest(
            channel, self.bot, types.ChatAdminRights(post_messages=True), rank=""))
        await self.client.send_message(channel, "a post")
        answer = await self.heard("Echo: a post")
        equal(answer.message.peer_id.channel_id, channel.id, "chat")
        equal(answer.message.post, True, "post")


async def main():
    steps = Steps()
    for name in ("bot_is_there", "person_login", "resolve_bot", "group_answer",
                 "supergroup_answer", "channel_answer"):
        await step(name, getattr(steps, name))
    await steps.client.disconnect()


run(main)
