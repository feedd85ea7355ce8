#!/usr/bin/env python3
"""Judges what the rigs printed, step by step.

usage: judge_rigs.py LOG [RIG...] [--over TRANSPORT] | --self-test

Every rig, or each that is named, has to pass every step; the rig itself has to say that it went over
TRANSPORT, by its own name for it. What the sandbox is known to lack is named below and printed as
`lacks`; it neither counts nor hides another failure, and once it passes the list has to be mended.
A rig is run a second time when a step failed; the second run counts only if the first could not
make a key, which is the clients' own mistake with one key in 256.
"""

import re
import sys

RIGS = ("telethon", "gramjs", "mtcute")
STEPS = ("connect", "get_config", "bot_login", "get_me", "resolve_peer", "send_message",
         "receive_update", "upload_file", "download_file", "error_reply", "resume_session")
# Files are not simulated yet: docs/limits.md.
LACKING = {"upload_file", "download_file"}


def read(text):
    """The runs of each rig, in order: {rig: [{step: (verdict, detail)}]}."""
    runs = {}
    steps = None
    for line in text.splitlines():
        head = re.match(r"== (\w+)(, again)?$", line)
        if head:
            steps = {}
            runs.setdefault(head[1], []).append(steps)
            continue
        step = re.match(r"(\w+): (ok|fail)\b ?(.*)", line)
        if step and steps is not None and step[1] in STEPS:
            steps[step[1]] = (step[2], step[3])
    return runs


def judge(text, rigs=RIGS, over=""):
    """Lines to print, and whether all is as it should be."""
    out, good = [], True
    runs = read(text)
    # A setting that a rig does not take would be a transport that nobody has tried.
    said = [line for line in text.splitlines() if re.match(r"rig: .* transport \S", line)]
    if over and not (said and all(over in line.lower() for line in said)):
        return [f"{' '.join(rigs)} {over}: fail the rig went another way: {said[:1]}"], False
    for rig in rigs:
        named = f"{rig} {over}".rstrip()
        of = runs.get(rig, [{}])
        counted = of[-1] if of[0].get("connect", ("fail",))[0] != "ok" else of[0]
        for step in STEPS:
            verdict, detail = counted.get(step, ("fail", "not reached"))
            if step in LACKING and verdict == "fail":
                out.append(f"{named} {step}: lacks, not built yet")
                continue
            if step in LACKING:
                verdict, detail = "fail", "passes now: take it out of the list of what is lacking"
            out.append(f"{named} {step}: {verdict} {detail}".rstrip())
            good = good and verdict == "ok"
    return out, good


def self_test():
    def log(first, again=None, rigs=RIGS):
        text = ""
        for rig in rigs:
            for head, fails in (("", first), (", again", again)):
                if fails is not None:
                    text += f"== {rig}{head}\n" + "".join(
                        f"{s}: {'fail x' if s in fails else 'ok 1'}\n" for s in STEPS)
        return text

    assert judge(log(LACKING, LACKING))[1]
    assert not judge("")[1]
    assert not judge(log(LACKING, rigs=RIGS[:2]))[1], "a rig is missing"
    assert judge(log(LACKING, rigs=RIGS[2:]), RIGS[2:])[1], "one rig alone"
    assert not judge(log(LACKING | {"get_me"}, LACKING))[1], "a second chance after the key"
    assert judge(log(set(STEPS), LACKING))[1], "no second chance for the key"
    assert not judge(log(set()))[1], "what passes is still said to be lacking"
    assert not judge(log(LACKING).replace("error_reply: ok 1\n", ""))[1], "a step is missing"
    one = "rig: x transport ConnectionTcpFull\n" + log(LACKING, LACKING, RIGS[:1])
    assert judge(one, RIGS[:1], "full")[1], "the transport by the rig's name for it"
    assert not judge(one, RIGS[:1], "abridged")[1], "another transport than the one asked for"
    assert not judge(log(LACKING, LACKING), over="full")[1], "a transport that nobody named"


def main():
    self_test()
    if sys.argv[1:] == ["--self-test"]:
        return 0
    words = sys.argv[1:]
    over = ""
    if "--over" in words:
        at = words.index("--over")
        over = words[at + 1] if at + 1 < len(words) else sys.exit(__doc__)
        del words[at:at + 2]
    if not words:
        sys.exit(__doc__)
    with open(words[0], encoding="utf-8") as file:
        lines, good = judge(file.read(), words[1:] or RIGS, over)
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
