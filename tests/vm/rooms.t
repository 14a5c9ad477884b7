#!/bin/bash
# The rooms of the source: guest/ includes its own and shared/ headers, freestanding ones
# and Linux's; shared/ only stdint and stddef; vmm/ nothing of guest/.
# Within guest/ a room may use the rooms below it, and of those above what the table names.
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

includes() { grep -rhoE '^ *# *include *[<"][^>"]+' "$@" --include='*.[ch]' | sed 's/.*include *//' | sort -u; }

bad=$(includes guest | sed 's/^["<]//' | while read -r name; do
    case $name in
    stddef.h | stdint.h | stdarg.h | stdbool.h | stdalign.h | stdnoreturn.h | limits.h | float.h) ;;
    linux/* | asm/* | asm-generic/* | shared/* | elf.h) ;;
    config_gz.inc) ;;      # and this of guest/procfs/kernel_config
    syscall_names.inc) ;;  # the Makefile makes it of asm/unistd_64.h
    *)  [ -e "guest/$name" ] || ls guest/*/"$name" > /dev/null 2>&1 || echo "$name" ;;
    esac
done)
is 'guest/' "$bad" ''
is 'shared/' "$(includes shared | grep -vE '^<(stddef|stdint)\.h$|^"shared/' || true)" ''
is 'vmm/' "$(includes vmm | grep -E 'guest/' || true)" ''
is 'guest/ does not look into vmm/ or images/' "$(includes guest | grep -E 'vmm/|images/' || true)" ''
is 'assembly is in guest/arch and guest/entry only' "$(find guest vmm shared images -name '*.asm' | grep -vE '^guest/(arch|entry)/' || true)" ''

# --- the floors of the kernel ------------------------------------------------
# From the ground; main.c is the roof.
floors='lib sync arch trace mm sched fs proc net event ipc tty pseudofs procfs sysfs sys entry main'

# The arrows that point up: from a room, to a file above it, and why.
up='
lib    arch/machine    panic() and with it each ASSERT ends in the machine
lib    arch/uart       kprintf() ends on the console
sync   arch/machine    ... and so does a lock that is used wrongly
sync   arch/cpu        a lock belongs to a CPU, and who waits for one serves the others meanwhile
sync   sched/block     who finds a mutex taken sleeps
sync   sched/task      the owner of a mutex is a task
arch   trace/trace_cpu a part of struct cpu, in it so that GS reaches it in one instruction: types only
arch   mm/heap_cpu     the same
arch   mm/tlb_cpu      the same
arch   entry/smp       boot.asm: a processor that starts goes on in ap_main()
arch   main/main       boot.asm: the boot CPU goes on in kmain()
arch   entry/ring3     stub.asm: where the kernel runs in ring 3, the stub goes on in its ways in
entry  main/main       ring3.asm: and the boot CPU in kmain()
mm     sched/task      current: whose memory, within which limits
mm     fs/file         a mapping holds its file
mm     fs/inode        ... which lists its mappings
mm     fs/pages_io     a fault finds the page of the file
mm     fs/anon_file    a shared mapping without a file gets one
mm     fs/mount        ... and the flags of its mount say whether it may be executed
mm     fs/secret       ... and whether calls may reach its memory
mm     fs/seal         ... and its seals whether it may be written to
sched  entry/switch    the change of stacks
sched  proc/pid_ns     a new task is told its number as its PID namespace has it
proc   entry/switch    a new task begins as the change of stacks lays it out
fs     proc/ending      a tree of mounts ends by a mutex, which who puts it last may not take
fs     proc/signal     SIGPIPE and SIGXFSZ are part of what write(2) does
proc   tty/tty         a session ends with its leader, and leaves its terminal
procfs sys/dispatch    /proc/forkscope/syscalls shows the counts of the dispatcher
'

cat > "$work/arrows" <<'END'
# Prints FROM-FILE TO-FILE HOW for each arrow between files of different rooms, both without
# suffix.  A header stands for what implements it.  What an object wants is in the file that
# defines it, whatever was declared how; it is called by the header of that room that has it.
use strict;
my %header;
open my $tags, '-|', 'ctags', '--language-force=C', '--kinds-C=px', '-f', '-', glob 'guest/*/*.h' or die;
while (<$tags>) { my ($name, $file) = split /\t/; $header{$name} = $file }
sub room { return shift =~ s{[^/]*$}{}r }
sub stem { my $f = shift; $f =~ s{^guest/}{}; $f =~ s{\.\w+$}{}; return $f =~ m{/} ? $f : "main/$f"; }

