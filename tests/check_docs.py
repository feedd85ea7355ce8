#!/usr/bin/env python3
"""check_docs.py BUILD | --self-test: every test that a table of docs/features.md, docs/protocol.md, docs/supervision.md or
docs/hostile.md names exists; the last one names every test of the hostile suite; the edges of docs/supervision.md
are the tests called `FOLDER.supervision.EDGE`, all of them. Each actor that is spawned in actors/, bots/ or sandbox/
fails on an edge there, or is in its list of those without one, with a reason. The files that docs/protocol.md names exist.

Tests are named as CTest names them; `*` stands for any rest. Without a folder they are tests of `protocol`.
Scripts and commands that a row names are not looked at.
"""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

FOLDERS = ("base", "tl", "crypto", "protocol", "storage", "actors", "bots", "sandbox", "testing", "page",
           "cli", "install", "interop", "chaos", "durability", "hostile")


def existing(build):
    listing = subprocess.run(["ctest", "--test-dir", build, "-N"], check=True, capture_output=True,
                             text=True).stdout
    return re.findall(r"Test +#\d+: (\S+)", listing)


def named(path):
    """(line number, pattern) of each test in the last column of the tables. `.name` continues the suite
    of the name before it; a name without a folder is one of `protocol`."""
    for number, line in enumerate(open(path, encoding="utf8"), 1):
        if not line.startswith("|") or line.startswith("|--"):
            continue
        column = line.rstrip().rstrip("|").split("|")[-1].replace("`", " ")
        suite = ""
        for name in re.findall(r"[A-Za-z0-9_.*/]+", column):
            if re.fullmatch(r"\.[a-z0-9_*]+", name) and suite:
                yield number, suite + name
            elif re.fullmatch(r"[a-z0-9_]+(\.[a-zA-Z0-9_*/]+)+", name) and not name.endswith((".py", ".sh")):
                full = name if name.split(".")[0] in FOLDERS else "protocol." + name
                suite = full.rsplit(".", 1)[0]
                yield number, full


def check_files(path):
    """How many files of the second column do not exist. Those without a folder are in protocol/."""
    wrong = 0
    for number, line in enumerate(open(path, encoding="utf8"), 1):
        cells = line.split("|")
        if not line.startswith("|") or len(cells) != 5:
            continue
        for name in re.findall(r"[a-z0-9_/]+\.[ch]pp", cells[2]):
            file = name if "/" in name else "protocol/" + name
            if not os.path.exists(file):
                print(f"{path}:{number}: there is no {file}")
                wrong += 1
    return wrong


def rows_of_hostile(path):
    """(line number, pattern) of each row that a table of docs/hostile.md names."""
    for number, line in enumerate(open(path, encoding="utf8"), 1):
        if line.startswith("| ") and not line.startswith("| check |"):
            for name in line.rstrip().rstrip("|").split("|")[-1].replace(",", " ").split():
                yield number, "hostile.*" + name


def check_hostile(tests, path="docs/hostile.md"):
    """The tables name what there is, and all there is. The number of what is wrong."""
    wrong = 0
    ours = [test for test in tests if test.startswith("hostile.")]
    named = list(rows_of_hostile(path))
    for number, pattern in named:
        if not fnmatch.filter(ours, pattern):
            print(f"{path}:{number}: no test is called {pattern}")
            wrong += 1
    for test in ours:
        if not any(fnmatch.fnmatchcase(test, pattern) for _, pattern in named):
            print(f"{path}: does not name {test}")
            wrong += 1
    return wrong


def edges(path):
    """(line number, name) of each row of the tables whose first column is called `edge`."""
    within = False
    for number, line in enumerate(open(path, encoding="utf8"), 1):
        first = line.split("|")[1].strip() if line.startswith("|") else ""
        if first == "edge":
            within = True
        elif not first:
            within = False
        elif within and not first.startswith("-"):
            yield number, first.strip("`")


def check_edges(path, tests):
    """How many edges have no test of their name, or tests no edge."""
    listed = {}
    wrong = 0
    for number, name in edges(path):
        if name in listed:
            print(f"{path}:{number}: {name} is listed twice")
            wrong += 1
        listed[name] = number
        if name not in tests:
            print(f"{path}:{number}: the edge {name} has no test of this name")
            wrong += 1
    for test in tests:
        if ".supervision." in test and test not in listed:
            print(f"{path}: the test {test} is no edge of any table")
            wrong += 1
    print(f"{len(listed)} edges")
    return wrong if listed else wrong + 1


ACTORS = ("actors", "bots", "sandbox")
FAILS = "dies|stalls|ends|floods|throws|tells|loses"


