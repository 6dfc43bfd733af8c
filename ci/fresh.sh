#!/bin/sh
# Runs README.md's commands on a fresh Debian: in a chroot with nothing but Debian's minimal system, on a clone of what is committed.
# As root, with debootstrap.
#
#     sh ci/fresh.sh <bookworm or trixie> [command...]        without commands: the demo, then the tests
#
# The chroot is in $KWIRE_CHROOTS (build/fresh if unset) and is kept; remove its folder for the next fresh start.
set -eu
cd "$(dirname "$0")/.."
# What is mounted below is seen by this script alone, and gone with it, however it ends.
if [ "${KWIRE_OWN_MOUNTS:-}" != yes ]; then
    KWIRE_OWN_MOUNTS=yes exec unshare --mount sh ci/fresh.sh "$@"
fi
suite=${1:?"which Debian? bookworm or trixie"}
shift
[ $# -gt 0 ] || set -- "sh examples/demo.sh" "sh tests/run.sh"

root=${KWIRE_CHROOTS:-$PWD/build/fresh}/$suite
if [ ! -e "$root" ]; then
    mkdir -p "$root.new"
    debootstrap --variant=minbase "$suite" "$root.new" >"$root.log" 2>&1 || { tail -n 20 "$root.log"; exit 1; }
    mv "$root.new" "$root"
fi
home=$root/root/kwire
rm -rf "$home"
git -c safe.directory='*' clone -q . "$home"

mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
for command; do
    echo "==== $(cat "$root/etc/debian_version"): $command"
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 JOBS="${JOBS:-$(nproc)}" \
        sh -c "cd ~/kwire && $command" </dev/null
done
