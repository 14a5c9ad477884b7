#!/bin/bash
# limit: 120
# The kernel that watches its memory finds what it is there to find: a write beyond an object's end,
# a free of what is free, a write to and a read of what is free, a write to a free frame.
# not on nested, qemu: it runs on QEMU anyway
. tests/vm/lib.sh
KERNEL=$O/guest-locks.elf

finds()                         # finds WHAT MESSAGE
{
    vm_qemu -a "memcheck=$1" -- true
    like "$1" "$out" "kernel panic: $2"
}
finds overflow 'heap: written beyond its end: byte 40 of the object at'
finds twice 'heap: freed twice: the object at'
finds after 'heap: written after it was freed: byte 20 of the object at'
finds read 'exception 13 '      # an address made of 6b
like 'the address is the filling' "$out" '6b6b6b6b6b6b6b6b'
finds frame 'frame [0-9a-f]+ was written after it was freed: word 0 is 1'
vm_qemu -- sh -c 'ls / > /dev/null; echo well'
is 'it finds nothing where nothing is' "$out" well
done_testing
