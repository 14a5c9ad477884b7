#!/bin/bash
# The rooms of the source: guest/ includes its own and shared/ headers, freestanding ones
# and Linux's; shared/ only stdint and stddef; vmm/ nothing of guest/.
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

includes() { grep -rhoE '^ *# *include *[<"][^>"]+' "$@" --include='*.[ch]' | sed 's/.*include *//' | sort -u; }

bad=$(includes guest | sed 's/^["<]//' | while read -r name; do
    case $name in
    stddef.h | stdint.h | stdarg.h | stdbool.h | stdalign.h | stdnoreturn.h | limits.h | float.h) ;;
    linux/* | asm/* | asm-generic/* | shared/* | elf.h) ;;
    *)  [ -e "guest/$name" ] || ls guest/*/"$name" > /dev/null 2>&1 || echo "$name" ;;
    esac
done)
is 'guest/' "$bad" ''
is 'shared/' "$(includes shared | grep -vE '^<(stddef|stdint)\.h$|^"shared/' || true)" ''
is 'vmm/' "$(includes vmm | grep -E 'guest/' || true)" ''
is 'guest/ does not look into vmm/ or images/' "$(includes guest | grep -E 'vmm/|images/' || true)" ''
is 'assembly is in guest/arch and guest/entry only' "$(find guest vmm shared images -name '*.asm' | grep -vE '^guest/(arch|entry)/' || true)" ''
done_testing
