"""kcat, which is librdkafka as a tool. See scenario.py."""

import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import scenario as s

FORMAT = "%K %S\n%k%s\n"


def kcat(bootstrap, *arguments, given=b""):
    done = subprocess.run(["kcat", "-b", bootstrap, *arguments], input=given, capture_output=True, timeout=s.PATIENCE)
    s.expect(f"exit status of kcat {arguments[0]}, which said {done.stderr[-300:]}", done.returncode, 0)
    return done.stdout


def parse(out):
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        sizes = [int(number) for number in out[at:end].split()]
        at = end + 1
        fields = []
        for size in sizes:
            fields.append(None if size < 0 else out[at:at + size])
            at += max(size, 0)
        at += 1
        yield (*fields, [])


def read_all(bootstrap, topic, **more):
    settings = [part for name, value in more.items() for part in ("-X", f"{name.replace('_', '.')}={value}")]
    return list(parse(kcat(bootstrap, "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", FORMAT, *settings)))


def pass_through(name, bootstrap, topic):
    if name == "nulls":
        sys.exit(s.SKIPPED)  # an option makes all empty ones null
    records = s.records_of(name)
    if name == "headers":
        kcat(bootstrap, "-P", "-t", topic, "-p", "0", "-H", "trace=1", "-H", "empty=", "-H", "trace=again", given=b"value")
        s.expect("headers", kcat(bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%h"), b"trace=1,empty=,trace=again")
        return
    settings = ["-z", name] if name in s.CODECS else []
    if name == "idempotent":
        settings += ["-X", "enable.idempotence=true"]
    if name == "acks0":
        settings += ["-X", "acks=0"]
    with tempfile.TemporaryDirectory() as folder:
        if name == "large":  # a file is a message, and has no key
            files = []
            for number, (_, value, _) in enumerate(records):
                files.append(pathlib.Path(folder, str(number)))
                files[-1].write_bytes(value)
            kcat(bootstrap, "-P", "-t", topic, "-p", "0", *settings, *map(str, files))
            records = [(None, value, []) for _, value, _ in records]
        else:
            kcat(bootstrap, "-P", "-t", topic, "-p", "0", "-K", "\t", *settings, given=b"".join(b"%s\t%s\n" % r[:2] for r in records))
    s.expect_records(read_all(bootstrap, topic), records)


class Member:
    def __init__(self, bootstrap, topic):
        self.log = tempfile.TemporaryFile("w+b")
        self.out = tempfile.TemporaryFile("w+b")
        self.process = subprocess.Popen(["kcat", "-b", bootstrap, "-G", topic + "-group", "-X", f"session.timeout.ms={s.SESSION_MS}",
                                         "-X", "heartbeat.interval.ms=500", "-X", "auto.offset.reset=earliest", "-u", "-f", "%p %o\n", topic],
                                        stdout=self.out, stderr=self.log)

    def partitions(self):
        """How many partitions the last line about an assignment names."""
        self.log.seek(0)
        lines = [line for line in self.log.read().decode().splitlines() if "rebalanced" in line]
        return 0 if not lines or "revoked" in lines[-1] else len(re.findall(r"\[\d+\]", lines[-1]))

    def records(self):
        self.out.seek(0)
        return set(self.out.read().splitlines())

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(s.PATIENCE)


def group(_, bootstrap, topic):
    # Topics of several partitions: the broker was started with four for kcat, which cannot create one.
    records = s.records_of("plain")
    kcat(bootstrap, "-P", "-t", topic, "-K", "\t", given=b"".join(b"%s\t%s\n" % r[:2] for r in records))
    count = len(re.findall(r"partition \d+, leader", kcat(bootstrap, "-L", "-t", topic).decode()))
    first = Member(bootstrap, topic)
    members = [first]
    try:
        s.wait_for("all partitions alone", lambda: time.sleep(0.1) or first.partitions() == count)
        for ending in (signal.SIGKILL, signal.SIGTERM):
            other = Member(bootstrap, topic)
            members.append(other)
            s.wait_for("a share", lambda: time.sleep(0.1) or 0 < other.partitions() < count and other.partitions() + first.partitions() == count)
            other.end(ending)
            s.wait_for(f"all partitions after {ending.name} to the other", lambda: time.sleep(0.1) or first.partitions() == count)
        s.wait_for("all records", lambda: time.sleep(0.1) or len(first.records() | members[1].records() | members[2].records()) == 500)
        first.end(signal.SIGTERM)  # commits
        kcat(bootstrap, "-P", "-t", topic, "-p", "0", given=b"later\n")
        later = Member(bootstrap, topic)
        members.append(later)
        s.wait_for("the record after the committed ones", lambda: time.sleep(0.1) or len(later.records()) == 1)
    finally:
        for one in members:
            one.process.kill()
            one.process.wait()


if __name__ == "__main__":
    s.main({name: pass_through for name in ("plain", "acks0", *s.CODECS, "headers", "nulls", "large", "idempotent")} | {"group": group})
