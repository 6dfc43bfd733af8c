#!/usr/bin/env python3
"""Real clients against the echo broker: each client, pinned by version, runs each scenario.

    KWIRE_BUILD_DIR=build/release python3 tests/interop/clients/run.py [--only CLIENT] [--scenario NAME] [--write docs/clients.md]

Installs the clients below the build directory, from the registries that the machine reaches; a client that cannot be installed is
left out with a line. `--broker HOST:PORT` uses a broker that runs already, for example Apache Kafka. `--write` puts the table into
a page between its two marks. Exit status: 0; 1 if a scenario failed; 77 if there was no client at all.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "examples"))
from echo_broker import Broker  # noqa: E402

BUILD = pathlib.Path(os.environ["KWIRE_BUILD_DIR"]).resolve()
PLACE = BUILD / "interop" / "clients"
CONFLUENT = "confluent-kafka==2.16.1"
SKIPPED = 77
PATIENCE = 240  # seconds for a scenario
SCENARIOS = ["plain", "acks0", "gzip", "snappy", "lz4", "zstd", "headers", "nulls", "large", "idempotent", "transactions", "group", "admin"]
SECOND_READER = {"plain", "acks0", "gzip", "snappy", "lz4", "zstd", "large", "idempotent"}
NODE = "24.21.0"  # for @platformatic/kafka
START, END = "<!-- begin of what run.py writes -->", "<!-- end of what run.py writes -->"


class Missing(Exception):
    """A client cannot be installed here."""


def run(*command, **more):
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900, **more)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Missing(str(failure))
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise Missing(f"{command[0]}: {lines[-1]}")
    return done.stdout


def once(name, install):
    """A folder that `install(folder)` has filled, now or in an earlier run."""
    folder = PLACE / name
    mark = folder / "installed"
    if not mark.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        mark.touch()
    return folder


def python(driver, *packages):
    def install(folder):
        run(sys.executable, "-m", "venv", folder)
        run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    name = re.sub(r"[^a-z0-9.]+", "-", "-".join(packages))
    return [once(name, install) / "bin" / "python", HERE / driver]


def confluent():
    return python("confluent.py", CONFLUENT)


def debian_python(driver, module):
    run("/usr/bin/python3", "-c", f"import {module}")
    return ["/usr/bin/python3", HERE / driver]


def node(driver, binary, *packages):
    def install(folder):
        (folder / "package.json").write_text("{}")
        run("npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *packages)
    folder = once(re.sub(r"[^a-z0-9.]+", "-", "-".join(packages)), install)
    shutil.copytree(HERE / "js", folder / "js", dirs_exist_ok=True)  # packages are found from where a file lies
    return [folder / "node_modules" / ".bin" / "node" if binary else "node", folder / "js" / driver]


def go(package):
    out = PLACE / "go" / package
    out.parent.mkdir(parents=True, exist_ok=True)
    run("go", "build", "-o", out, "./" + package, cwd=HERE / "go")
    return [out]


def java(version):
    def install(folder):
        run("mvn", "-B", "-q", "-f", HERE / "java" / "pom.xml", f"-Dclients={version}", "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}")
    folder = once("java-" + version, install)
    run("javac", "-cp", folder / "jars" / "*", "-d", folder / "classes", HERE / "java" / "Driver.java")
    return ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{folder / 'classes'}:{folder / 'jars'}/*", "Driver"]


def kafka_tools(version):
    def install(folder):
        run("mvn", "-B", "-q", "-f", HERE / "java" / "pom.xml", f"-Dclients={version}", f"-Dtools={version}", "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}")
    os.environ["KAFKA_TOOLS"] = str(once("tools-" + version, install) / "jars")
    return [sys.executable, HERE / "kafka_tools.py"]


def kafka_streams(version):
    def install(folder):
        run("mvn", "-B", "-q", "-f", HERE / "java" / "pom.xml", f"-Dclients={version}", f"-Dstreams={version}", "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}")
    folder = once("streams-" + version, install)
    run("javac", "-cp", folder / "jars" / "*", "-d", folder / "classes", HERE / "java" / "WordCount.java")
    return ["java", "-Xmx512m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{folder / 'classes'}:{folder / 'jars'}/*", "WordCount"]


def kcat():
    run("kcat", "-V")
    return [sys.executable, HERE / "kcat.py"]


# Name, how to get its command, environment.
CLIENTS = [
    ("kcat 1.7.1, librdkafka 2.0.2 (Debian)", kcat, {}),
    ("confluent-kafka 2.16.1 (librdkafka)", confluent, {}),
    ("confluent-kafka 2.16.1, KIP-848", confluent, {"GROUP_PROTOCOL": "consumer"}),
    ("kafka-python 2.0.2 (Debian)", lambda: debian_python("kafka_python.py", "kafka"), {}),
    ("kafka-python 3.0.12", lambda: python("kafka_python.py", "kafka-python==3.0.12", "python-snappy==0.7.3", "lz4==4.4.5", "zstandard==0.25.0"), {}),
    ("aiokafka 0.14.0", lambda: python("aiokafka_client.py", "aiokafka==0.14.0", "cramjam==2.11.0"), {}),
    ("kafkajs 2.2.4", lambda: node("kafkajs.mjs", False, "kafkajs@2.2.4", "kafkajs-snappy@1.1.0", "kafkajs-lz4@1.2.1"), {}),
    ("@platformatic/kafka 2.12.1", lambda: node("platformatic.mjs", True, "@platformatic/kafka@2.12.1", f"node@{NODE}"), {}),
    ("kafka-ts 1.5.0", lambda: node("kafka_ts.mjs", False, "kafka-ts@1.5.0"), {}),
    ("kafka-ts 1.5.0, KIP-848", lambda: node("kafka_ts.mjs", False, "kafka-ts@1.5.0"), {"GROUP_PROTOCOL": "consumer"}),
    ("franz-go 1.22.2", lambda: go("franz"), {}),
    ("sarama 1.61.1", lambda: go("sarama"), {}),
    ("kafka-go 0.4.51", lambda: go("kafkago"), {}),
    ("kafka-clients 4.4.0 (Java)", lambda: java("4.4.0"), {}),
    ("kafka-clients 4.4.0, KIP-848", lambda: java("4.4.0"), {"GROUP_PROTOCOL": "consumer"}),
    ("kafka-clients 3.9.2 (Java)", lambda: java("3.9.2"), {}),
]
TOOLS = [("Kafka's tools 4.3.1", lambda: kafka_tools("4.3.1"), {})]
TOOL_SCENARIOS = ["versions", "topics", "performance", "verifiable", "console", "groups", "offsets"]
STREAMS = [("Kafka Streams 4.4.0", lambda: kafka_streams("4.4.0"), {})]
STREAMS_SCENARIOS = ["at_least_once", "exactly_once"]
# The kinds of programs, each with scenarios of its own.
KINDS = [("client", CLIENTS, SCENARIOS), ("tools", TOOLS, TOOL_SCENARIOS), ("streams", STREAMS, STREAMS_SCENARIOS)]


def drive(command, scenario, address, topic, environment):
    """(passed, skipped or failed; seconds; what it said) of a driver."""
    started = time.monotonic()
    process = subprocess.Popen([*map(str, command), scenario, address, topic], env=os.environ | environment, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True, cwd=HERE)
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        return "failed", PATIENCE, said + f"\nno end within {PATIENCE} s"
    state = {0: "passed", SKIPPED: "skipped"}.get(process.returncode, "failed")
    return state, time.monotonic() - started, said


def second_reader():
    try:
        return confluent()
    except Missing:
        return None


def table(results):
    marks = {"passed": "yes", "skipped": "–", "failed": "**no**", None: ""}

    def rows(kind, programs, scenarios):
        lines = [f"| {kind} | " + " | ".join(scenarios) + " |", "|---" * (len(scenarios) + 1) + "|"]
        for name, *_ in programs:
            if name in results:
                lines.append(f"| {name} | " + " | ".join(marks[results[name].get(s)] for s in scenarios) + " |")
        return "\n".join(lines)
    return "\n\n".join(rows(*kind) for kind in KINDS)


def write(page, results):
    path = pathlib.Path(page)
    text = path.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    path.write_text(f"{before}{START}\n\n{table(results)}\n\n{END}{after}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", default="", help="clients whose name contains this")
    options.add_argument("--scenario", default="", help="one scenario")
    options.add_argument("--broker", default="", help="HOST:PORT of a broker that runs already")
    options.add_argument("--write", default="", help="the page whose table to replace")
    chosen = options.parse_args()
    reader = second_reader()
    results, failures = {}, 0
    for name, command_of, environment, scenarios in [(*program, scenarios) for _, programs, scenarios in KINDS for program in programs]:
        if chosen.only not in name:
            continue
        try:
            command = command_of()
        except Missing as why:
            print(f"{name}: left out, since it cannot be installed here: {why}", flush=True)
            continue
        broker = None if chosen.broker else Broker("--partitions", "4")
        address = chosen.broker or f"127.0.0.1:{broker.port}"
        states = results[name] = {}
        for scenario in scenarios:
            if chosen.scenario not in ("", scenario):
                continue
            topic = f"{scenario}-{uuid.uuid4().hex[:12]}"
            state, seconds, said = drive(command, scenario, address, topic, environment)
            if state == "passed" and scenario in SECOND_READER and reader and "Debian" not in name:
                state, _, said = drive(reader, "check-" + scenario, address, topic, {})
            states[scenario] = state
            print(f"{name:40} {scenario:14} {state} {seconds:6.1f} s", flush=True)
            if state == "failed":
                failures += 1
                print("    " + "\n    ".join(said.strip().splitlines()[-12:]), flush=True)
        if broker:
            status, totals = broker.stop()
            print(f"{name:40} the broker: {totals.strip()}", flush=True)
            if status != 0:
                failures += 1
                print(f"    the broker ended with {status}: {broker.errors()[-500:]}", flush=True)
    print("\n" + table(results))
    if chosen.write:
        write(chosen.write, results)
    if not results:
        sys.exit(SKIPPED)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
