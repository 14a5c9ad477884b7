# syscalls.awk - docs/syscalls.md, of "number name" lines and shared/syscalls.h.
BEGIN {
    split("FD file descriptor:STR string:PTR address:LEN length:INT number:HEX bits:PID pid:SIG signal:OFF offset", kinds, ":")
    for (k in kinds) { at = index(kinds[k], " "); text[substr(kinds[k], 1, at - 1)] = substr(kinds[k], at + 1) }
    print "# System calls\n\nThose that the kernel has, by what they are about, with the kinds of their arguments.  Made of"
    print "`shared/syscalls.h` by `make docs`; all others give ENOSYS."
}
FNR == NR { number[$2] = $1; next }
/^\/\* [a-z]+.*: .* \*\/$/ {
    title = substr($0, 4); sub(/:.*/, "", title)
    print "\n## " toupper(substr(title, 1, 1)) substr(title, 2) "\n\n| call | number | arguments |\n|---|---|---|"
}
/^SYSCALL\(/ {
    line = $0; sub(/^SYSCALL\(/, "", line); sub(/\).*/, "", line)
    n = split(line, word, ", *"); list = ""
    for (i = 2; i <= n; i++) list = list (i > 2 ? ", " : "") text[word[i]]
    print "| `" word[1] "` | " number[word[1]] " | " list " |"
}
