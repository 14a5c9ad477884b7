# lib.sh - what the findings share.  Sourced; each works in a folder of its own that goes with it.
set -eu
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# need PACKAGE=VERSION...: Debian packages, unpacked below $work/root and not installed.
need()
{
    mkdir -p root debs
    (cd debs && apt-get -q download "$@" > ../apt.log 2>&1) || {
        cat apt.log >&2
        echo 'these packages cannot be had: run apt-get update, or the versions are gone' >&2
        exit 2
    }
    for deb in debs/*.deb; do dpkg -x "$deb" root; done
    local libs
    libs=$(find "$work/root" -type d \( -name x86_64-linux-gnu -o -path '*/llvm-*/lib' \) | paste -sd:)
    export PATH=$work/root/usr/bin:$PATH LD_LIBRARY_PATH=$libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    echo "packages: $*"
}

# same WHAT GOT WANT
same()
{
    if [ "$2" = "$3" ]; then
        echo "as found: $1: $2"
    else
        echo "CHANGED: $1: $2, it was $3"
        exit 1
    fi
}
