"""Writes schema/messages/*.txt from the schemas in the jars of two Kafka releases.

    python3 schema/import.py --jars DIR [--newer RELEASE]

The jars are called ARTIFACT-RELEASE.jar, as fetch_jars.sh leaves them. Without --newer the releases are those of
releases.txt, and the counts there must be right; with it releases.txt is rewritten. Nothing is written
before every check has passed: each (message, version) is compared with the schema of the release that decides it, and
each difference between the releases, and each message that only the older one has, must have its decision in
decisions.md.
"""

import argparse
import fnmatch
import pathlib
import re
import sys

import compare
import kafka_json
import merge
import model
import naming
from model import Message, SchemaError, has

HERE = pathlib.Path(__file__).resolve().parent


class Release:
    """The schemas of one release: as JSON and as messages, those that only keep a key occupied left out."""

    def __init__(self, name: str, raw: dict[str, dict]):
        self.name = name
        self.raw = raw
        loaded = {message: kafka_json.load(schema) for message, schema in raw.items()}
        self.messages = {message: found for message, found in loaded.items() if found is not None}


def read_releases(path) -> dict[str, list[str]]:
    """{"newer": [release, artifact, ...], "older": [...], "messages": [count], "pairs": [count]}"""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = {words[0]: words[1:] for words in lines if words}
    if set(found) != {"newer", "older", "messages", "pairs"}:
        raise SchemaError(f"{path}: expected newer, older, messages and pairs")
    return found


