#!/usr/bin/env python3
"""Compares the README's smallest bot with the program that is compiled and tested.

check_readme.py          fails when they differ or the bot has more than 15 lines
check_readme.py --write  puts the program's text into the README
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent
README = ROOT / "README.md"
PROGRAM = ROOT / "bots/examples/echo.cpp"
LONGEST = 15
BLOCK = re.compile(r"(## The smallest bot\n\n```cpp\n)(.*?)(```)", re.DOTALL)


def main(arguments):
    readme = README.read_text(encoding="utf-8")
    program = PROGRAM.read_text(encoding="utf-8")
    found = BLOCK.search(readme)
    if not found:
        print("README.md: the block of the smallest bot is missing")
        return 1
    if arguments == ["--write"]:
        README.write_text(readme[: found.start(2)] + program + readme[found.end(2):],
                          encoding="utf-8")
        return 0
    lines = program.count("\n")
    if lines > LONGEST:
        print(f"{PROGRAM.name}: {lines} lines, more than {LONGEST}")
        return 1
    if found.group(2) != program:
        print("README.md: the smallest bot is not bots/examples/echo.cpp; run "
              "tests/check_readme.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
