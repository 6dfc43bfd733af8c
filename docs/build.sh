#!/bin/sh
# Builds the site: the pages of docs/, the catalogue of all APIs, the reference of all headers. It also runs on a fresh Debian 12 or 13.
#
#     sh docs/build.sh            then open build/docs/index.html
#     sh docs/build.sh --quick    without the reference, which needs libclang and the libraries of all components
#
# Fails if a link leads nowhere, an API has no page, or a public name has no sentence.
set -u
cd "$(dirname "$0")/.." || exit 1

. cmake/debian.sh
need_file /usr/lib/python3/dist-packages/markdown python3-markdown
need_file /usr/lib/python3/dist-packages/pygments python3-pygments
case ${1:-} in
--quick) ;;
*)
    need_file /usr/lib/python3/dist-packages/clang python3-clang-19
    need_file /usr/lib/llvm-19/lib/clang/19/include/stddef.h libclang-common-19-dev
    need_command g++ g++ # for the headers of the standard library
    need_codecs
    need_file /usr/include/libdeflate.h libdeflate-dev
    need_file /usr/include/fmt/core.h libfmt-dev
    need_boost
    ;;
esac
install_needed || exit 1

# Debian's own Python, which has Debian's packages, whatever Python is in PATH.
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 docs/site/build.py "$@"