def write_releases(path, found: dict[str, list[str]]):
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    lines = comments + [" ".join([word, *found[word]]) for word in ("newer", "older", "messages", "pairs")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_release(jars, name: str, artifacts: list[str]) -> Release:
    paths = [jars / f"{artifact}-{name}.jar" for artifact in artifacts]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise SchemaError(f"{jars} lacks {', '.join(missing)}; schema/fetch_jars.sh fetches them")
    return Release(name, kafka_json.read_jars(paths))


# ------------------------------------------------------------------------------------------------- decisions

ONLY_IN_OLDER = "only in older: "
ADVICE = ("\nIf the newer release removed a message, write `older: NAME` and why. If it still has it in another artifact, add the "
          "artifact to schema/releases.txt; schema/find_artifacts.py lists those that hold schemas.")


def read_decisions(text: str) -> list[tuple[str, str]]:
    """(verb, rest) of every indented line `verb: rest`; all else is prose."""
    return [(match[1], match[2].strip())
            for match in re.finditer(r"^    (newer|older|both|set): (.*)$", text, re.MULTILINE)]


def undecided(differences: list[str], decisions: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """(differences without a decision, decisions without a difference)

    A message that only the older release has is named whole: that it was removed, and not overlooked because its artifact
    is missing from releases.txt, is looked up for each one.
    """
    used = set()
    open_ = []
    for line in differences:
        if line.startswith(ONLY_IN_OLDER):
            fitting = [(word, rest) for word, rest in decisions if word == "older" and ONLY_IN_OLDER + rest == line]
        else:
            verb = "both" if line.startswith("twin ") else "newer"
            fitting = [(word, pattern) for word, pattern in decisions
                       if word == verb and fnmatch.fnmatchcase(line, pattern)]
        used.update(fitting)
        if not fitting:
            open_.append(line)
    return open_, [f"{verb}: {rest}" for verb, rest in decisions if verb != "set" and (verb, rest) not in used]


def apply_settings(messages: dict[str, Message], decisions: list[tuple[str, str]]):
    """`set: MESSAGE kind=KIND key=KEY renamed=MESSAGE`, for what an older release did not say yet."""
    for verb, rest in decisions:
        if verb != "set":
            continue
        name, *settings = rest.split()
        if name not in messages:
            raise SchemaError(f"decisions.md sets facts of {name}, which no release has")
        for setting in settings:
            what, _, value = setting.partition("=")
            if what == "kind" and value in model.KINDS:
                messages[name].kind = value
            elif what == "key":
                messages[name].key = int(value)
            elif what == "renamed" and value in messages:
                messages[name].renamed = value
            else:
                raise SchemaError(f"decisions.md: `{setting}` cannot be set")


# ----------------------------------------------------------------------------------------------------- files


def union(newer: Release, older: Release, decisions: list[tuple[str, str]]) -> dict[str, Message]:
    names = sorted(set(newer.messages) | set(older.messages))
    messages = {name: merge.merge(newer.messages.get(name), older.messages.get(name)) for name in names}
    apply_settings(messages, decisions)
    for message in messages.values():
        naming.check_message(message)
    return messages


def check_union(messages: dict[str, Message], newer: Release, older: Release) -> int:
    """Compares every (message, version) with the release that decides it; returns how many there are."""
    seen = set()
    for name, message in messages.items():
        for version in message.version_numbers():
            first = newer.messages.get(name)
            decider = newer if first is not None and has(first.versions, version) else older
            where = f"{name} v{version}"
            known = decider.messages[name]
            if known.flexible(version) != message.flexible(message.canonical(version)):
                raise SchemaError(f"{where}: flexible should be {known.flexible(version)}")
            compare.check_layout(compare.layout_of_raw(decider.raw[name], version),
                                 compare.layout_of(message, version), where, with_hints=decider is newer)
            seen.add((name, version))
    expected = {(name, version) for release in (newer, older) for name, message in release.messages.items()
                for version in message.version_numbers()}
    if seen != expected:
        raise SchemaError(f"versions lost or invented: {sorted(seen ^ expected)}")
    return len(seen)


def origin(message: Message, newer: Release, older: Release) -> str:
    """`Kafka 3.9.2 speaks for v0-3.`, or nothing where the newer release speaks for all.

    The newer release is not named, so that importing the next one changes only files whose facts change.
    """
    rest = merge.leftover(newer.messages.get(message.name), older.messages.get(message.name))
    if not rest:
        return ""
    return f"Kafka {older.name} speaks for v{rest[0]}" + (f"-{rest[-1]}." if rest[1:] else ".")


ORDER = ("request", "coordinator-key", "header", "metadata", "data", "response", "coordinator-value")


def files(messages: dict[str, Message], newer: Release, older: Release) -> dict[str, str]:
    """The text of each file by its stem."""
    grouped: dict[str, list[Message]] = {}
    for message in messages.values():
        grouped.setdefault(naming.file_stem(message.name, message.kind), []).append(message)
    found = {}
    for stem, group in sorted(grouped.items()):
        group.sort(key=lambda message: ORDER.index(message.kind))
        kinds = tuple(message.kind for message in group)
        if len(group) > 1 and kinds not in (("request", "response"), ("coordinator-key", "coordinator-value")):
            raise SchemaError(f"{', '.join(message.name for message in group)} would share the file {stem}.txt")
        origins = [origin(message, newer, older) for message in group]
        head = "# Facts imported by schema/import.py; do not edit."
        if len(set(origins)) == 1:
            found[stem] = f"{head} {origins[0]}".rstrip() + "\n" + "\n".join(map(model.write, group))
        else:
            parts = [(f"# {words}\n" if words else "") + model.write(message)
                     for words, message in zip(origins, group)]
            found[stem] = head + "\n" + "\n".join(parts)
        if model.parse(found[stem], stem) != group:
            raise SchemaError(f"{stem}: the text does not read back as what was written")
    return found


def run(jars, newer_name: str | None, out) -> None:
    releases = read_releases(out / "releases.txt")
    if newer_name:
        releases["newer"][0] = newer_name
    newer, older = (read_release(jars, releases[role][0], releases[role][1:]) for role in ("newer", "older"))

    decisions = read_decisions((out / "decisions.md").read_text(encoding="utf-8"))
    differing = compare.differences(older.raw, newer.raw, older.messages, newer.messages, older.name, newer.name)
    only_older = [ONLY_IN_OLDER + name for name in sorted(set(older.messages) - set(newer.messages))]
    open_, idle = undecided(differing + only_older, decisions)
    for line in idle:
        print(f"note: decisions.md decides what the releases agree on: {line}", file=sys.stderr)
    if open_:
        raise SchemaError("the releases differ; decide in schema/decisions.md:\n    " + "\n    ".join(open_)
                          + (ADVICE if any(line.startswith(ONLY_IN_OLDER) for line in open_) else ""))

    print(*only_older, sep="\n")

    messages = union(newer, older, decisions)
    texts = files(messages, newer, older)
    # What is checked is what a reader of the files will see.
    reread = {message.name: message for text in texts.values() for message in model.parse(text)}
    counts = {"messages": [str(len(reread))], "pairs": [str(check_union(reread, newer, older))]}
    if newer_name is None and any(releases[what] != counts[what] for what in counts):
        raise SchemaError(f"releases.txt expects {releases['messages'][0]} messages and {releases['pairs'][0]} pairs, "
                          f"found {counts['messages'][0]} and {counts['pairs'][0]}")

    folder = out / "messages"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.txt"):
        if path.stem not in texts:
            path.unlink()
    for stem, text in texts.items():
        (folder / f"{stem}.txt").write_text(text, encoding="utf-8")
    write_releases(out / "releases.txt", releases | counts)
    print(f"{counts['messages'][0]} messages, {counts['pairs'][0]} (message, version) pairs, {len(texts)} files, "
          f"{len(differing)} decided differences, "
          f"{len(only_older)} messages of the older release only")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write schema/messages from the jars of two Kafka releases.")
    parser.add_argument("--jars", type=pathlib.Path, required=True, help="directory with ARTIFACT-RELEASE.jar files")
    parser.add_argument("--newer", metavar="RELEASE", help="take this release in place of the one in releases.txt")
    parser.add_argument("--out", type=pathlib.Path, default=HERE, help="the schema directory to read and write")
    args = parser.parse_args()
    try:
        run(args.jars, args.newer, args.out)
    except SchemaError as error:
        print(f"import.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
