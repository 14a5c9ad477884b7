#!/bin/bash
# limit: 900
# Real trees as the root: one like Alpine's, of musl and busybox, whose own init runs; and Debian 12 and 13, made by
# debootstrap where that and a mirror are there (kept in the cache): their shells, interpreters and package managers, traced, on one CPU
# and on two, and inits of their own, sysvinit and OpenRC.
. tests/vm/lib.sh
need_kvm

trees=${XDG_CACHE_HOME:-$HOME/.cache}/forkscope/trees
mkdir -p "$trees"
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
limit=150

# --- musl and busybox ---
alpine=$work/alpine
mkdir -p "$alpine"/{bin,sbin,lib,etc,proc,dev,tmp,root}
cp "$(command -v busybox)" "$alpine/bin/busybox"
for a in sh ls cat echo mount poweroff sort uname ps sleep; do ln -s busybox "$alpine/bin/$a"; done
ln -s ../bin/busybox "$alpine/sbin/init"
printf 'ID=alpine-like\n' > "$alpine/etc/os-release"
cp -L /lib/ld-musl-x86_64.so.1 "$alpine/lib/"
cat > "$work/makes.c" <<'END'
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
extern char **environ;
static void *run(void *arg) { return arg; }
int main(void)
{
    char *words[] = { "sh", "-c", "echo made by posix_spawn", NULL };
    pthread_t t;
    pid_t child;
    int status;
    if (pthread_create(&t, NULL, run, NULL) != 0 || pthread_join(t, NULL) != 0 ||
        posix_spawnp(&child, "sh", NULL, NULL, words, environ) != 0 || waitpid(child, &status, 0) != child)
        return 1;
    printf("and waited for: %d\n", status);
    return 0;
}
END
${MUSL_CC:-musl-gcc} -O1 "$work/makes.c" -o "$alpine/bin/makes"
cat > "$alpine/etc/inittab" <<'END'
::sysinit:/bin/mount -t proc proc /proc
::wait:/bin/sh -c 'cat /etc/os-release; makes; cat /proc/1/comm'
::once:/bin/poweroff
END
limit=60 vm -t "$work/trace" --audit=final --root "$alpine"
is 'a tree of musl and busybox: its own init, a dynamic program, power-off' "$status $(grep -v '^The system\|^Sent SIG\|^Requesting' <<< "$out")" \
    "$(printf '0 ID=alpine-like\nmade by posix_spawn\nand waited for: 0\ninit')"
like '... audited' "$err" ' 0 violations'
"$O/vmm-trace" lint "$work/trace" > "$work/lint"
is '... and lint agrees' $? 0
vm --root "$alpine" -- makes
is 'a COMMAND in it' "$status $out" "$(printf '0 made by posix_spawn\nand waited for: 0')"

# --- systemd is told, not tried ---
mkdir -p "$alpine/lib/systemd"
cp "$alpine/bin/makes" "$alpine/lib/systemd/systemd"
ln -sf ../lib/systemd/systemd "$alpine/sbin/init"
vm --root "$alpine"
is 'a tree whose init is systemd: 126' "$status" 126
is '... and one line that says what is missing' "$(wc -l <<< "$out") $(grep -c 'is systemd, which needs' <<< "$out")" '1 1'

# --- Debian ---
# Makes $trees/SUITE, or prints why not.
debian()
{
    local suite=$1 more=$2 to=$trees/$1
    [ -e "$to/made" ] && return
    [ "$(id -u)" = 0 ] || { echo "# SKIP $suite: debootstrap wants root"; return 1; }
    command -v debootstrap > /dev/null || { echo "# SKIP $suite: no debootstrap"; return 1; }
    rm -rf "$to"
    mkdir "$to"
    if ! timeout -k 5 $((limit * slow)) debootstrap --variant=minbase $more "$suite" "$to/root" "$mirror" > "$work/debootstrap" 2>&1; then
        echo "# SKIP $suite: debootstrap from $mirror: $(tail -n 1 "$work/debootstrap")"
        rm -rf "$to"
        return 1
    fi
    touch "$to/made"
}

