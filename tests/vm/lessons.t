#!/bin/bash
# limit: 300
# Each lesson's commands run, what its answers say holds of the trace that they record, its picture
# is there; and `make demo` writes a page and names it.
# not on nested, qemu: the lessons are about our vmm
. tests/vm/lib.sh
need_kvm

for lesson in docs/lessons/*.md; do
    name=$(basename "$lesson" .md)
    [ "$name" = README ] && continue
    mkdir "$work/$name"
    O=$(realpath "$O") docs/lessons/run "$lesson" "$work/$name" > "$work/out" 2> "$work/err"
    is "$name: its commands" "$?" 0
    ok '... write a page' grep -q 'data-table="head"' "$work/$name/lesson.html"
    like '... of a trace that the audit confirms' "$(cat "$work/err")" 'audit: final: .* 0 violations'
    holds=$(O=$(realpath "$O") docs/lessons/run "$lesson" "$work/$name" holds)
    is '... and what the answers say holds' "$(grep -c '^ok' <<< "$holds") $(grep '^not' <<< "$holds")" "$(grep -c '^<!-- holds:' "$lesson") "
    is 'three questions, three answers' "$(grep -cE '^\*\*[1-3]\. .*\?\*\*$|^\*\*[1-3]\. ' "$lesson") $(grep -c '^<details><summary>Answer' "$lesson")" '3 3'
    missing=$(grep -oE '\]\(([^)h#]|h[^t])[^)]*\)' "$lesson" | tr -d '])(' | while read -r file; do [ -e "docs/lessons/$file" ] || echo "$file"; done)
    is 'what it points to is there' "$missing" ''
    ok 'the list of lessons has it' grep -q "($name.md)" docs/lessons/README.md
done

mkdir "$work/bin"
printf '#!/bin/bash\necho "$1" > %s/opened\n' "$work" > "$work/bin/xdg-open"
chmod +x "$work/bin/xdg-open"
cp -r "$O/vmm" "$O/vmm-trace" "$O/guest.elf" "$work/bin/"
DISPLAY='' WAYLAND_DISPLAY='' PATH="$work/bin:$PATH" DEMO='vforkdemo; exit 3' vmm/trace/report/demo "$work/bin" > "$work/out" 2>&1
is 'make demo: status, although the command gave 3' $? 0
like '... names the page' "$(cat "$work/out")" "^The page: $work/bin/demo/report.html\$"
ok '... which is there' test -s "$work/bin/demo/report.html"
ok '... and opens nothing where there is no desktop' test ! -e "$work/opened"
DISPLAY=:0 PATH="$work/bin:$PATH" DEMO=true vmm/trace/report/demo "$work/bin" > "$work/out" 2>&1
for _ in $(seq 100); do [ -s "$work/opened" ] && break; sleep 0.05; done
is '... but where there is one' "$(cat "$work/opened")" "$work/bin/demo/report.html"
done_testing
