"""Kafka's own tools, as their users call them. See scenario.py; the jars are in the folder that KAFKA_TOOLS names."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile

import scenario as s

JAVA = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", os.environ["KAFKA_TOOLS"] + "/*"]


def tool(name, *arguments, given="", status=0):
    done = subprocess.run([*JAVA, "org.apache.kafka.tools." + name, *arguments], input=given, capture_output=True, text=True,
                          timeout=2 * s.PATIENCE)
    s.expect(f"exit status of {name}, which said {done.stdout[-300:]} {done.stderr[-500:]}", done.returncode, status)
    return done.stdout


def topics(_, bootstrap, topic):
    at = ("--bootstrap-server", bootstrap)
    tool("TopicCommand", *at, "--create", "--topic", topic, "--partitions", "3", "--config", "max.message.bytes=5000")
    s.expect("the topic is listed", topic in tool("TopicCommand", *at, "--list").split(), True)
    described = tool("TopicCommand", *at, "--describe", "--topic", topic)
    s.expect("partitions", "PartitionCount: 3" in described, True)
    s.expect("settings", "max.message.bytes=5000" in described, True)
    tool("TopicCommand", *at, "--alter", "--topic", topic, "--partitions", "5")
    s.expect("partitions", "PartitionCount: 5" in tool("TopicCommand", *at, "--describe", "--topic", topic), True)
    tool("TopicCommand", *at, "--delete", "--topic", topic)
    s.expect("the topic is listed", topic in tool("TopicCommand", *at, "--list").split(), False)


def performance(_, bootstrap, topic):
    tool("TopicCommand", "--bootstrap-server", bootstrap, "--create", "--topic", topic, "--partitions", "1")
    said = tool("ProducerPerformance", "--topic", topic, "--num-records", "20000", "--record-size", "1000", "--throughput", "-1",
                "--producer-props", "bootstrap.servers=" + bootstrap)
    s.expect("records sent", "20000 records sent" in said, True)
    said = tool("ConsumerPerformance", "--bootstrap-server", bootstrap, "--topic", topic, "--num-records", "20000", "--timeout", "20000")
    s.expect(f"records in {said!r}", bool(re.search(r", 2\d{4}, ", said)), True)


def verifiable(_, bootstrap, topic):
    said = tool("VerifiableProducer", "--bootstrap-server", bootstrap, "--topic", topic, "--max-messages", "1000")
    s.expect("acknowledged", '"acked":1000' in said.replace(" ", ""), True)
    reader = subprocess.Popen([*JAVA, "org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server", bootstrap, "--topic", topic,
                               "--group-id", topic + "-group", "--reset-policy", "earliest", "--max-messages", "1000"],
                              stdout=subprocess.PIPE, text=True)
    try:
        out, _ = reader.communicate(timeout=s.PATIENCE)
    finally:
        reader.kill()
        reader.wait()
    s.expect("records consumed", sum(map(int, re.findall(r'"name":"records_consumed".*?"count":(\d+)', out))) or
             sum(map(int, re.findall(r'"count":(\d+).*?"name":"records_consumed"', out))), 1000)


def console(_, bootstrap, topic):
    lines = "".join(f"line {i}\n" for i in range(100))
    tool("ConsoleProducer", "--bootstrap-server", bootstrap, "--topic", topic, given=lines)
    s.expect("lines", tool("consumer.ConsoleConsumer", "--bootstrap-server", bootstrap, "--topic", topic, "--from-beginning", "--max-messages",
                           "100", "--timeout-ms", "30000"), lines)


def groups(_, bootstrap, topic):
    at = ("--bootstrap-server", bootstrap)
    performance("", bootstrap, topic)
    with tempfile.NamedTemporaryFile() as out:
        reader = subprocess.Popen([*JAVA, "org.apache.kafka.tools.consumer.ConsoleConsumer", *at, "--topic", topic, "--group", topic + "-group",
                                   "--from-beginning"], stdout=out, stderr=subprocess.DEVNULL)
        command = "consumer.group.ConsumerGroupCommand"
        try:
            s.wait_for("a member", lambda: topic in tool(command, *at, "--describe", "--group", topic + "-group", "--members", "--verbose"))
            s.wait_for("all records", lambda: pathlib.Path(out.name).read_bytes().count(b"\n") == 20000)
        finally:
            reader.send_signal(signal.SIGTERM)
            reader.wait(s.PATIENCE)
        s.expect("the group is listed", topic + "-group" in tool(command, *at, "--list"), True)
        described = tool(command, *at, "--describe", "--group", topic + "-group")
        s.expect(f"committed offset in {described!r}", bool(re.search(rf"{topic}\s+0\s+20000\s+20000\s+0", described)), True)
        tool(command, *at, "--reset-offsets", "--group", topic + "-group", "--topic", topic, "--to-offset", "7", "--execute")
        s.expect("offset that was reset", bool(re.search(rf"{topic}\s+0\s+7\s", tool(command, *at, "--describe", "--group", topic + "-group"))), True)
        tool(command, *at, "--delete", "--group", topic + "-group")


def offsets(_, bootstrap, topic):
    performance("", bootstrap, topic)
    s.expect("offsets", tool("GetOffsetShell", "--bootstrap-server", bootstrap, "--topic", topic).split()[0], f"{topic}:0:20000")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as wanted:
        wanted.write('{"partitions": [{"topic": "%s", "partition": 0, "offset": 100}], "version": 1}' % topic)
        wanted.flush()
        tool("DeleteRecordsCommand", "--bootstrap-server", bootstrap, "--offset-json-file", wanted.name)
    s.expect("offsets", tool("GetOffsetShell", "--bootstrap-server", bootstrap, "--topic", topic, "--time", "earliest").split()[0], f"{topic}:0:100")


def versions(_, bootstrap, topic):
    said = tool("BrokerApiVersionsCommand", "--bootstrap-server", bootstrap)
    s.expect("Produce is listed", "Produce(0): 0 to 13" in said, True)


if __name__ == "__main__":
    s.main({"versions": versions, "topics": topics, "performance": performance, "verifiable": verifiable, "console": console,
            "groups": groups, "offsets": offsets})
