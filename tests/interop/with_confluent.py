"""For scripts that need confluent-kafka: they go on under the Python that has it, below the build directory."""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "clients"))
import run as clients  # noqa: E402  (clients/run.py, which installs the same version)


def restart_with_confluent():
    """Returns if this Python has the package; otherwise installs it and starts the script again. Exits with 77 if that fails."""
    try:
        python = str(clients.confluent()[0])
    except clients.Missing as why:
        print(f"skipped: {clients.CONFLUENT} cannot be installed here: {why}")
        sys.exit(clients.SKIPPED)
    if sys.prefix == sys.base_prefix:
        os.execv(python, [python, *sys.argv])