cat > "$work/try" <<'END'
set -e
bash -c 'echo "bash ${BASH_VERSINFO[0]}"'
perl -e 'print "perl ", join(",", map { $_ * $_ } 1 .. 3), "\n"; system("true") == 0 or die'
apt list --installed 2> /dev/null | grep -c '^bash/'
mkdir -p /tmp/p/DEBIAN /tmp/p/usr/share/made
printf 'Package: made\nVersion: 1\nArchitecture: all\nMaintainer: m <m@example.org>\nDescription: made here\n' > /tmp/p/DEBIAN/control
printf '#!/bin/sh\necho configured "$1"\n' > /tmp/p/DEBIAN/postinst
chmod 755 /tmp/p/DEBIAN/postinst
echo made > /tmp/p/usr/share/made/file
cd /tmp
dpkg-deb -b p p.deb > /dev/null
dpkg -i p.deb 2>&1 | grep configured
dpkg -P made > /dev/null 2>&1
chmod 644 p.deb
apt-get install -y ./p.deb 2>&1 | grep configured
dpkg-query -W -f '${Status} ${Version}\n' made
cat /usr/share/made/file
apt-get update 2>&1 | grep -c -m 1 'Could not\|Temporary failure'
END
want='perl 1,4,9
1
configured configure
configured configure
install ok installed 1
made
1'
for suite in bookworm trixie; do
    more=
    [ $suite = trixie ] && more=--include=sysvinit-core
    debian $suite "$more" || continue
    root=$trees/$suite/root
    for cpus in 1 2; do
        rm -rf "$work/trace"
        limit=150 vm -c $cpus -m 1G -t "$work/trace" --audit=final --timeout $((120 * slow)) --root "$root" --add "$work/try:/tmp/try" \
            --out /var/log/dpkg.log:"$work/dpkg.log" -- bash /tmp/try
        is "$suite, CPUs: $cpus: bash, perl, apt, dpkg" "$status $(grep -v '^bash 5' <<< "$out")" "0 $want"
        like '... audited' "$err" ' 0 violations'
        "$O/vmm-trace" lint "$work/trace" > "$work/lint"
        is '... and lint agrees' $? 0
        like '... what dpkg has written down comes out' "$(cat "$work/dpkg.log")" 'status installed made:all 1'
    done
done
root=$trees/trixie/root
if [ -x "$root/sbin/init" ]; then
    cat > "$work/inittab" <<'END'
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
l0:0:wait:/etc/init.d/rc 0
l2:2:wait:/etc/init.d/rc 2
c:2:once:/bin/sh -c 'echo now in $(runlevel) > /dev/console; exec /sbin/poweroff'
END
    for cpus in 1 2; do
        limit=100 vm -c $cpus -m 512M --timeout $((80 * slow)) --root "$root" --add "$work/inittab:/etc/inittab"
        is "sysvinit, CPUs: $cpus: up to a runlevel, and down to power-off" "$status" 0
        like '... through its scripts' "$out" '^now in N 2$'
        unlike '... of which none misses a file system' "$out" 'is not supported'
    done
fi
# --- OpenRC ---
# Makes $trees/openrc of Debian 13, or prints why not.
openrc()
{
    local to=$trees/openrc
    [ -e "$to/made" ] && return
    [ -e "$trees/trixie/made" ] || { echo '# SKIP openrc: there is no Debian 13 to put it in'; return 1; }
    rm -rf "$to"
    mkdir "$to"
    cp -a "$trees/trixie/root" "$to/root"
    cp -L /etc/resolv.conf "$to/root/etc/"
    if ! timeout -k 5 $((limit * slow)) chroot "$to/root" env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get update && apt-get install -y --no-install-recommends openrc' > "$work/apt" 2>&1 < /dev/null; then
        echo "# SKIP openrc: apt-get: $(tail -n 1 "$work/apt")"
        rm -rf "$to"
        return 1
    fi
    touch "$to/made"
}

if openrc; then
    cat > "$work/served" <<'END'
#!/sbin/openrc-run
command=/bin/sleep
command_args=1000
command_background=yes
pidfile=/run/served.pid
depend() { need mountall; }
start_post() { echo "served by $(cat /proc/$(cat $pidfile)/comm)" > /dev/console; }
stop_post() { grep -qx sleep /proc/[0-9]*/comm || echo 'served no more' > /dev/console; }
END
    cat > "$work/inittab" <<'END'
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
l0:0:wait:/etc/init.d/rc 0
l2:2:wait:/etc/init.d/rc 2
c:2:once:/bin/sh -c 'rc-status --nocolor default > /dev/console; exec /sbin/poweroff'
END
    cat > "$work/down" <<'END'
#!/sbin/openrc-run
depend() { after served; }
start() { rc-status --nocolor default > /dev/console; openrc-shutdown --poweroff now; }
END
    printf '#!/bin/sh\nexec /sbin/openrc-init\n' > "$work/init"
    chmod 755 "$work"/{served,down,init}
    boot()
    {
        limit=200 vm -c 2 -m 512M --timeout $((180 * slow)) --root "$trees/openrc/root" --add "$work/served:/etc/init.d/served" \
            --add "$work/served:/etc/runlevels/default/served" "$@"
        is "$name: up, and down to power-off" "$status" 0
        like '... a service is started' "$out" '^served by sleep$'
        like '... OpenRC says so' "$out" '^ served +\[  started  \]$'
        like '... and stopped' "$out" '^served no more$'
    }
    name='OpenRC under sysvinit' boot --add "$work/inittab:/etc/inittab"
    name='OpenRC and its own init' boot --add "$work/init:/init" --add "$work/down:/etc/init.d/down" --add "$work/down:/etc/runlevels/default/down"
fi
done_testing
