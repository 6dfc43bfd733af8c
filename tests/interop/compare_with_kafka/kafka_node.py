"""Nodes of Apache Kafka, fetched with Maven, started on free ports and stopped again."""

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
node.id={node}
listeners=PLAINTEXT://{host}:{client},BETWEEN://127.0.0.1:{between},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://{host}:{client},BETWEEN://127.0.0.1:{between}
controller.listener.names=CONTROLLER
inter.broker.listener.name=BETWEEN
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BETWEEN:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters={voters}
log.dirs={data}
default.replication.factor={nodes}
min.insync.replicas={most_in_sync}
offsets.topic.replication.factor={nodes}
offsets.topic.num.partitions={nodes}
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr={most_in_sync}
transaction.state.log.num.partitions={nodes}
log.retention.ms=-1
group.initial.rebalance.delay.ms=0
num.partitions={partitions}
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
    """One node of a cluster. Clients find it at `host` and `port` from start() to stop(), and from the next start() on again."""

    def __init__(self, jars, data, host, port):
        self.java = ["java", "-Xmx512m", "-cp", f"{jars}/*"]
        self.data, self.host, self.port = data, host, port
        self.settings = data / "node.properties"
        self.process = self.log = None
        self.probe = None  # where to look whether it runs: brokers connect there, and no client

    def format(self, cluster, **settings):
        """Begins to write the files of a new node, and returns the process that does."""
        self.data.mkdir(parents=True)
        self.probe = "127.0.0.1", settings["between"]
        self.settings.write_text(SETTINGS.format(host=self.host, client=self.port, data=self.data / "log", **settings))
        return subprocess.Popen([*self.java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", self.settings],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self.log = open(self.data / "kafka.log", "a")
        self.process = subprocess.Popen([*self.java, "kafka.Kafka", self.settings], stdout=self.log, stderr=self.log)

    def wait(self):
        end = time.monotonic() + 300
        while not self.is_open():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"Kafka has not started: see {self.data / 'kafka.log'}")
            time.sleep(0.2)

    def is_open(self):
        try:
            socket.create_connection(self.probe, 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.process = None


class Cluster:
    """New nodes, one for each host, all of them started. `partitions` is the number of those that new topics get."""

    def __init__(self, pom, work, hosts=("127.0.0.1",), partitions=1):
        jars, data = work / "jars" / pathlib.Path(pom).stem, work / "data" / f"{pathlib.Path(pom).stem}-{len(hosts)}"
        fetch_jars(pom, jars)
        shutil.rmtree(data, ignore_errors=True)
        count = len(hosts)
        ports = free_ports(3 * count)
        self.nodes = [Node(jars, data / str(1 + i), host, ports[i]) for i, host in enumerate(hosts)]
        voters = ",".join(f"{1 + i}@127.0.0.1:{ports[count + i]}" for i in range(count))
        cluster = "A" + base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")[1:]
        formats = [node.format(cluster, node=1 + i, controller=ports[count + i], between=ports[2 * count + i], voters=voters,
                               nodes=count, most_in_sync=(count + 1) // 2, partitions=partitions)
                   for i, node in enumerate(self.nodes)]
        if any([process.wait(300) for process in formats]):
            raise RuntimeError(f"Kafka cannot format its files in {data}")
        try:
            for node in self.nodes:
                node.start()
            for node in self.nodes:
                node.wait()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for node in self.nodes:
            node.stop()
