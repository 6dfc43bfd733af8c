# Sourced by the scripts that must work on a fresh Debian 12 or 13: installs the missing packages, and only those.
#
#     need_command <command> <package>...    need_file <path> <package>...    need_codecs    need_boost    install_needed
#
# Installs as root or through sudo, without questions. Without apt-get it prints what is missing and fails.

needed_packages=

need_command() {
    command -v "$1" >/dev/null 2>&1 || { shift; needed_packages="$needed_packages $*"; }
}

need_file() {
    [ -e "$1" ] || { shift; needed_packages="$needed_packages $*"; }
}

# The libraries of the four compressions of record batches.
need_codecs() {
    need_file /usr/include/zlib.h zlib1g-dev
    need_file /usr/include/snappy-c.h libsnappy-dev
    need_file /usr/include/lz4hc.h liblz4-dev
    need_file /usr/include/zstd.h libzstd-dev
}

# Debian 12 has Boost 1.81 in a package that conflicts with its default Boost 1.74. Where the older one is installed it stays,
# and 1.81 is unpacked into build/boost for this project alone (install_needed does that, and sets CMAKE_PREFIX_PATH).
# The default Boost of later releases is new enough.
boost_beside=
need_boost() {
    if [ -n "${BOOST_ROOT:-}${Boost_DIR:-}" ] ||
        awk '/^#define BOOST_VERSION / { found = $3 >= 108100 } END { exit !found }' \
            /usr/include/boost/version.hpp 2>/dev/null; then
        return
    fi
    if [ -e /usr/include/boost/version.hpp ]; then
        boost_beside=$PWD/build/boost
    else
        needed_packages="$needed_packages libboost-or-1.81"
    fi
}

# Debian's package of standalone Asio depends on the Boost that conflicts with 1.81, and its headers do not need it: they
# are unpacked into build/asio. Without them its tests are left out.
asio_beside=
need_asio() {
    [ -e /usr/include/asio.hpp ] || asio_beside=$PWD/build/asio
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -n "$@"
    else
        echo "needs root or sudo for: $*" >&2
        return 1
    fi
}

# An answer that is lost, or another apt-get at work, is no reason to fail.
apt="apt-get -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300"

# The lock of the lists is not among those that it waits for.
update_lists() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        said=$(as_root $apt update -qq </dev/null 2>&1) && return
        case $said in *lists/lock*) sleep 20 ;; *) break ;; esac
    done
    echo "$said" >&2
    echo "apt-get update failed; trying with the lists that are there" >&2
}

boost_package() {
    if apt-cache madison libboost1.81-dev 2>/dev/null | grep -q .; then echo libboost1.81-dev; else echo libboost-dev; fi
}

# shellcheck disable=SC2086  # lists of words
install_needed() {
    if [ -n "$needed_packages" ]; then
        if ! command -v apt-get >/dev/null 2>&1; then
            echo "this is not Debian; please install what these packages hold:$needed_packages" | sed 's/-or-1.81/-dev (1.81 or later)/' >&2
            return 1
        fi
        update_lists
        needed_packages=$(echo "$needed_packages" | sed "s/libboost-or-1.81/$(boost_package)/")
        echo "== installing:$needed_packages"
        as_root env DEBIAN_FRONTEND=noninteractive $apt install -y -qq --no-install-recommends \
            $needed_packages </dev/null >/dev/null || {
            echo "could not install:$needed_packages" >&2
            return 1
        }
        needed_packages=
    fi
    if [ -n "$boost_beside" ]; then
        if [ ! -e "$boost_beside/usr/include/boost/version.hpp" ]; then
            echo "== Boost 1.81 is unpacked into $boost_beside, since another Boost is installed and the packages conflict"
            as_root $apt update -qq </dev/null || true
            mkdir -p "$boost_beside" || return 1
            (cd "$boost_beside" && $apt download libboost1.81-dev </dev/null && dpkg -x libboost1.81-dev_*.deb . &&
                rm -f libboost1.81-dev_*.deb) || {
                echo "could not unpack libboost1.81-dev; set BOOST_ROOT to a Boost of version 1.81 or later" >&2
                return 1
            }
        fi
        CMAKE_PREFIX_PATH="$boost_beside/usr${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}"
        export CMAKE_PREFIX_PATH
    fi
    if [ -n "$asio_beside" ] && command -v apt-get >/dev/null 2>&1; then
        if [ ! -e "$asio_beside/usr/include/asio.hpp" ]; then
            mkdir -p "$asio_beside" || return 1
            (cd "$asio_beside" && $apt download libasio-dev </dev/null >/dev/null 2>&1 && dpkg -x libasio-dev_*.deb . &&
                rm -f libasio-dev_*.deb) || echo "standalone Asio could not be unpacked; its tests are left out" >&2
        fi
        CMAKE_PREFIX_PATH="$asio_beside/usr${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}"
        export CMAKE_PREFIX_PATH
    fi
}
