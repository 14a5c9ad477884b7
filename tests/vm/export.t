#!/bin/bash
# limit: 120
# What `vmm-trace export` writes is what the other tools want, says the same as the trace, and
# holds whatever names a guest chose.
. tests/vm/lib.sh
need_kvm
check=tests/vm/export
export work

# Names of programs and arguments that mean something to one format or another.
script='vforkdemo > /dev/null
i=0
for name in "</script>" "=1+1" "say \"hi\"" "a;b|c" "back\\slash" "#34;" "$(printf "line\nend")" "$(printf "bad\377\303")" "${0}x" ; do
    i=$((i + 1))
    mkdir -p /tmp/$i
    ln -s /bin/busybox "/tmp/$i/${name##*/}"
    "/tmp/$i/${name##*/}" "$name" 2> /dev/null
done
(sleep 0.1; echo hi) | cat > /dev/null
sleep 9 &
sleep 0.1; poweroff -f'
trace=$work/trace
vm -q -c 2 -t "$trace" -- sh -c "$script"
is 'the machine' "$status" 0

utf8() { ok "... $1 is UTF-8, whatever the names are" iconv -f UTF-8 -t UTF-8 -o /dev/null "$work/$1"; }
export_to()                     # export_to FORMAT: into $work/FORMAT
{
    "$O/vmm-trace" export "--$1" -o "$work/$1" "$trace" > "$work/says" 2>&1
    is "export --$1" "$? $(cat "$work/says")" '0 '
    case $1 in perfetto | sqlite) ;; *) utf8 "$1" ;; esac
}

# --- flame ----------------------------------------------------------------------
export_to flame
like 'a path' "$(cat "$work/flame")" '^/?[a-z/]*run[^;]*;sh;vforkdemo;vforkdemo;execve;exec_map [1-9][0-9]*$|^run;sh;vforkdemo;vforkdemo;execve;exec_map [1-9][0-9]*$'
is 'each line is a path and a number' "$(grep -cvP '^[^;\x00-\x1f]+(;[^;\x00-\x1f]+)* \d+$' "$work/flame")" 0
is 'its sum is that of the summary' "$(awk '{ n += $NF } END { print n }' "$work/flame")" "$("$O/vmm-trace" summary --json "$trace" |
    perl -MJSON::PP -0777 -ne '$s = decode_json($_); $n += $_ for values %{$s->{all}{user}}, values %{$s->{all}{kernel}}; print $n')"

