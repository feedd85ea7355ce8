#!/usr/bin/env python3
"""coverage.py NAME... | --self-test: which part of the lines that a fuzzer is for its corpus reaches.

The files are those behind `// For:` at the top of tests/fuzz/NAME.cpp. Below 85 % a line
`// Below: REASON` there says why. What cannot be measured (a replay that ends badly, a program that
is not built) is a failure of that name, and the next one is measured. Needs the preset `fuzz-coverage` built, and llvm-19.
"""
import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "fuzz-coverage"
ENOUGH = 85.0


def head(name):
    """The files that the fuzzer is for, and the reason for less, if there is one."""
    comment = []
    for line in (ROOT / "tests" / "fuzz" / f"{name}.cpp").read_text().splitlines():
        if not line.startswith("//"):
            break
        comment.append(line.removeprefix("//").strip())
    text = " ".join(comment)
    files = re.search(r"For: (.*?)(?= Below: |$)", text).group(1).split()
    reason = re.search(r"Below: (.*)$", text)
    return files, reason.group(1) if reason else ""


def lines_of(name):
    """{file: (covered, count)} after the corpus was replayed."""
    program = BUILD / "bin" / f"fuzz_{name}"
    raw = BUILD / f"{name}.profraw"
    merged = BUILD / f"{name}.profdata"
    subprocess.run([program, ROOT / "tests" / "fuzz" / "corpus" / name], check=True,
                   stdout=subprocess.DEVNULL, env={"LLVM_PROFILE_FILE": str(raw)})
    subprocess.run(["llvm-profdata-19", "merge", "-sparse", raw, "-o", merged], check=True)
    exported = subprocess.run(["llvm-cov-19", "export", "-summary-only", program,
                               f"-instr-profile={merged}"],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
    out = {}
    for entry in json.loads(exported)["data"][0]["files"]:
        # Headers are found through the link in the build folder.
        path = pathlib.Path(entry["filename"]).resolve()
        if path.is_relative_to(ROOT):
            count = entry["summary"]["lines"]
            out[str(path.relative_to(ROOT))] = (count["covered"], count["count"])
    return out


def check(name):
    files, reason = head(name)
    all_lines = lines_of(name)
    found = {file: all_lines.get(file, (0, 1)) for file in files}
    covered = sum(one for one, _ in found.values())
    count = sum(all for _, all in found.values())
    percent = 100.0 * covered / count
    each = ", ".join(f"{file} {100.0 * one / all:.0f}" for file, (one, all) in found.items())
    enough = percent >= ENOUGH or reason
    print(f"{name} lines: {'ok' if enough else 'fail'} {percent:.1f} % of {count}"
          f"{' (' + reason + ')' if reason else ''}: {each}", flush=True)
    return enough


def check_all(names, one=check):
    """True if each is as it should be. One that fails hides none behind it."""
    good = bool(names)
    for name in names:
        try:
            good = one(name) and good
        except Exception as why:  # whatever it is: the other names are to be measured
            print(f"{name} lines: fail {type(why).__name__}: {why}".replace("\n", " "), flush=True)
            good = False
    return good


def self_test():
    seen = []

    def one(name):
        seen.append(name)
        if name == "broken":
            raise subprocess.CalledProcessError(77, ["replay"])
        return True

    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert not check_all(["a", "broken", "b"], one), "a failure counts"
        assert check_all(["a", "b"], one)
        assert not check_all([], one), "nothing measured is no success"
    assert seen[:3] == ["a", "broken", "b"], "one that fails hides none behind it"
    assert out.getvalue().startswith("broken lines: fail CalledProcessError"), out.getvalue()


if __name__ == "__main__":
    self_test()
    sys.exit(0 if sys.argv[1:] == ["--self-test"] or check_all(sys.argv[1:]) else 1)
