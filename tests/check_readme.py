#!/usr/bin/env python3
"""Compares programs that documents show with those that are compiled and tested.

check_readme.py          fails when one differs, or is longer than its document promises
check_readme.py --write  puts the programs' texts into the documents
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent
# Document, heading above the block, program, most lines.
SHOWN = [
    ("README.md", "## The smallest bot", "bots/examples/echo.cpp", 15),
    ("docs/storage.md", "## A backend of your own", "tests/storage/own_backend.hpp", 38),
]


def check(document, heading, program, longest, write):
    """The number of what is wrong."""
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    code = (ROOT / program).read_text(encoding="utf-8")
    found = re.search(rf"({re.escape(heading)}\n.*?```cpp\n)(.*?)(```)", text, re.DOTALL)
    if not found:
        print(f"{document}: the block below '{heading}' is missing")
        return 1
    if write:
        path.write_text(text[: found.start(2)] + code + text[found.end(2):], encoding="utf-8")
        return 0
    wrong = 0
    if code.count("\n") > longest:
        print(f"{program}: {code.count(chr(10))} lines, more than {longest}")
        wrong += 1
    if found.group(2) != code:
        print(f"{document}: what it shows is not {program}; run tests/check_readme.py --write")
        wrong += 1
    return wrong


def main(arguments):
    wrong = sum(check(*shown, arguments == ["--write"]) for shown in SHOWN)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
