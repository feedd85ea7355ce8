#!/usr/bin/env python3
"""supervise.py: lets people write to bots through a sandbox's page, and kills the bots' process all the time.

A step of tests/durability/run.sh, which see. Each kill is one of a plan that comes from the seed: at a random
moment, at a point where the process kills itself (`durability_bot --die-at`), or at the point `send`: the
sandbox's log says that a send has been carried out and its answer is held back. After each the process is started
again, and the kill is written down as a message at the sandbox: `killed N POINT`. When the time is over people
write in each channel while no bot runs, and the next process dies behind the first thing that it writes. Then the bots
have as long as they go on answering; then they are started once more, to bring again what they still have, and
are stopped.
"""
import argparse
import collections
import http.client
import json
import math
import random
import signal
import subprocess
import sys
import threading
import time

OWN_POINTS = ("arrival", "commit", "delivery", "answer", "finish")
POINTS = (*OWN_POINTS, "send")
BOTS = 4
FIRST_BOT = 2_000_000
FIRST_CHANNEL = -1_000_000_000_000  # marked ids: channels and supergroups are below
PEOPLE = 50  # who share the rooms of one bot
TICK = 0.01
LONGEST_START = 60
LONGEST_WAIT = 6  # for a point to come by; then it is killed at random, and the point stays in the plan
LONGEST_STOP = 60
LONGEST_END = 600
LAST_LIFE = 5
GREETINGS = 10
PATIENCE = 5
MOST_OPEN = 20_000  # who writes waits for the bots
SAME_SECOND = 1.1  # what was written in the second in which a difference ends the next one names again
FEW_OPEN = 50  # what is open before the last kill comes with one part of a difference
MOST_IN_A_ROW = 4  # messages in one chat
KILLED = -signal.SIGKILL
# The answer is held back for so long at least, so that the kill comes before it; and for so long still.
LONG_HELD_MS = 700
STILL_HELD_MS = 100
STRAY_MS = 200  # what a process has sent may be read when it is dead


class Page:
    """The sandbox's page, as a program uses it. One thread each."""

    def __init__(self, url):
        self.where = url.removeprefix("http://").strip("/")
        self.line = None

    def post(self, path, **body):
        """The server closes a line after a while: then on a new one. What was sent on the old one may have been
        taken, so nothing here may be wrong when it happens twice."""
        for _ in range(20):
            try:
                self.line = self.line or http.client.HTTPConnection(self.where, timeout=30)
                self.line.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
                answer = self.line.getresponse()
                content = answer.read()
                if answer.status < 300:
                    return json.loads(content)
                if answer.status < 500:
                    raise SystemExit(f"{path}: {answer.status} {content.decode()}")
            except (OSError, http.client.HTTPException):
                pass
            self.line.close()
            self.line = None
            time.sleep(0.05)
        raise SystemExit(f"{path}: the sandbox does not answer")


