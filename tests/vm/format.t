#!/bin/bash
# The tree obeys its own .clang-format.
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

git rev-parse --git-dir > "$work/git" 2>&1 || skip_all 'this is no clone: git does not know which files there are'
is 'make format-check' "$(make -s format-check 2>&1 | head -20)" ''
done_testing