for my $file (glob 'guest/*/*.[ch] guest/*.c') {
    open my $in, '<', $file or die;
    while (<$in>) {
        print stem($file), ' ', stem($1), " $file includes $1\n" if m{^\s*#\s*include\s*"((?!shared/)\w+/\w+\.\w+)"};
        # a mark of signposts.t: what follows is in another room
        print stem($file), ' ', stem($1), " $file declares what is in $1\n" if $file =~ /\.h$/ and m{^\s*/\* ((?!guest/)\w+/\w+\.(?:c|asm))\b};
    }
}

for my $kernel ('guest', 'guest-locks') {
    my (%defined, @wanted);
    for my $object (glob "$ENV{O}/$kernel/*/*.o $ENV{O}/$kernel/*.o") {
        my $source = $object =~ s{^\Q$ENV{O}\E/$kernel/}{guest/}r;
        $source =~ s{\.asm\.o$}{.asm} or $source =~ s{\.o$}{.c};
        next unless -e $source;    # what has moved may have left its object
        for (`nm $object`) {
            $defined{$1} = $source if /^\w+ [TDRBVW] (\S+)/;
            push @wanted, [$source, $1] if /^ +U (\S+)/;
        }
    }
    for (@wanted) {
        my ($source, $symbol) = @$_;
        my $in = $defined{$symbol} or next;    # kernel.ld makes it
        my $at = $header{$symbol} && room($header{$symbol}) eq room($in) ? $header{$symbol} : $in;
        print stem($source), ' ', stem($at), " $source wants $symbol, which is in $in\n";
    }
}
END

perl "$work/arrows" | awk -v floors="$floors" -v up="$up" '
    function room(file) { sub(/\/.*/, "", file); return file }
    BEGIN {
        n = split(floors, f, " ")
        for (i = 1; i <= n; i++) floor[f[i]] = i
        n = split(up, line, "\n")
        for (i = 1; i <= n; i++)
            if (split(line[i], word, " ") > 2) unused[word[1] " " word[2]] = 1
    }
    !(room($1) in floor) || !(room($2) in floor) { print "no floor has the room of " $0; next }
    floor[room($2)] <= floor[room($1)] { next }
    {
        arrow = room($1) " " $2
        if (!(arrow in unused) && !(arrow in used)) { $1 = $2 = ""; sub(/^ +/, ""); print arrow ": " $0 }
        if (arrow in unused) used[arrow] = 1
        delete unused[arrow]
    }
    END { for (arrow in unused) print "unused " arrow }
' > "$work/wrong"
is 'arrows between the rooms of guest/ point down, but for those in the table' "$(grep -v '^unused' "$work/wrong" | sort -u)" ''
is 'each arrow of the table is needed' "$(grep '^unused' "$work/wrong" | sort)" ''
is 'the floors have all rooms of guest/' "$(cd guest && ls -d */ | tr -d / | sort)" "$(tr ' ' '\n' <<< "$floors" | grep -v main | sort)"

# A source declares nothing for itself that is elsewhere: that is what headers are for.
cat > "$work/declared" <<'END'
my (%here, @declared);
sub tags { my ($kinds, @f) = @_; open my $t, '-|', 'ctags', '--language-force=C', '-I', '_Static_assert+', "--kinds-C=$kinds", '-f', '-', @f or die;
           return map { [(split /\t/)[0, 1]] } grep { !/^!/ } <$t>; }
my @sources = glob 'guest/*/*.c guest/*.c';
$here{"$_->[1] $_->[0]"} = 1 for tags('fv', @sources);
for (tags('px', @sources)) { print "$_->[1] declares $_->[0]\n" unless $here{"$_->[1] $_->[0]"}; }
END
is 'declarations are in headers' "$(perl "$work/declared" | grep -v '^guest/sys/dispatch.c declares sys_##' | sort -u)" ''

# --- vmm/: a header counts as the file that implements it ---
vmm_edges=$(grep -rE '^ *# *include *"' vmm --include='*.[ch]' |
    sed -E 's/^([^:]*)\.[ch]:.*"([^"]*)\.h".*/\1 \2/' | awk '$1 != $2' | sort -u)
is 'vmm/trace: cmd is above lint and export, these above lib' "$(includes vmm/trace/lib | grep -E 'trace/(lint|export|cmd)/'
    includes vmm/trace/lint | grep -E 'trace/(export|cmd)/'; includes vmm/trace/export | grep -E 'trace/(lint|cmd)/')" ''
is 'no include leads back to where it came from in vmm/' "$(tsort <<< "$vmm_edges" 2>&1 > /dev/null)" ''
done_testing
