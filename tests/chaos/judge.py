#!/usr/bin/env python3
"""judge.py LOG [--requests N] [--each-fault N] [--clients N]: judges a chaos run by the sandbox's log.

Reads nothing else (docs/sandbox.md, "The log of a run"). Prints `name: ok` or `name: fail` with the
reason for each thing that must hold; exit status 1 if one does not.

judge.py --self-test: shows that each of them is found in a log that has it.
"""
import argparse
import collections
import json
import re
import sys

# What may not run twice: each of these calls of the run asks for something that no other one does.
RUNS_ONCE = "messages.editMessage"
SENDS = "messages.sendMessage"
TEXT = re.compile(r"chaos (\d+)")
KINDS = ("drop delay duplicate reorder corrupt truncate cut half-open slow-read slow-write error-404 error-429 "
         "error-444 wrong-salt wrong-time forget-session flood-wait error-500 late-answer").split()
SHOWN = 5


class Run:
    """What a log tells, in the counts that are judged."""

    def __init__(self):
        self.events = collections.Counter()
        self.seeds = set()
        self.faults = collections.Counter()
        self.requests = 0
        self.refused = collections.Counter()
        self.ran = collections.Counter()  # calls that may not run twice: (user, call)
        self.done = collections.Counter()  # sends that were executed without an error: (user, random_id)
        self.asked = set()  # sends that came, executed or not
        self.stored = collections.Counter()
        self.numbers = collections.defaultdict(collections.Counter)  # of a sender's texts
        self.users = set()
        self.lost = 0

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
        elif event == "message":
            self.take_message(line)

    def take_call(self, line):
        self.requests += 1
        if line["user"]:
            self.users.add(line["user"])
        if line["error"]:
            self.refused[line["error"]] += 1
        if line["method"] == SENDS:
            send = (line["user"], line["random_id"])
            self.asked.add(send)
            if line["executed"] and not line["error"]:
                self.done[send] += 1
        elif line["method"] == RUNS_ONCE and line["executed"]:
            self.ran[line["user"], line["call"]] += 1

    def take_message(self, line):
        text = TEXT.fullmatch(line["text"])
        if text:
            self.stored[line["from"], line["random_id"]] += 1
            self.numbers[line["from"]][int(text[1])] += 1


def more_than_once(counts):
    return [f"{key} {count} times" for key, count in counts.items() if count > 1]


def gaps(run):
    for sender, numbers in run.numbers.items():
        for n in range(max(numbers) + 1):
            if numbers[n] != 1:
                yield f"text {n} of {sender} {numbers[n]} times"


def verdicts(run, limits):
    """(name, figures, reasons against it) of each thing that must hold."""
    yield ("log-complete", f"seed {', '.join(sorted(run.seeds))}",
           [f"{run.events[name]} lines of {name}" for name in ("start", "plan", "stop") if run.events[name] != 1] +
           ([f"{run.lost} lines are lost"] if run.lost else []))
    few = [f"only {run.requests}"] if run.requests < limits.requests else []
    yield "requests", f"{run.requests} of {limits.requests}", few
    few = [f"only {len(run.users)}"] if len(run.users) < limits.clients else []
    yield "clients", f"{len(run.users)} of {limits.clients}", few
    yield ("each-fault", f"{sum(run.faults.values())} in all, each {limits.each_fault}",
           [f"{kind} only {run.faults[kind]} times" for kind in KINDS if run.faults[kind] < limits.each_fault])
    nothing = [] if run.ran else ["there was none"]
    yield "nothing-ran-twice", f"{len(run.ran)} that may not", nothing + more_than_once(run.ran)
    yield "no-send-done-twice", f"{len(run.done)} sends", more_than_once(run.done)
    unstored = [f"{send} came and is not stored" for send in run.asked if not run.stored[send]]
    nothing = [] if run.stored else ["there was none"]
    yield ("every-message-stored-once", f"{len(run.stored)} messages",
           nothing + more_than_once(run.stored) + unstored + list(gaps(run)))


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
    print("refused " + json.dumps(dict(run.refused.most_common(12))))
    return good


# -- self-test -------------------------------------------------------------------------------------


def made_up(clients=2, sends=3, edits=3, each_fault=2):
    """The lines of a run in which all is well, as values."""
    lines = [{"event": "start"}, {"event": "plan", "seed": "7"}]
    lines += [{"event": "fault", "kind": kind} for kind in KINDS for _ in range(each_fault)]
    for user in range(1, clients + 1):
        def call(method, digest, random_id="0", executed=True, error="", of=user):
            return {"event": "call", "user": of, "method": method, "call": digest, "random_id": random_id,
                    "executed": executed, "error": error}
        for n in range(sends):
            identity = f"{user}{n}"
            lines.append(call(SENDS, f"s{n}", identity, False, "FLOOD_WAIT_1"))
            lines.append(call(SENDS, f"s{n}", identity))
            lines.append({"event": "message", "from": user, "random_id": identity, "text": f"chaos {n}"})
            lines.append(call(SENDS, f"s{n}", identity, True, "RANDOM_ID_DUPLICATE"))
        for n in range(edits):
            lines.append(call(RUNS_ONCE, f"e{n}", executed=False, error="RPC_CALL_FAIL"))
            lines.append(call(RUNS_ONCE, f"e{n}"))
    return lines + [{"event": "message", "from": 99, "random_id": "5", "text": "You wrote: chaos 1"},
                    {"event": "stop"}]


def first(lines, event, **members):
    return next(line for line in lines
                if line["event"] == event and all(line[name] == value for name, value in members.items()))


def without(lines, which):
    return [line for line in lines if line is not which]


def self_test():
    limits = argparse.Namespace(requests=30, each_fault=2, clients=2)
    good = made_up()
    edit = first(good, "call", method=RUNS_ONCE, executed=True)
    message = first(good, "message")
    send = first(good, "call", method=SENDS, executed=True, error="")
    cases = {
        "": good,
        "log-complete": without(good, good[-1]),
        "log-complete ": [*good[:-1], {"event": "lost", "lines": 2}, good[-1]],
        "requests": without(good, first(good, "call", executed=False)),
        "clients": [line for line in good if line.get("user") != 2 and line.get("from") != 2],
        "each-fault": without(good, first(good, "fault", kind="half-open")),
        # The second one was refused: it ran all the same.
        "nothing-ran-twice": good + [{**edit, "error": "MESSAGE_NOT_MODIFIED"}],
        "no-send-done-twice": good + [send],
        "every-message-stored-once": good + [message],
        "every-message-stored-once ": without(good, message),
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
    parser.add_argument("--requests", type=int, default=500_000, help="calls that came, at least")
    parser.add_argument("--each-fault", type=int, default=200, help="how often each kind happened, at least")
    parser.add_argument("--clients", type=int, default=64, help="accounts that called, at least")
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
