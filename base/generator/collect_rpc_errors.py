#!/usr/bin/env python3
"""collect_rpc_errors.py MTCUTE TELETHON GOTD KURIGRAM > base/rpc_errors.tsv

Makes the one list of all errors that Telegram documents from public packages:

  MTCUTE    raw-errors.json of the npm package @mtcute/tl (MIT)            names, texts, methods
  TELETHON  telethon/errors/rpcerrorlist.py of the PyPI package telethon (MIT)     names, texts
  GOTD      the folder tg/ of the Go module github.com/gotd/td (MIT)       names, texts, methods
  KURIGRAM  pyrogram/errors/exceptions/all.py of the PyPI package kurigram         names, codes

The last one's licence (LGPL-3.0) covers its texts and code: nothing of it is taken but which names
and codes there are.
"""
import ast
import json
import pathlib
import re
import sys

# Here the X is some text, or no whole token: it is no number by the rule of `rpc_failure`.
ANY_TEXT = {
    "APNS_VERIFY_CHECK_X": "APNS_VERIFY_CHECK_*",
    "INTEGRITY_CHECK_CLASSIC_X": "INTEGRITY_CHECK_CLASSIC_*",
    "RECAPTCHA_CHECK_X": "RECAPTCHA_CHECK_*",
    "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_XMIN": "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_*MIN",
}
# Base classes of Telethon's list -> codes.
TELETHON_CODES = {"BadRequestError": 400, "UnauthorizedError": 401, "ForbiddenError": 403,
                  "AuthKeyError": 406, "FloodError": 420, "InvalidDCError": 303,
                  "ServerError": 500, "TimedOutError": -503}


class entry:
    def __init__(self):
        self.written = set()
        self.codes = set()
        self.methods = set()
        self.text = ""


def clean(text):
    """One line without Markdown's links and code marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]*>|[`*]", "", text).replace("&lt;", "<").replace("&gt;", ">")
    text = re.sub(r"\{[a-z]+\}", "%d", text)
    return " ".join(text.split())


class errors:
    def __init__(self):
        self.by_name = {}

    def note(self, written, codes=(), text="", methods=()):
        if written.endswith("_"):
            return  # cut off at a character that is none of a name
        numbered = re.sub(r"(?<=_)\d+(?=_|$)", "X", written.replace("%d", "X"))
        if re.search(r"_\d", written):
            text = ""  # of one number only
        written = numbered
        written = ANY_TEXT.get(written, written)
        name = re.sub(r"_X(?=_|$)|_\*(?=$)|\*", "", written)
        one = self.by_name.setdefault(name, entry())
        one.written.add(written)
        one.codes.update(codes)
        one.methods.update(methods)
        one.text = one.text or clean(text)

    def print(self):
        print("# All errors that Telegram documents. Made by base/generator/collect_rpc_errors.py,")
        print("# which says where the data come from; do not edit.")
        print("# name (X: a number, *: some text)\tcodes\tmethods known to give it\ttext")
        for name in sorted(self.by_name):
            one = self.by_name[name]
            written = max(one.written, key=len)
            codes = ",".join(map(str, sorted(one.codes, key=lambda code: (code < 0, code))))
            print("\t".join((written, codes, " ".join(sorted(one.methods)), one.text)))


def take_mtcute(path, out):
    data = json.loads(pathlib.Path(path).read_text(encoding="utf8"))
    for name, row in data["errors"].items():
        out.note(name, [row["code"]], row.get("description") or "")
    for method, names in data["throws"].items():
        for name in names:
            if "." in method:
                out.note(name, methods=[method])


def take_telethon(path, out):
    source = pathlib.Path(path).read_text(encoding="utf8")
    classes = {}
    for found in re.finditer(r"class (\w+)\((\w+)\):.*?super\(Exception, self\)\.__init__\("
                             r"(.*?)(?:\.format| \+ self\._fmt)", source, re.DOTALL):
        classes[found[1]] = (TELETHON_CODES.get(found[2]), ast.literal_eval(found[3].strip()))
    for name, kind in re.findall(r"'([\w()\\+ ]+)'[:,] (\w+Error)\b", source):
        code, text = classes[kind]
        out.note(name.replace("(\\\\d+)", "X"), [code] if code else [], text)


def take_gotd(folder, out):
    """Each call's comment lists what it may give: `//  400 NAME: text`."""
    for path in sorted(pathlib.Path(folder).glob("tl_*_gen.go")):
        listed = []
        for line in path.read_text(encoding="utf8").splitlines():
            if found := re.match(r"//\s+(-?\d{3}) ([A-Za-z0-9_%]+):? ?(.*)$", line):
                listed.append((found[2], int(found[1]), found[3]))
            elif found := re.match(r"// See https://core\.telegram\.org/method/([\w.]+)", line):
                for name, code, text in listed:
                    out.note(name, [code], text, [found[1]])
                listed = []
            elif not line.startswith("//"):
                listed = []


def take_kurigram(path, out):
    source = pathlib.Path(path).read_text(encoding="utf8")
    listed = next(node for node in ast.parse(source).body if isinstance(node, ast.Assign)
                  and node.targets[0].id == "exceptions")
    for code, names in ast.literal_eval(listed.value).items():
        for name in names:
            known = out.by_name.get(name)
            # It writes -503 as 503.
            if name != "_" and not (code == 503 and known and -503 in known.codes):
                out.note(name, [code])


def main(paths):
    if len(paths) != 4:
        sys.exit(__doc__)
    out = errors()
    for take, path in zip((take_mtcute, take_telethon, take_gotd, take_kurigram), paths):
        take(path, out)
    # Telegram's own clients know it; no list has it.
    out.note("MSG_WAIT_TIMEOUT", [400], "A waiting call has waited too long.")
    out.print()


if __name__ == "__main__":
    main(sys.argv[1:])
