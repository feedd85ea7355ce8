#!/usr/bin/env python3
"""Finds functions of C++ that are longer than a screen.

check_functions.py FILE...    prints each with more than 60 lines, exits 1 if there is one
check_functions.py --self-test  shows that such a function is found, and what is none is not

Counted as clang-tidy's readability-function-size does, which reads far more slowly: from the brace that opens
the body to the one that closes it. What clang-format has laid out needs no parser: a body ends with a brace in
the column in which its declaration begins. Functions of classes within classes are left to clang-tidy.
"""

import re
import sys

MOST = 60
NO_FUNCTION = re.compile(r"(template\b.*> )?(namespace|class|struct|enum|union|extern)\b|.*\) = \w+;$|[a-z]+:$")


def long_functions(lines):
    """(number of its first line, lines of its body) of each that is too long."""
    starts = {0: None, 2: None}
    for number, line in enumerate(lines, 1):
        text = line.lstrip(" ")
        column = len(line) - len(text)
        if column not in starts or not text:
            continue
        if text.startswith("}"):
            start, starts[column] = starts[column], None
            if start is None:
                continue
            head = lines[start - 1:number]
            opens = next((i for i, one in enumerate(head) if one.endswith("{")), None)
            if opens is None or ")" not in " ".join(head[:opens + 1]):
                continue
            length = number - (start + opens)
            if length > MOST:
                yield start, length
        elif re.match(r"[A-Za-z_~]", text):
            starts[column] = None if NO_FUNCTION.match(text) else number
        if column == 0:
            starts[2] = None if text.startswith("}") else starts[2]


def check(path):
    with open(path, encoding="utf-8") as file:
        found = list(long_functions(file.read().splitlines()))
    for start, length in found:
        print(f"{path}:{start}: a function of {length} lines, more than {MOST}")
    return len(found)


def self_test():
    def lengths(head, body, foot="}"):
        return [length for _, length in long_functions([*head, *body, foot])]

    assert lengths(["void f() {"], ["  x();"] * MOST) == [MOST + 1]
    assert lengths(["void f() {"], ["  x();"] * (MOST - 1)) == []
    assert lengths(["result<int> f(int a,", "              int b) {"], ["  x();"] * MOST) == [MOST + 1]
    assert lengths(["TEST_F(suite, case_) {"], ["  if (a) {", "    x();", "  }"] * 21) == [64]
    inside = ["  void f() const {", *["    x();"] * MOST, "  }"]
    assert lengths(["class c {", "public:"], inside, "};") == [MOST + 1]
    assert lengths(["struct s {"], ["  int x = 0;"] * 99, "};") == []
    assert lengths(["namespace {"], ["void f();"] * 99, "} // namespace") == []
    assert lengths(["constexpr std::array<int, 99> a{"], ["    1,"] * 99, "};") == []


def main(arguments):
    if arguments == ["--self-test"]:
        self_test()
        return 0
    return 1 if sum(check(path) for path in arguments) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
