#!/bin/sh
# Fetches the schemas of a Kafka release and writes schema/messages; without a release, that of releases.txt.
#
#     sh schema/update.sh [RELEASE]
#
# JARS names a directory to keep the jars in; without it they are fetched into one that is removed again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${JARS:-}" ]; then
    JARS=$(mktemp -d)
    trap 'rm -rf "$JARS"' EXIT
fi
sh "$here/fetch_jars.sh" "$JARS" ${1:+"$1"}
python3 "$here/import.py" --jars "$JARS" ${1:+--newer "$1"}