class Log:
    """Follows the sandbox's log: which messages are not answered, which answers to sends are held back."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.rest = b""
        self.open = set()
        self.welcome = set()  # numbers of chats
        self.held = {}  # connection: a late answer is to come, of the next call
        self.until = {}  # connection: when the answer to a send that it holds back will go, in ms of Unix time
        self.life = 0  # since when the process runs

    def read(self):
        lines = (self.rest + self.file.read()).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            if b'"event":"message"' in line:
                self.take_message(json.loads(line))
            elif b'"late-answer"' in line and b'"event":"fault"' in line:
                fault = json.loads(line)
                self.held[fault["connection"]] = fault["value"]
            elif self.held and b'"event":"call"' in line:
                self.take_call(json.loads(line))
            elif self.until and b'"event":"close"' in line:  # the next one tells what it has held back
                self.until.pop(json.loads(line)["connection"], None)

    def take_message(self, line):
        text = line.get("text", "")
        if text.startswith("ask "):
            self.open.add(line["number"])
        elif text.startswith("welcome "):
            self.welcome.add(int(text.removeprefix("welcome ")))
        else:
            self.open.discard(line.get("reply_to"))

    def take_call(self, line):
        held = self.held.pop(line["connection"], 0)
        sent = line["method"] == "messages.sendMessage" and line["executed"] and not line["error"]
        if sent and held >= LONG_HELD_MS and line["at"] > self.life + STRAY_MS:
            self.until[line["connection"]] = line["at"] + held

    def new_life(self):
        self.life = time.time() * 1000
        self.until = {}

    def holds_an_answer(self):
        return max(self.until.values(), default=0) - STILL_HELD_MS > time.time() * 1000


class Load(threading.Thread):
    """People who write, so many messages in all within the time."""

    def __init__(self, page, chats, messages, length, seed, log):
        super().__init__(daemon=True)
        self.page, self.chats, self.messages, self.length, self.log = page, chats, messages, length, log
        self.choice = random.Random(f"load {seed}")
        self.written = 0
        self.over = False  # nothing more is wanted
        self.failure = None
        self.began = time.monotonic()

    def run(self):
        try:
            self.write()
        except BaseException as why:  # told by who waits for it
            self.failure = why

    def write(self):
        # Each chat once, then any.
        first = list(self.chats)
        self.choice.shuffle(first)
        while (done := (time.monotonic() - self.began) / self.length) < 1 or self.written < self.messages:
            if self.over:
                return
            if self.written >= self.messages * min(1.0, done) or len(self.log.open) > MOST_OPEN:
                time.sleep(TICK)
                continue
            chat = first.pop() if first else self.choice.choice(self.chats)
            for _ in range(self.choice.randint(1, MOST_IN_A_ROW)):
                self.ask(self.page, chat)

    def ask(self, page, chat):
        self.written += 1
        page.post("/api/send", **{"as": chat["writer"], "to": chat["chat"], "text": f"ask {self.written}"})


class Bots:
    """The process of the bots."""

    def __init__(self, arguments):
        self.command = [arguments.driver, arguments.server, "--key", arguments.key, "--session", arguments.session,
                        "--bots", str(BOTS)]
        self.out = arguments.work + "/bots.out"
        self.err = open(arguments.work + "/bots.err", "ab")
        self.process = None

    def start(self, *options):
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen([*self.command, *options], stdout=out, stderr=self.err)

    def ready(self):
        with open(self.out, encoding="utf8") as out:
            return "ready" in out.read()

    def ended(self):
        return self.process.poll() is not None

    def kill(self):
        self.process.kill()
        return self.process.wait(LONGEST_STOP)

    def stop(self):
        """The exit status; `kill -9` where it does not stop by itself."""
        self.process.terminate()
        try:
            return self.process.wait(LONGEST_STOP)
        except subprocess.TimeoutExpired:
            return self.kill()


class Supervisor:
    def __init__(self, arguments):
        self.arguments = arguments
        self.choice = random.Random(f"kills {arguments.seed}")
        self.page = Page(arguments.page)
        self.log = Log(arguments.log)
        self.bots = Bots(arguments)
        self.kills = collections.Counter()
        self.bad_ends = []
        self.plan = self.make_plan()
        self.until = 0.0
        self.people = []
        self.load = None

    def make_plan(self):
        """More than have to be: a point may not come by, or not before the time is over."""
        each = math.ceil(1.4 * self.arguments.each_point)
        placed = list(POINTS) * each
        randoms = max(math.ceil(1.25 * self.arguments.kills) - len(placed), each)
        plan = placed + ["random"] * randoms
        self.choice.shuffle(plan)
        return plan

    def watch(self, seconds, over):
        """Follows the log until `over()`; False when the time has passed."""
        end = time.monotonic() + seconds
        while not over():
            if time.monotonic() >= end:
                return False
            self.log.read()
            time.sleep(TICK)
        return True

    def open(self):
        """The bots' first start, and the chats that they are in."""
        if not self.start_ready():
            return step("login", False, "the bots did not start")
        chats = []
        for bot in range(FIRST_BOT, FIRST_BOT + BOTS):
            chats += self.page.post("/api/load", bot=bot, chats=self.arguments.chats // BOTS, people=PEOPLE)["chats"]
        if not self.greet(chats):
            return step("login", False, f"{len(self.log.welcome)} of {len(chats)} chats are known")
        self.people = [self.page.post("/api/users", name=name, username="")["id"] for name in ("Supervisor", "Notes")]
        length = self.arguments.minutes * 60
        self.load = Load(Page(self.arguments.page), chats, math.ceil(1.05 * self.arguments.messages), length,
                         self.arguments.seed, self.log)
        self.until = time.monotonic() + length
        self.load.start()
        return step("login", True, f"{BOTS} bots in {len(chats)} chats")

    def start_ready(self):
        """For a life that is not to end at once: with all bots logged in."""
        self.bots.start()
        return self.watch(LONGEST_START, lambda: self.bots.ready() or self.bots.ended()) and not self.bots.ended()

    def greet(self, chats):
        """Nobody knows where a channel stands that was never seen: it begins with the first update that comes, and
        what went astray before that is its history. So people say hello until they are welcome."""
        for _ in range(GREETINGS):
            for number, chat in enumerate(chats):
                if number not in self.log.welcome:
                    self.page.post("/api/send", **{"as": chat["writer"], "to": chat["chat"],
                                                   "text": f"hello {number}"})
                    self.log.read()
            before = -1
            while before < len(self.log.welcome):  # there is progress
                before = len(self.log.welcome)
                if self.watch(PATIENCE, lambda: len(self.log.welcome) == len(chats)):
                    return True
        return False

    def note(self, point):
        self.kills[point] += 1
        self.page.post("/api/send", **{"as": self.people[0], "to": self.people[1],
                                       "text": f"killed {sum(self.kills.values())} {point}"})

    def one_life(self):
        """From a start to a kill, as the plan has it; what is left of the time is shared out."""
        left = max(self.until - time.monotonic(), 0.0)
        share = left / max(len(self.plan), 1)
        after = self.choice.uniform(0, 1.5) * max(share - 1.0, 0.2)
        point = self.plan.pop(0) if self.plan else self.choice.choice(["random", *POINTS])
        options = []
        if point in OWN_POINTS:
            options = ["--die-at", point, "--die-after", str(int(after * 1000)),
                       "--die-passes", str(self.choice.randint(1, 20))]
        self.bots.start(*options)
        self.log.new_life()
        came = self.watch(min(after, left), self.bots.ended)
        if point in OWN_POINTS:
            came = came or self.watch(LONGEST_WAIT, self.bots.ended)
        elif point == "send":
            came = came or self.watch(LONGEST_WAIT, lambda: self.bots.ended() or self.log.holds_an_answer())
        self.end_life(point, came)

    def end_life(self, point, came):
        """One that dies by itself at its point is dead already; any other end is wrong."""
        alone = self.bots.ended()
        code = self.bots.process.wait() if alone else self.bots.kill()
        if code != KILLED or (alone and point not in OWN_POINTS):
            self.bad_ends.append(f"exit status {code} before {point}")
            time.sleep(0.5)
        elif alone or (came and point == "send"):
            self.note(point)
            return
        else:
            self.note("random")
        if point != "random":
            self.plan.append(point)

    def run(self):
        if not self.open():
            return False
        self.end_life("random", True)
        while time.monotonic() < self.until:
            self.one_life()
        good = self.close()
        total = sum(self.kills.values())
        good &= step("killed", total > 0, f"{total}: {dict(sorted(self.kills.items()))}")
        return step("no-other-end", not self.bad_ends, "; ".join(self.bad_ends[:5]) or "each end was a kill") and good

    def close(self):
        self.start_ready()
        good = self.watch(LONGEST_END, lambda: not self.load.is_alive())
        self.load.over = True
        self.load.join(LONGEST_STOP)
        self.watch(LONGEST_START, lambda: len(self.log.open) < FEW_OPEN)
        # What was told last in a chat and got lost has nothing behind it that would show that: the next start asks.
        self.end_life("random", True)
        self.die_at_the_first_commit()
        self.start_ready()
        why = self.load.failure or f"{self.load.written} messages"
        good = step("written", good and not self.load.failure, str(why))
        self.answer_all()
        good &= step("all-answered", not self.log.open, f"{len(self.log.open)} messages are not")
        # What the inbox still has comes again now, and is sent twice if anything is.
        codes = [self.bots.stop()]
        self.start_ready()
        self.watch(LAST_LIFE, self.bots.ended)
        codes.append(self.bots.stop())
        self.log.read()
        return step("stops", codes == [0, 0], f"exit status {codes[0]} and {codes[1]}") and good

    def die_at_the_first_commit(self):
        """Each channel has something new that no push tells a bot of, and nothing behind it: the first thing that a
        bot writes is what its account's difference has brought, and that names the channels. Behind that write only
        the store knows that they are to be asked about. Of other chats there are as many as one part of a difference
        has room for: the last part alone names channels."""
        channels = [chat for chat in self.load.chats if chat["chat"] < FIRST_CHANNEL]
        others = [chat for chat in self.load.chats if chat["chat"] >= FIRST_CHANNEL]
        chats = channels + self.choice.sample(others, math.ceil(len(others) / 16))
        self.choice.shuffle(chats)
        for chat in chats:
            self.load.ask(self.page, chat)
        time.sleep(SAME_SECOND)
        self.bots.start("--die-at", "commit", "--die-after", "0", "--die-passes", "1")
        self.log.new_life()
        self.end_life("commit", self.watch(LONGEST_START, self.bots.ended))

    def answer_all(self):
        """As long as there is progress, but not for ever."""
        end = time.monotonic() + LONGEST_END
        before = None
        while self.log.open and before != len(self.log.open) and time.monotonic() < end:
            before = len(self.log.open)
            self.watch(self.arguments.patience, lambda: not self.log.open or self.bots.ended())
            if self.bots.ended():
                self.bad_ends.append(f"exit status {self.bots.process.wait()} at the end")
                self.start_ready()


def step(name, good, figures):
    print(f"{name}: {'ok' if good else 'fail'} ({figures})", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("driver", "server", "page", "key", "log", "session", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--chats", type=int, required=True)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--each-point", type=int, required=True)
    parser.add_argument("--patience", type=float, default=90, help="seconds without an answer, at the end")
    arguments = parser.parse_args()
    # The bots go with this one, however it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    supervisor = Supervisor(arguments)
    try:
        return supervisor.run()
    finally:
        if supervisor.bots.process and not supervisor.bots.ended():
            supervisor.bots.kill()


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
