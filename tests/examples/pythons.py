"""Pythons with the client libraries of the tests in this folder: this one, or Debian's."""

import functools
import shutil
import subprocess
import sys


@functools.cache
def python_with(module, expression="True"):
    """The path of a Python that has `module` and for which `expression` is true; None if there is none."""
    check = f"import {module}, sys; sys.exit(0 if {expression} else 1)"
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and subprocess.run([python, "-c", check], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None
