#!/bin/bash
# limit: 400
# The programs of the host side, built with the address and undefined-behaviour sanitizers, pass
# these tests of ours, and nothing is reported: not even memory that is left at the end.
# not on nested, qemu: it looks at our vmm on the host
. tests/vm/lib.sh
need_kvm

build=$O/asan
programs="$build/vmm $build/vmm-root $build/vmm-trace $build/mkroot $build/mkfilter"
make --no-print-directory -s O="$build" SANITIZE=1 $programs > "$work/log" 2>&1
result $? 'make SANITIZE=1' || { tail -n 20 "$work/log" | sed 's/^/#   /'; done_testing; exit; }
for file in guest.elf guest-locks.elf images tests root.img; do
    ln -sfn "$PWD/$O/$file" "$build/$file"
done

# What the sanitizers say goes to files: a test may expect the status that an error has.
export ASAN_OPTIONS=log_path=$work/report:detect_stack_use_after_return=1
export UBSAN_OPTIONS=log_path=$work/report:print_stacktrace=1
for t in exit_status vmm_options vmm_errors vmm_guests death trace add boot_report save; do
    from=$SECONDS
    O=$build timeout $((120 * slow)) "tests/vm/$t.t" > "$work/tap" 2>&1
    [ $? -eq 0 ] && ! grep -q '^not ok' "$work/tap"
    result $? "$t" || grep -A12 '^not ok' "$work/tap" | head -n 40 | sed 's/^/#   /'
    echo "# $((SECONDS - from)) s"
done
is 'the sanitizers found nothing' "$(cat "$work"/report* 2> /dev/null | head -n 60)" ''

# The packer, as it makes the root image, and the maker of the filters.
"$build/mkroot" -o "$work/root.img" -l "$O/root.list" 2> "$work/err"
is 'mkroot' "$(cat "$work/err" "$work"/report* 2> /dev/null)" ''
"$build/mkfilter" > "$work/filter" 2> "$work/err"
is 'mkfilter' "$(cat "$work/err" "$work"/report* 2> /dev/null)" ''
done_testing
