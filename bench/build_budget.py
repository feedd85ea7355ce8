#!/usr/bin/env python3
"""Measures what the generated code costs to build, against its budget.

usage: build_budget.py BUILD_FOLDER

Compiles every generated unit once more, with the build's own commands but without ccache, one at
a time, and the files of the example bots; then touches each bot's file and lets ninja build the
program again. Prints processor seconds and the largest process; ends with 1 if a budget is exceeded.
A rebuild is one process after another, so its processor seconds are what it takes on a machine that
does nothing else. BUILD_FOLDER must hold compile_commands.json and be built.
"""

import json
import os
import pathlib
import re
import shlex
import sys

GENERATED_SECONDS = 150
GENERATED_MEGABYTES = 900
BOT_SECONDS = 10
BOT_MEGABYTES = 1200
REBUILD_SECONDS = 12


def run(command, folder):
    """Gives processor seconds and megabytes of the largest process, children included."""
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execvpe(command[0], command, os.environ | {"CCACHE_DISABLE": "1"})
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"failed: {shlex.join(command)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compile_once(entry):
    """Runs one compile command, without what it would write."""
    command = shlex.split(entry["command"])
    if pathlib.Path(command[0]).name == "ccache":
        command = command[1:]
    command[command.index("-o") + 1] = os.devnull
    return run(command, entry["directory"])


def rebuild(entry, build):
    """What follows from an edit of one file: compile it and link its program."""
    made = re.search(r"CMakeFiles/(\w+)\.dir/", entry["command"])[1]
    ninja = ["ninja", "-C", str(build), made]
    run(ninja, build)
    os.utime(entry["file"])
    return run(ninja, build)


def row(name, seconds, megabytes):
    print(f"{name:<44} {seconds:8.1f} s {megabytes:8.0f} MB", flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    entries = json.loads((build / "compile_commands.json").read_text())
    generated = sorted({e["file"]: e for e in entries
                        if re.search(r"/generated/\w+_(part_\d+|table)\.cpp$", e["file"])}.items())
    bots = [e for e in entries if "/bots/examples/" in e["file"]]
    if not generated:
        sys.exit("no generated units: is the folder configured?")

    total, peak = 0.0, 0.0
    for path, entry in generated:
        seconds, megabytes = compile_once(entry)
        row(pathlib.Path(path).name, seconds, megabytes)
        total, peak = total + seconds, max(peak, megabytes)
    row(f"generated code, {len(generated)} units", total, peak)
    good = total <= GENERATED_SECONDS and peak <= GENERATED_MEGABYTES

    for entry in bots:
        seconds, megabytes = compile_once(entry)
        row("bot: " + pathlib.Path(entry["file"]).name, seconds, megabytes)
        good = good and seconds <= BOT_SECONDS and megabytes <= BOT_MEGABYTES

        seconds, megabytes = rebuild(entry, build)
        row("bot, edited: " + pathlib.Path(entry["file"]).name, seconds, megabytes)
        good = good and seconds <= REBUILD_SECONDS

    print(f"budget: {GENERATED_SECONDS} s and {GENERATED_MEGABYTES} MB for generated code, "
          f"{BOT_SECONDS} s and {BOT_MEGABYTES} MB for a bot's file, {REBUILD_SECONDS} s to build "
          f"an edited bot again: {'kept' if good else 'EXCEEDED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
