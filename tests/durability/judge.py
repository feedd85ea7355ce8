#!/usr/bin/env python3
"""judge.py LOG [--messages N] [--chats N] [--kills N] [--each-point N] [--each-fault N]: judges a durability run
by the sandbox's log.

Reads nothing else (docs/sandbox.md, "The log of a run"). People write `ask N`, bots `answer N` as a reply to it;
the supervisor writes `killed N POINT` for each kill. `hello N` and `welcome N` come before: a bot knows the
chat from then on, and each message behind a `welcome` counts. Prints `name: ok` or `name: fail` with the reason for each
thing that must hold; exit status 1 if one does not.

judge.py --self-test: shows that each of them is found in a log that has it.
"""
import argparse
import collections
import json
import re
import sys

ASK = re.compile(r"ask (\d+)")
WELCOME = re.compile(r"welcome \d+")
HELLO = re.compile(r"hello \d+")
ANSWER = re.compile(r"answer (\d+)")
KILL = re.compile(r"killed (\d+) (\w+)")
SENDS = "messages.sendMessage"
DOUBLE = "RANDOM_ID_DUPLICATE"
FAULTS = ("cut", "late-answer", "push-drop", "push-delay", "push-repeat", "push-reorder")
POINTS = ("random", "arrival", "commit", "delivery", "send", "answer", "finish")
# Killed there, a bot has sent what its inbox still has: it comes again behind the kill, and is refused as a double.
SENT_ALREADY = ("send", "answer", "finish")
CHAT_KINDS = ("private", "group", "channel")
BOTS = range(2_000_000, 2_000_100)
FIRST_CHANNEL = -1_000_000_000_000  # marked ids: channels and supergroups are below
SHOWN = 5


class Run:
    """What a log tells, in the terms that are judged."""

    def __init__(self):
        self.events = collections.Counter()
        self.seeds = set()
        self.lost = 0
        self.faults = collections.Counter()
        self.done = {}  # (user, random_id) of a send: how many kills were before it
        self.doubles = 0
        self.spanned = set()  # kills between a send and its repetition, which was refused
        self.kills = {}  # number: point
        self.asked_since = set()  # chats in which something was asked since the last kill
        self.asked_before = set()  # and between it and the one before
        self.asks = {}  # message number: (chat, text's number)
        self.answers = collections.defaultdict(list)  # ask's message number: texts' numbers
        self.order = collections.defaultdict(list)  # chat: asks' message numbers, as they were first answered
        self.known = set()  # chats in which a bot has said `welcome`
        self.strange = []

    def take(self, line):
        event = line["event"]
        self.events[event] += 1
        if event == "lost":
            self.lost += line["lines"]
        elif event == "plan":
            self.seeds.add(line["seed"])
        elif event == "fault":
            self.faults[line["kind"]] += 1
        elif event == "call":
            self.take_call(line)
        elif event == "message" and "service" not in line:
            self.take_message(line)

    def take_call(self, line):
        if line["method"] != SENDS:
            return
        send = (line["user"], line["random_id"])
        if line["executed"] and not line["error"]:
            self.done.setdefault(send, len(self.kills))
        elif DOUBLE in line["error"]:
            self.doubles += 1
            self.spanned.update(list(self.kills)[self.done.get(send, len(self.kills)):])

    def take_message(self, line):
        chat = line["to"] if line["to"] < 0 else tuple(sorted((line["from"], line["to"])))
        bot = line["from"] in BOTS
        if bot != bool(ANSWER.fullmatch(line["text"]) or WELCOME.fullmatch(line["text"])):
            self.strange.append(f"message {line['number']} is not one of {line['from']}'s: {line['text'][:40]!r}")
        if ask := ASK.fullmatch(line["text"]):
            self.asks[line["number"]] = (chat, ask[1])
            self.asked_since.add(chat)
            if chat not in self.known:
                self.strange.append(f"message {line['number']} in {chat} comes before a `welcome`")
        elif answer := ANSWER.fullmatch(line["text"]):
            self.take_answer(line["reply_to"], chat, answer[1])
        elif kill := KILL.fullmatch(line["text"]):
            self.kills[int(kill[1])] = kill[2]
            self.asked_before, self.asked_since = self.asked_since, set()
        elif WELCOME.fullmatch(line["text"]):
            self.known.add(chat)
        elif HELLO.fullmatch(line["text"]):
            pass
        else:
            self.strange.append(f"message {line['number']} is none of the run's: {line['text'][:40]!r}")

    def take_answer(self, of, chat, text):
        if self.asks.get(of) != (chat, text):
            self.strange.append(f"`answer {text}` in {chat} replies to message {of}, {self.asks.get(of)}")
            return
        if not self.answers[of]:
            self.order[chat].append(of)
        self.answers[of].append(text)


def kind_of(chat):
    if isinstance(chat, tuple):
        return "private"
    return "channel" if chat < FIRST_CHANNEL else "group"


