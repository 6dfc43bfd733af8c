"""One node of Apache Kafka, fetched with Maven, started on free ports and stopped again."""

import base64
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
SETTINGS = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{client}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
log.retention.ms=-1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
log.retention.ms=-1
group.initial.rebalance.delay.ms=0
num.partitions=1
log.retention.ms=-1
"""


class Unavailable(Exception):
    """Java, Maven or its registry is missing."""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def fetch_jars(pom, folder):
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is missing")
    if not list(folder.glob("kafka_2.13-*.jar")):
        done = subprocess.run(["mvn", "-B", "-q", "-f", HERE / pom, "dependency:copy-dependencies", "-DincludeScope=runtime",
                               f"-DoutputDirectory={folder}"], capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise Unavailable("Maven cannot fetch Kafka here: " + (done.stdout.strip().splitlines() or ["?"])[0])


class Node:
    """Its `port` is open from the constructor's end to stop()."""

    def __init__(self, pom, work):
        jars, data = work / "jars" / pathlib.Path(pom).stem, work / "data" / pathlib.Path(pom).stem
        fetch_jars(pom, jars)
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        self.port, controller = free_ports(2)
        settings = data / "node.properties"
        settings.write_text(SETTINGS.format(client=self.port, controller=controller, data=data / "log"))
        java = ["java", "-Xmx512m", "-cp", f"{jars}/*"]
        cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        subprocess.run([*java, "kafka.tools.StorageTool", "format", "-t", "A" + cluster[1:], "-c", settings], check=True,
                       capture_output=True, timeout=120)
        self.log = open(data / "kafka.log", "w")
        self.process = subprocess.Popen([*java, "kafka.Kafka", settings], stdout=self.log, stderr=self.log)
        end = time.monotonic() + 120
        while not self.is_open():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"Kafka has not started: see {data / 'kafka.log'}")
            time.sleep(0.2)

    def is_open(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