# --- Chrome --------------------------------------------------------------------
export_to chrome
writes=$("$O/vmm-trace" print --full --json "$trace" | perl -MJSON::PP -ne '
    $e = decode_json($_);
    if ($e->{event} eq "pte_write") { $n++ }
    elsif ($e->{event} eq "pte_range") { @e = @{$e->{e}}; while (@e) { ($a, $b) = splice @e, 0, 2; $n++ if $a ne $b } }
    elsif ($e->{event} eq "pte_range_step") { $n += $e->{n} } # none of ours writes what was there
    elsif ($e->{e}) { $n += grep { hex } @{$e->{e}} }
    END { print $n }')
checked=$(perl "$check/check_chrome" "$work/chrome")
like 'the rules hold' "$checked" '^[0-9]+ slices, [0-9]+ arrows, [0-9]+ counters, [0-9]+ entries, 3 blocked by vfork$'
is '... all of them' "$(wc -l <<< "$checked")" 1
like '... with all entries' "$checked" ", $writes entries,"
is 'nothing ends a script' "$(grep -c '</' "$work/chrome")" 0
i=0
names=$(perl -MJSON::PP -0777 -CO -ne 'print $_->{args}{args} =~ s/\n/~/gr, "\n" for grep { $_->{name} eq "exec" } @{decode_json($_)->{traceEvents}}' "$work/chrome")
for name in '</script>' '=1+1' 'say "hi"' 'a;b|c' 'back\slash' '#34;' 'line~end' $'bad\xef\xbf\xbd\xef\xbf\xbd'; do
    ok "the name ${name@Q} is kept" grep -qxF -- "/tmp/$((i += 1))/${name##*/} $name" <<< "$names"
done

# --- Perfetto -------------------------------------------------------------------
export_to perfetto
raw=$(protoc --decode=Trace "$check/perfetto.proto" < "$work/perfetto" | perl "$check/check_perfetto")
like 'what protoc reads holds the rules' "$raw" '^[0-9]+ slices, [0-9]+ arrows, [0-9]+ counters, [0-9]+ entries$'
is '... all of them, and is the same timeline' "$raw" "${checked%, *}"

# --- CSV ------------------------------------------------------------------------
export_to csv
cat > "$work/csv.pl" <<'END'
# By RFC 4180, character by character.
local $/; my $t = <STDIN>; my (@rows, @row);
while ($t =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc) {
    my ($quoted, $bare, $end) = ($1, $2, $3);
    push @row, defined $quoted ? $quoted =~ s/""/"/gr : $bare;
    next if $end eq ',';
    push @rows, [@row]; @row = ();
}
print "stops at ", pos($t) // 0, " of ", length $t, "\n" if (pos($t) // 0) != length $t;
my $head = shift @rows; my %at = map { $head->[$_] => $_ } 0 .. $#$head;
print "a row of ", scalar @$_, "\n" for grep { @$_ != @$head } @rows;
my %events = map { $_->[0] => 1 } @rows;
printf "%d events, %d entries\n", scalar keys %events, scalar grep { $_->[$at{event}] eq 'pte_write' } @rows;
print "args: $_->[$at{args}]\n" for grep { $_->[$at{event}] eq 'exec_args' } @rows;
END
csv=$(perl "$work/csv.pl" < "$work/csv")
is 'each event, each entry' "${csv%%$'\n'*}" \
    "$("$O/vmm-trace" print "$trace" | wc -l) events, $writes entries"
ok 'what could be a formula is as it was, in quotes' grep -qF '"/tmp/2/=1+1 =1+1"' "$work/csv"
ok 'quotes are doubled' grep -qF '"/tmp/3/say ""hi"" say ""hi"""' "$work/csv"
like 'and read as they were' "$csv" '^args: /tmp/3/say "hi" say "hi"$'

# --- the process tree -----------------------------------------------------------
lives=$("$O/vmm-trace" tree --json "$trace" | grep -o '"life":' | wc -l)
export_to mermaid
is 'mermaid: a heading' "$(head -n 1 "$work/mermaid")" 'flowchart TD'
is '... and nothing but boxes and arrows' "$(tail -n +2 "$work/mermaid" | grep -vcP \
    '^    n\d+ -->\|(fork|vfork|posix_spawn|thread|clone)\| n\d+$|^    n\d+\["([\w .,:/\[\]>-]|#\d+;)*"\]$')" 0
is '... a box for each life' "$(grep -cP '^    n\d+\[' "$work/mermaid")" "$lives"
is '... an arrow to each but those that were there' "$(grep -c -- '-->' "$work/mermaid")" $((lives - 1))
like '... a name in its own escapes' "$(cat "$work/mermaid")" '#60;/script> \[|#60;/script> #60;/script> '
export_to dot
svg=$(dot -Tsvg "$work/dot" 2> "$work/says")
is 'dot takes it' "$? $(cat "$work/says")" '0 '
is '... a box for each life' "$(grep -c 'class="node"' <<< "$svg")" "$lives"
is '... and an arrow' "$(grep -c 'class="edge"' <<< "$svg")" $((lives - 1))
like '... a name as it was' "$svg" '>.*say &quot;hi&quot; say &quot;hi&quot; \['

# --- SQLite ---------------------------------------------------------------------
export_to sqlite
sql() { sqlite3 -batch "$work/sqlite" "$@" 2>&1; }
is 'the database is whole' "$(sql 'PRAGMA integrity_check')" ok
is '... and all is in it' "$(sql 'SELECT count(*) FROM events; SELECT count(*) FROM entries; SELECT count(*) FROM tasks' | tr '\n' ' ')" \
    "$("$O/vmm-trace" print "$trace" | wc -l) $writes $("$O/vmm-trace" tree --json "$trace" | grep -o '"life":' | wc -l) "
is '... waits, as vmm-trace blocked has them' "$(sql 'SELECT count(*), sum(to_ns IS NULL) FROM waits')" \
    "$("$O/vmm-trace" blocked --json "$trace" | perl -MJSON::PP -0777 -ne '@w = @{decode_json($_)->{waits}}; print scalar @w, "|", scalar grep { !$_->{ended} } @w')"
call=$(sql "SELECT call FROM calls WHERE name = 'clone' AND entries > 0 ORDER BY call LIMIT 1")
is '... what a call cost, as vmm-trace call has it' "$(sql "SELECT entries, tables_made, faults FROM calls WHERE call = $call")" \
    "$("$O/vmm-trace" call --json "$trace" "$call" | perl -MJSON::PP -MList::Util=sum -0777 -ne '$c = decode_json($_); print join "|", sum(values %{$c->{writes}}), $c->{tables_made}, $c->{faults}')"
is 'fields are JSON' "$(sql 'SELECT sum(fields IS NOT NULL AND NOT json_valid(fields)) FROM events')" 0
is 'names are what they were' "$(sql "SELECT name, args FROM execs WHERE path = '/tmp/3/say \"hi\"'")" 'say "hi"|/tmp/3/say "hi" say "hi"'
is '... or UTF-8' "$(sql "SELECT hex(substr(args, -2)) FROM execs WHERE path LIKE '/tmp/8/%'")" EFBFBDEFBFBD
documented=$(perl -ne '$t = $1 if /^### (\w+)/; $t = "" if /^## /; if ($t && /^\| (`.*?) \|/) { print "$t.$_\n" for $1 =~ /`(\w+)`/g }' docs/export-sqlite.md | sort)
is 'each column is documented, and no other' "$documented" \
    "$(sql "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'" | sort)"
perl -0777 -ne 'while (/\n([^\n]*)\n\n```sql\n(.*?)```/gs) { open $f, ">", sprintf "%s/query%02d", $ENV{work}, ++$n; print $f $2 }' docs/export-sqlite.md
is 'ten queries' "$(cd "$work" && ls query* | wc -l)" 10
for query in "$work"/query*; do
    answer=$(sqlite3 -batch -bail "$work/sqlite" < "$query" 2> "$work/says")
    ok "$(basename "$query") answers: $(head -n 1 <<< "$answer" | tr '#' ' ')" [ "$? $(cat "$work/says")" = '0 ' -a -n "$answer" ]
done
like 'it is not for standard output' "$("$O/vmm-trace" export --sqlite "$trace" 2>&1)" 'needs -o FILE'
is '... and no device' "$("$O/vmm-trace" export --sqlite -o /dev/full "$trace" 2>&1)" 'vmm-trace: a database has to be a regular file; /dev/full is not'
rm "$work/sqlite"
is 'a limit on files' "$(ulimit -f 300; trap '' XFSZ; "$O/vmm-trace" export --sqlite -o "$work/sqlite" "$trace" 2>&1; echo "$? $(cd "$work" && echo sqlite*)")" \
    $'vmm-trace: cannot write the database: File too large\n2 sqlite*'

# --- Trace Compass reads the trace itself; its analysis names kinds of events --------
is 'the analysis is built as it has to be' "$(xmllint --noout --dtdvalid "$check/tmfxml.dtd" packaging/trace-compass.xml 2>&1)" ''
is 'it names what is in a trace' "$(perl "$check/check_trace_compass" packaging/trace-compass.xml "$trace/metadata")" ''

# --- files ----------------------------------------------------------------------
"$O/vmm-trace" export --csv "$trace" 2> /dev/null | cmp -s - "$work/csv"
is 'without -o: to standard output, the same' "$?" 0
full() { "$O/vmm-trace" export --chrome "$@" 2>&1; echo "status $?"; }
is 'a full disk' "$(full -o /dev/full "$trace")" $'vmm-trace: cannot write /dev/full: No space left on device\nstatus 2'
is 'at standard output' "$("$O/vmm-trace" export --dot "$trace" 2>&1 > /dev/full)" \
    'vmm-trace: cannot write the output: No space left on device'
echo before > "$work/kept"
is 'a limit on files' "$(ulimit -f 8; trap '' XFSZ; full -o "$work/kept" "$trace")" \
    "vmm-trace: cannot write $work/kept: File too large"$'\nstatus 2'
is '... leaves what was there' "$(cat "$work/kept")" before
is '... and nothing beside it' "$(cd "$work" && echo kept*)" kept
is 'a trace that is not there' "$(full -o "$work/kept" /nowhere | tail -n 1) $(cat "$work/kept")" 'status 2 before'
like 'a directory that is not there' "$(full -o /nowhere/x "$trace")" '^vmm-trace: cannot write /nowhere/x: No such file or directory$'
like 'no format' "$("$O/vmm-trace" export "$trace" 2>&1)" 'which format\?'
# It may be done before it is told to stop, or be about to end then; so it is tried again.
for ((i = 0; i < 50; i++)); do
    "$O/vmm-trace" export --csv -o "$work/stopped" "$trace" &
    until compgen -G "$work/stopped*" > /dev/null; do :; done
    kill -TERM $!
    wait $!
    status=$?
    [ $status -ne 143 ] || [ -e "$work/stopped" ] || break
    rm -f "$work/stopped"
done
is 'an interruption' "$status" 143
is '... leaves nothing' "$(cd "$work" && echo stopped*)" 'stopped*'
cp -r "$trace" "$work/cut"
truncate -s -5000 "$work/cut/cpu0"
like 'a trace that is cut off: status 2' "$(full -o "$work/part" "$work/cut")" '^status 2$'
ok '... but what could be read is there' perl -MJSON::PP -0777 -ne 'exit !@{decode_json($_)->{traceEvents}}' "$work/part"
"$O/vmm-trace" export --csv -o "$work/mode" "$trace"
is 'the rights are those of any new file' "$(stat -c %a "$work/mode")" "$(printf '%o' $((0666 & ~$(umask))))"
done_testing
