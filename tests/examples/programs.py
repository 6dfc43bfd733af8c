"""Any program that prints the port on which it listens, and totals when it is stopped."""

import re
import subprocess
import tempfile

from echo_broker import Broker


class Program(Broker):
    def __init__(self, *command):
        self.log = tempfile.TemporaryFile("a+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on 127(?:\.\d+){3}:(\d+)\n", line)
        if not found:
            self.close()
            raise AssertionError(f"{command[0]} printed {line!r}")
        self.port = int(found[1])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        else:
            self.show_why_it_ended()
        self.process.stdout.close()
        self.log.close()
