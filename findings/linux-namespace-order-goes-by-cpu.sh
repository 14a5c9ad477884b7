#!/bin/bash
# Linux 6.18, util-linux 2.38.1: whether a mount namespace can be mounted in an older one depends on the CPUs that made the two.
#
# Guess: `mount --bind /proc/PID/ns/mnt FILE` is refused (EINVAL) where FILE is in that namespace or in one that is younger, so that
# no circle of namespaces holds itself; from an older one into which a child's is bound, as `unshare --mount=FILE` does to keep one, it
# works.  The order is that of their making.
# Found: it is that of their numbers, and since namespaces have 64-bit identifiers those come from a batch of each CPU.  A namespace
# made on CPU 0 after one that was made on CPU 1 may have the smaller number: then the older one may not hold the younger one.
# Nobody who does not pin both to one CPU can rely on it; that it fails now and then looks like a race of the program's own.
. "$(dirname "$0")/lib.sh"
need util-linux=2.38.1-5+deb12u3

[ "$(id -u)" -eq 0 ] || { echo 'this needs root, in mount namespaces of its own' >&2; exit 2; }
[ "$(nproc)" -ge 2 ] || { echo 'this needs two CPUs' >&2; exit 2; }
unshare=$(find "$work/root" -name unshare -path '*bin/*') taskset=$(find "$work/root" -name taskset -path '*bin/*')
echo "kernel: $(uname -r)"

cat > older.sh <<'S'
# older.sh UNSHARE TASKSET CPU: in a new mount namespace; makes a younger one on that CPU and mounts it here
mount -t tmpfs t mnt && : > mnt/file
rm -f ready go && mkfifo ready go
"$2" -c "$3" "$1" --mount --propagation private sh -c 'echo > ready; read -r _ < go' &
read -r _ < ready
mount --bind "/proc/$!/ns/mnt" mnt/file 2> mount.err && echo mounted || echo refused
echo > go
wait
S
mkdir mnt
try() { timeout 20 "$taskset" -c "$1" "$unshare" --mount --propagation private sh older.sh "$unshare" "$taskset" "$2"; }

for cpus in '0 0' '1 1' '0 1' '1 0'; do
    # shellcheck disable=SC2086
    echo "${cpus/ / then }: $(try $cpus)"
done > answers
same 'made on one CPU' "$(head -n 2 answers | paste -sd';')" '0 then 0: mounted;1 then 1: mounted'
same 'made on two' "$(tail -n 2 answers | cut -d: -f2 | sort | paste -sd';')" ' mounted; refused'
