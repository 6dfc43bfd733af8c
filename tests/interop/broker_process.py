"""The echo broker as a process with a data directory, for the kill test and the soak test."""

import os
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "examples"))
from echo_broker import Broker  # noqa: E402


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class BrokerProcess(Broker):
    """It runs from the constructor's end to stop() or kill(), and can be started again on the same port with the same files."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.arguments = ("--port", str(free_port()), "--data-dir", folder / "data", *arguments)
        self.log, self.earlier_errors = None, ""
        self.start()

    def start(self):
        if self.log is not None:
            self.earlier_errors = self.errors()
            self.log.close()
        super().__init__(*self.arguments)
        self.address = f"127.0.0.1:{self.port}"

    def errors(self):
        """Of all runs."""
        return self.earlier_errors + super().errors()

    def kill(self):
        """As `kill -9`: nothing is written any more."""
        self.process.kill()
        self.process.communicate()

    def memory_mib(self):
        return self.status("VmRSS") / 1024

    def descriptors(self):
        """How many it holds, without the files of the log, which grow with what is kept."""
        folder = pathlib.Path(f"/proc/{self.process.pid}/fd")
        names = [os.readlink(entry) for entry in folder.iterdir()]
        return sum(not name.startswith(str((self.folder / "data").resolve())) for name in names)
