"""Lists the artifacts of a Kafka release whose jars hold schemas, and compares them with those in schema/releases.txt.

    python3 schema/find_artifacts.py RELEASE

Fetches every jar of the release that broker, streams and connect need (artifacts.xml). Exit status 1 if releases.txt has to
change.
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

import kafka_json

HERE = pathlib.Path(__file__).resolve().parent


def holds_schemas(path) -> bool:
    with zipfile.ZipFile(path) as jar:
        return any(name.endswith(".json") and name.startswith(kafka_json.SCHEMA_FOLDERS) for name in jar.namelist())


def main(release) -> int:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mvn", "-B", "-q", "-Dstyle.color=never", "-f", HERE / "artifacts.xml", f"-Drelease={release}",
                        "dependency:copy-dependencies", "-DincludeGroupIds=org.apache.kafka", f"-DoutputDirectory={folder}"],
                       check=True, stdin=subprocess.DEVNULL)
        jars = sorted(pathlib.Path(folder).glob(f"*-{release}.jar"))
        found = [path.name.removesuffix(f"-{release}.jar") for path in jars if holds_schemas(path)]
    lines = [line.split() for line in (HERE / "releases.txt").read_text(encoding="utf-8").splitlines()]
    [known] = [words[2:] for words in lines if words[:1] == ["newer"]]
    for name in found:
        print(name if name in known else f"{name}: holds schemas, add it to the newer release in schema/releases.txt")
    for name in known:
        if name not in found:
            print(f"{name}: has no schemas in {release}, take it out of the newer release in schema/releases.txt")
    return 0 if found == sorted(known) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