def spawned(text):
    """The actors that a source spawns: X in a function `spawn_X`, or by what runs as the actor (a function, a class),
    or for a lambda by the function around it."""
    found = set()
    around = ""
    for start in re.finditer(r"^(?=\S)[^\n;#]*?\b(\w+)\([^;]*?\{$|(?:[.>]|\bself->)spawn(?:_broker)?(<[^(;]*>)?\(\s*([\w\[]+)"
                             r"|^\}", text, re.M):
        if start[0] == "}":
            around = ""
        elif start[1]:
            around = start[1]
        elif around.startswith("spawn_"):
            found.add(around.removeprefix("spawn_"))
        else:
            of_class = re.match(r"<(?!caf::)(\w+)", start[2] or "")
            name = of_class[1] if of_class else around if start[3].startswith("[") else start[3]
            found.add(name.removesuffix("_self"))
    return found


def spawned_actors():
    out = {}
    for folder in ACTORS:
        for path in sorted(pathlib.Path(folder).glob("*.cpp")):
            for name in spawned(path.read_text(encoding="utf8")):
                out.setdefault(name, path)
    return out


def without_edges(path):
    """{actor: (line number, reason)} of the list under the heading `Actors without an edge`."""
    out = {}
    within = False
    for number, line in enumerate(open(path, encoding="utf8"), 1):
        if line.startswith("#"):
            within = line.strip("# \n").startswith("Actors without an edge")
        item = re.match(r"- `(\w+)`: (\S.*)", line)
        if within and item:
            out[item[1]] = (number, item[2])
    return out


def unguarded(actors, names, excused):
    """What is wrong with the actors, as lines. `names`: of the edges."""
    wrong = []
    for actor, where in actors.items():
        has_edge = any(re.search(rf"[._]{actor}_({FAILS})", name) for name in names)
        if not has_edge and actor not in excused:
            wrong.append(f"{where}: the actor {actor} fails on no edge of docs/supervision.md, nor is it in its list")
        if has_edge and actor in excused:
            wrong.append(f"docs/supervision.md:{excused[actor][0]}: {actor} has an edge")
    wrong += [f"docs/supervision.md:{number}: there is no actor {actor}"
              for actor, (number, _) in excused.items() if actor not in actors]
    return wrong


def check_actors(path):
    actors = spawned_actors()
    wrong = unguarded(actors, [name for _, name in edges(path)], without_edges(path))
    print("\n".join(wrong + [f"{len(actors)} actors"]))
    return len(wrong) if actors else 1


def self_test():
    source = """
pool_actor spawn_pool(caf::actor_system& system) {
  return system.spawn([]() {
    return behavior{};
  });
}
void state::start() {
  hub = self->spawn<caf::detached>(worker);
  chat = self_->spawn<talk_self, caf::monitored>(1);
  wire = system.middleman().spawn_broker(wire_broker, std::move(socket));
}
caf::actor watch(caf::actor_system& system, parts what,
                 std::function<void()> done) {
  return system.spawn(
      [done](caf::event_based_actor* self) {});
}
"""
    assert spawned(source) == {"pool", "worker", "talk", "wire_broker", "watch"}, spawned(source)
    assert not spawned("actor spawn_pool(system& of);\nx = spawn_pool(system);\n")
    edge = ["a.supervision.client_pool_dies"]
    assert not unguarded({"pool": "x.cpp"}, edge, {})
    assert unguarded({"dc_pool": "x.cpp"}, edge, {}), "another actor's edge"
    assert unguarded({"client": "x.cpp"}, edge, {}), "who watches is not who fails"
    assert not unguarded({"gate": "x.cpp"}, edge, {"gate": (1, "why")})
    assert unguarded({"pool": "x.cpp"}, edge, {"pool": (1, "why")}), "an excuse that is none"
    assert unguarded({"pool": "x.cpp"}, edge, {"gone": (1, "why")}), "an excuse for nobody"


def main(build):
    self_test()
    if build == "--self-test":
        return 0
    tests = existing(build)
    missing = (check_hostile(tests) + check_edges("docs/supervision.md", set(tests)) +
               check_actors("docs/supervision.md") + check_files("docs/protocol.md"))
    seen = 0
    for path in ("docs/features.md", "docs/protocol.md", "docs/supervision.md"):
        for number, pattern in named(path):
            seen += 1
            if not any(fnmatch.fnmatchcase(test, pattern) or test.startswith(pattern + "/")
                       for test in tests):
                print(f"{path}:{number}: no test is called {pattern}")
                missing += 1
    print(f"{seen} tests named, {missing} missing, {len(tests)} exist")
    return 1 if missing or not seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "build/release"))