def chats_of(run, limits):
    chats = {chat for chat, _ in run.asks.values()}
    kinds = collections.Counter(map(kind_of, chats))
    few = [f"only {len(chats)}"] if len(chats) < limits.chats else []
    # A quarter each is private, basic groups, supergroups, channels.
    few += [f"only {kinds[kind]} of kind {kind}" for kind in CHAT_KINDS if kinds[kind] < -(-limits.chats // 5)]
    return "chats", f"{dict(kinds)} of {limits.chats}", few


def kills_of(run, limits):
    points = collections.Counter(run.kills.values())
    few = [f"only {len(run.kills)}"] if len(run.kills) < limits.kills else []
    few += [f"{point} only {points[point]} times" for point in POINTS if points[point] < limits.each_point]
    return "kills", f"{len(run.kills)} of {limits.kills}: {dict(sorted(points.items()))}", few


def last_kill_of(run):
    """Behind the write that brings a bot's account to where it is now, with news in channels that nothing follows."""
    point = list(run.kills.values())[-1] if run.kills else "none"
    kinds = collections.Counter(map(kind_of, run.asked_before))
    wrong = [] if point == "commit" else [f"it was at {point}"]
    wrong += [f"nobody wrote in a chat of kind {kind} before it" for kind in CHAT_KINDS if not kinds[kind]]
    return "last-kill", f"at {point}, with news in {dict(sorted(kinds.items()))}", wrong


def out_of_order(run):
    for chat, answered in run.order.items():
        last = 0
        for number in answered:
            if number < last:
                yield f"in {chat} message {number} is answered behind {last}"
            last = max(last, number)


def verdicts(run, limits):
    """(name, figures, reasons against it) of each thing that must hold."""
    yield ("log-complete", f"seed {', '.join(sorted(run.seeds))}",
           [f"{run.events[name]} lines of {name}" for name in ("start", "plan", "stop") if run.events[name] != 1] +
           ([f"{run.lost} lines are lost"] if run.lost else []))
    few = [f"only {len(run.asks)}"] if len(run.asks) < limits.messages else []
    yield "messages", f"{len(run.asks)} of {limits.messages}", few
    yield chats_of(run, limits)
    yield ("each-fault", f"{sum(run.faults.values())} in all, each {limits.each_fault}",
           [f"{kind} only {run.faults[kind]} times" for kind in FAULTS if run.faults[kind] < limits.each_fault])
    yield kills_of(run, limits)
    yield last_kill_of(run)
    yield ("none-unanswered", f"{len(run.asks)} asked",
           [f"message {number} in {chat} (`ask {text}`)" for number, (chat, text) in run.asks.items()
            if not run.answers.get(number)])
    yield ("none-answered-twice", f"{sum(map(len, run.answers.values()))} answers",
           [f"message {number} {len(texts)} times" for number, texts in run.answers.items() if len(texts) > 1])
    yield "in-order", f"{len(run.order)} chats", list(out_of_order(run))
    yield "nothing-else", "what is neither ask nor its answer", run.strange
    shown = collections.Counter(run.kills[number] for number in run.spanned)
    yield ("doubles-refused", f"{run.doubles}; kills that they show: {dict(sorted(shown.items()))}",
           [f"of the kills at {point} only {shown[point]} show that a send of before came again"
            for point in SENT_ALREADY if shown[point] < limits.each_point])


def judge(lines, limits):
    run = Run()
    for number, line in enumerate(lines, 1):
        try:
            run.take(json.loads(line))
        except (ValueError, KeyError, TypeError) as why:
            print(f"log-readable: fail (line {number}: {why!r})")
            return False
    good = True
    for name, figures, reasons in verdicts(run, limits):
        print(f"{name}: {'fail' if reasons else 'ok'} ({figures})")
        for reason in reasons[:SHOWN]:
            print(f"  {reason}")
        if len(reasons) > SHOWN:
            print(f"  and {len(reasons) - SHOWN} more")
        good = good and not reasons
    print("faults " + json.dumps(dict(sorted(run.faults.items()))))
    return good


# -- self-test -------------------------------------------------------------------------------------


def made_up(each_point=2, each_fault=2, rounds=3):
    """The lines of a run in which all is well, as values."""
    bot = 2_000_000
    chats = [(5_000_001, bot), (5_000_002, -4_000_001), (5_000_003, -1_001_500_000_001)]
    lines = [{"event": "start"}, {"event": "plan", "seed": "7"}]
    lines += [{"event": "fault", "kind": kind} for kind in FAULTS for _ in range(each_fault)]
    count = 0

    def message(text, sender, to, reply_to=0):
        nonlocal count
        count += 1
        lines.append({"event": "message", "number": count, "from": sender, "to": to, "reply_to": reply_to,
                      "text": text})
        return count

    for who, to in chats:
        message("hello 1", who, to)
        message("welcome 1", bot, who if to == bot else to, count)
    call = {"event": "call", "user": bot, "method": SENDS, "random_id": "0", "executed": True, "error": ""}
    for n, point in enumerate(POINTS * each_point):
        sent = {**call, "random_id": str(n)}
        if point in SENT_ALREADY:
            lines.append(sent)
        message(f"killed {n} {point}", 5_000_009, 5_000_010)
        if point in SENT_ALREADY:
            lines.append({**sent, "error": f"500 {DOUBLE}"})
    for left in reversed(range(rounds)):
        asked = [(who, to, message(f"ask {count}", who, to), count - 1) for who, to in chats for _ in range(2)]
        if left == 0:
            message(f"killed {len(POINTS * each_point)} commit", 5_000_009, 5_000_010)
        for who, to, number, text in asked:
            lines.append(call)
            message(f"answer {text}", bot, who if to == bot else to, number)
    lines.append({"event": "message", "number": count + 1, "from": 5_000_002, "to": -4_000_001, "reply_to": 0,
                  "service": "messageActionChatCreate", "text": ""})
    return lines + [{"event": "stop"}]


def without(lines, which):
    return [line for line in lines if line is not which]


def swapped(lines, one, other):
    """The order of two lines changed, their numbers left as they are."""
    out = list(lines)
    at, then = lines.index(one), lines.index(other)
    out[at], out[then] = other, one
    return out


def self_test():
    limits = argparse.Namespace(messages=18, chats=3, kills=14, each_point=2, each_fault=2)
    good = made_up()
    answers = [line for line in good if ANSWER.fullmatch(line.get("text", ""))]
    asks = [line for line in good if ASK.fullmatch(line.get("text", ""))]
    kill = next(line for line in good if line.get("text", "").endswith("delivery"))
    last = next(line for line in reversed(good) if KILL.fullmatch(line.get("text", "")))
    before = [line for line in good if KILL.fullmatch(line.get("text", ""))][-2]
    double = next(line for line in good if DOUBLE in line.get("error", ""))
    elsewhere = {**answers[2], "to": -4_000_002}
    cases = {
        "": good,
        "log-complete": without(good, good[-1]),
        "log-complete ": [*good[:-1], {"event": "lost", "lines": 2}, good[-1]],
        "messages": without(without(good, asks[0]), answers[0]),
        "chats": [line for line in good if line.get("to") != -4_000_001],
        "chats ": [{**line, "to": -1_001_500_000_002} if line.get("to") == -4_000_001 else line for line in good],
        "each-fault": without(good, next(line for line in good if line.get("kind") == "push-reorder")),
        "kills": without(good, kill),
        "kills ": [{**line, "text": line["text"].replace("commit", "random")} if "text" in line else line
                   for line in good],
        "last-kill": [{**line, "text": line["text"].replace("commit", "random")} if line is last else line
                      for line in good],
        # Nothing was asked while the bots were down.
        "last-kill ": [one for line in without(good, last) for one in ([line, last] if line is before else [line])],
        "none-unanswered": without(good, answers[3]),
        "none-answered-twice": [*good, answers[1]],
        "in-order": swapped(good, answers[4], answers[5]),
        "nothing-else": [elsewhere if line is answers[2] else line for line in good],
        "nothing-else ": [{**line, "text": "answer 999"} if line is answers[2] else line for line in good],
        "nothing-else  ": [*good, {**answers[0], "text": "what?"}],
        "nothing-else   ": [{**line, "from": 5_000_002} if line is answers[2] else line for line in good],
        "nothing-else    ": [line for line in good if not WELCOME.fullmatch(line.get("text", ""))],
        "doubles-refused": without(good, double),
        # As many as before, but none spans the kill.
        "doubles-refused ": [double, *without(good, double)],
        "log-readable": good + [{"event": "call"}],
    }
    bad = 0
    for name, lines in cases.items():
        print(f"-- a log without {name.strip() or 'a fault of its own'}")
        found = capture(lines, limits)
        want = {name.strip()} - {""}
        if not (want <= found and (want or not found)):
            print(f"FAILED: found {sorted(found)}, not {sorted(want)}")
            bad += 1
    print(f"self-test: {'fail' if bad else 'ok'} ({len(cases)} logs)")
    return not bad


def capture(lines, limits):
    """The names of what is found to be wrong."""
    run = Run()
    try:
        for line in lines:
            run.take(line)
    except KeyError:
        return {"log-readable"}
    return {name for name, _, reasons in verdicts(run, limits) if reasons}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", nargs="?")
    parser.add_argument("--messages", type=int, default=100_000, help="that people wrote, at least")
    parser.add_argument("--chats", type=int, default=1_000, help="in which they did, at least")
    parser.add_argument("--kills", type=int, default=100, help="at least")
    parser.add_argument("--each-point", type=int, default=5, help="kills at each point, at least")
    parser.add_argument("--each-fault", type=int, default=100, help="how often each kind happened, at least")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if not arguments.log:
        parser.error("no log")
    with open(arguments.log, encoding="utf8") as lines:
        return judge(lines, arguments)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
