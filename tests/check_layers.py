#!/usr/bin/env python3
"""Checks the includes of every folder against the table of layers (docs/architecture.md).

check_layers.py [ROOT]      prints each violation, exits 1 if there is one
check_layers.py --self-test  shows that each kind of violation is found
"""

import pathlib
import re
import sys
import tempfile

# Folder -> folders whose headers it may include; its own are always allowed.
LAYERS = {
    "base": set(),
    "tl": {"base"},
    "crypto": {"base"},
    "protocol": {"base", "tl", "crypto"},
    "storage": {"base", "tl", "crypto"},
    "actors": {"base", "tl", "crypto", "protocol", "storage"},
    "bots": {"base", "tl", "actors"},
    "sandbox": {"base", "tl", "crypto", "protocol", "storage", "actors"},
    "testing": {"base", "tl", "crypto", "protocol", "storage", "actors", "bots", "sandbox"},
}
LAYERS["bench"] = set(LAYERS)
LAYERS["cli"] = set(LAYERS)

# Foreign headers (by prefix) -> where they may stand: a folder, or one file.
FOREIGN = {
    "caf/": {"actors", "bots", "sandbox", "testing", "cli", "bench"},
    "openssl/": {"crypto", "bench/crypto.cpp"},
    "spdlog/": {"base/log.cpp"},
    "nlohmann/": {"tl/json.hpp"},
    "google/protobuf/": {"storage"},
    "sqlite3.h": {"storage", "sandbox"},
    "pqxx/": {"storage"},
    "zlib.h": {"protocol"},
    "httplib.h": {"sandbox", "cli"},
    "CLI/": {"cli"},
    "sys/socket.h": {"actors", "sandbox", "cli"},
    "netinet/": {"actors", "sandbox", "cli"},
    "netdb.h": {"actors"},
    "arpa/": {"actors", "sandbox", "cli", "storage/foreign_session.cpp"},
}
# In a public header these would force the library on every user of the layer. Headers called
# `native.hpp` or `..._native.hpp` are the layer's own: they are not installed, and no public header includes them.
SOURCE_ONLY = {"openssl/", "google/protobuf/", "sqlite3.h", "pqxx/", "zlib.h", "httplib.h"}

# Pure folders read no clock, no file and no randomness of their own.
PURE = {"tl", "crypto", "protocol"}
IMPURE = re.compile(
    r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\b|\bstd::random_device\b"
    r"|\bRAND_(?:priv_)?bytes\b|\b(?:s?rand|getenv|time|gettimeofday|clock_gettime)\s*\("
    r"|\bstd::(?:[io]?fstream|cout|cerr)\b|\bfopen\s*\(|\bfprintf\s*\((?!stderr)"
)
# The generator is a program of the build, and one file turns the system's randomness into a
# `random_source` that is handed in.
IMPURE_ALLOWED = {"tl/generator", "crypto/secure.cpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
SUFFIXES = {".hpp", ".cpp", ".h"}


def stands_in(path, places):
    return any(path == place or path.startswith(place + "/") for place in places)


def is_public(path):
    return path.endswith(".hpp") and not path.endswith(("/native.hpp", "_native.hpp"))


def check_include(path, folder, quote, header):
    if quote == '"':
        yield f'{path}: "{header}" is included with quotes; write <cafegram/{folder}/...>'
    elif header.startswith("cafegram/"):
        other = header.split("/")[1]
        if other != folder and other not in LAYERS[folder]:
            yield f"{path}: {folder} may not use {other} ({header})"
        if not is_public(header) and (other != folder or is_public(path)):
            yield f"{path}: {header} is for the source files of {other} alone"
    for prefix, places in FOREIGN.items():
        if not header.startswith(prefix):
            continue
        if not stands_in(path, places):
            yield f"{path}: {header} may only be included in {', '.join(sorted(places))}"
        elif prefix in SOURCE_ONLY and is_public(path):
            yield f"{path}: {header} may not stand in a public header"


def check_file(path, text):
    folder = path.split("/")[0]
    code = COMMENT.sub("", text)
    for quote, header in INCLUDE.findall(code):
        yield from check_include(path, folder, quote, header)
    if folder in PURE and not stands_in(path, IMPURE_ALLOWED):
        for use in IMPURE.findall(code):
            yield f"{path}: '{use.strip()}' in a pure layer; take it as an argument"


def check_tree(root):
    files = (f for folder in LAYERS for f in sorted((root / folder).rglob("*")))
    for file in files:
        if file.suffix in SUFFIXES:
            path = file.relative_to(root).as_posix()
            yield from check_file(path, file.read_text(encoding="utf-8"))


GOOD = {
    "base/log.cpp": "#include <spdlog/spdlog.h>\n",
    "crypto/hash.cpp": "#include <cafegram/base/bytes.hpp>\n#include <openssl/evp.h>\n",
    "crypto/native.hpp": "#include <openssl/bn.h>\n",
    "crypto/rsa.cpp": "#include <cafegram/crypto/native.hpp>\n",
    "protocol/session.cpp": "// not steady_clock::now()\n#include <cafegram/tl/codec.hpp>\n",
    "actors/client.hpp": "#include <caf/all.hpp>\n#include <cafegram/protocol/session.hpp>\n",
    "cli/main.cpp": "#include <cafegram/sandbox/server.hpp>\n#include <CLI/CLI.hpp>\n",
}
BAD = {
    "base/a.hpp": "#include <cafegram/tl/codec.hpp>\n",
    "tl/a.cpp": "#include <cafegram/crypto/hash.hpp>\n",
    "crypto/a.hpp": "#include <openssl/evp.h>\n",
    "crypto/c.hpp": "#include <cafegram/crypto/native.hpp>\n",
    "protocol/d.cpp": "#include <cafegram/crypto/native.hpp>\n",
    "crypto/b.cpp": "void f() { std::random_device d; }\n",
    "protocol/a.cpp": "auto t = std::chrono::steady_clock::now();\n",
    "protocol/b.hpp": "#  include <caf/all.hpp>\n",
    "protocol/c.cpp": "#include <sys/socket.h>\n",
    "storage/a.cpp": "#include <cafegram/protocol/session.hpp>\n",
    "bots/a.hpp": "#include <cafegram/storage/session.hpp>\n",
    "bots/b.cpp": "#include <cafegram/crypto/hash.hpp>\n",
    "sandbox/a.cpp": "#include <cafegram/bots/bot.hpp>\n",
    "sandbox/b.cpp": '#include "world.hpp"\n',
    "actors/a.cpp": "#include <nlohmann/json.hpp>\n",
}


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in {**GOOD, **BAD}.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        found = {line.split(":")[0] for line in check_tree(root)}
    missed, wrong = set(BAD) - found, found - set(BAD)
    for path in sorted(missed):
        print(f"self-test: the violation in {path} was not found")
    for path in sorted(wrong):
        print(f"self-test: {path} was refused without reason")
    return 1 if missed or wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).parent.parent
    violations = list(check_tree(root))
    print("\n".join(violations), end="\n" if violations else "")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
