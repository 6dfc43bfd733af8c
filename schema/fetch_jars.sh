#!/bin/sh
# Fetches the jars that schema/releases.txt names, by their Maven coordinates.
#
#     sh schema/fetch_jars.sh DIR [NEWER_RELEASE]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: fetch_jars.sh DIR [NEWER_RELEASE]}
newer=${2:-}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

grep -E '^(newer|older) ' "$here/releases.txt" | while read -r role release artifacts; do
    if [ "$role" = newer ] && [ -n "$newer" ]; then
        release=$newer
    fi
    for artifact in $artifacts; do
        if [ ! -s "$dir/$artifact-$release.jar" ]; then
            echo "fetching org.apache.kafka:$artifact:$release"
            # From / so that no project file of Maven's is looked for.
            (cd / && mvn -B -q -Dstyle.color=never dependency:copy "-Dartifact=org.apache.kafka:$artifact:$release" \
                "-DoutputDirectory=$dir" </dev/null)
        fi
    done
done
