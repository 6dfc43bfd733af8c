#!/usr/bin/env python3
"""Writes the port as vcpkg's public registry, or one of your own, has ports: with the archive of a release instead of a checkout.

    python3 ports/for_registry.py OWNER/REPOSITORY v0.1.0.tar.gz DIRECTORY

The archive is the one that GitHub makes of the tag v<version>. Writes DIRECTORY/kwire/portfile.cmake, vcpkg.json and usage, to be
copied to ports/ of the registry; `vcpkg x-add-version kwire` adds it to the registry's versions.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil

PORT = pathlib.Path(__file__).resolve().parent / "kwire"


def portfile(repository, sha512):
    """The overlay's portfile with another source."""
    text = (PORT / "portfile.cmake").read_text(encoding="utf-8")
    text = re.sub(r"\A(#.*\n)+", "", text)
    fetch = f"""vcpkg_from_github(
    OUT_SOURCE_PATH SOURCE_PATH
    REPO {repository}
    REF "v${{VERSION}}"
    SHA512 {sha512}
    HEAD_REF main
)
"""
    text, count = re.subn(r"get_filename_component\(SOURCE_PATH .*\n", fetch, text)
    assert count == 1, "the overlay port has no line that names the checkout"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repository", help="owner/name on GitHub")
    parser.add_argument("archive", type=pathlib.Path, help="the archive of the release")
    parser.add_argument("directory", type=pathlib.Path, help="where kwire/ is written")
    asked = parser.parse_args()

    target = asked.directory / "kwire"
    target.mkdir(parents=True, exist_ok=True)
    sha512 = hashlib.sha512(asked.archive.read_bytes()).hexdigest()
    (target / "portfile.cmake").write_text(portfile(asked.repository, sha512), encoding="utf-8")
    manifest = json.loads((PORT / "vcpkg.json").read_text(encoding="utf-8"))
    # After the description, where vcpkg's own formatter puts it.
    ordered = {}
    for key, value in manifest.items():
        ordered[key] = value
        if key == "description":
            ordered["homepage"] = f"https://github.com/{asked.repository}"
    (target / "vcpkg.json").write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
    shutil.copy(PORT / "usage", target)


if __name__ == "__main__":
    main()
