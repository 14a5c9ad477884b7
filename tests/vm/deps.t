#!/bin/bash
# What is missing to build is installed with apt-get by root, and named to everybody else.
# (apt-get, id and the tools are links and scripts of the test's own here.)
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

bin=$work/bin
mkdir "$bin"
for tool in bash ln ldd sleep gcc ld nasm musl-gcc clang busybox qemu-system-x86_64 babeltrace2 prove spin clang-format git ctags node chromium-headless-shell dot protoc sqlite3 mandoc help2man xmllint umoci skopeo; do
    ln -s "$(command -v $tool)" "$bin/$tool"
done
is_user() { printf '#!/bin/bash\necho %s\n' "$1" > "$bin/id"; chmod +x "$bin/id"; }
deps() { run_machine env PATH="$bin" images/deps; }

is_user 0
deps
is 'nothing is missing: status' "$status" 0
is '... and no word' "$out$err" ''

rm "$bin/nasm" "$bin/babeltrace2"
deps
is 'no apt-get: status' "$status" 1
like '... the packages are named' "$err" '^Missing Debian packages: nasm babeltrace2$'
like '... and the command' "$err" 'apt-get install nasm babeltrace2$'

cat > "$bin/apt-get" <<SCRIPT
#!/bin/bash
echo "apt-get \$*" >> $work/calls
case "\$*" in
*install*babeltrace2*) [ -e $work/broken ] || ln -sf bash $bin/babeltrace2 ;;
esac
case "\$*" in
*install*nasm*) [ -e $work/broken ] || ln -sf bash $bin/nasm ;;
esac
SCRIPT
chmod +x "$bin/apt-get"
is_user 1000
deps
is 'not root: status' "$status" 1
like '... the packages are named' "$err" 'packages: nasm babeltrace2$'
ok '... and apt-get is left alone' [ ! -e "$work/calls" ]

is_user 0
deps
is 'root: status' "$status" 0
like '... says what it does' "$out" '^Installing: nasm babeltrace2$'
like '... with fresh lists' "$(head -n1 "$work/calls")" 'update'
like '... and asks for these only' "$(tail -n1 "$work/calls")" 'install .*nasm babeltrace2$'

rm "$bin/nasm"
: > "$work/broken"
deps
is 'still missing: status' "$status" 1
like '... and named' "$err" '^Still missing: nasm$'
done_testing
