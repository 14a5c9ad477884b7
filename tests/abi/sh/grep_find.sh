# grep and find: patterns, options, exit status; tests, actions, -exec, pruning; xargs.
mkdir -p d/a/b d/c; echo needle > d/a/x; echo hay > d/a/b/y; echo 'needle two' > d/c/z
: > d/empty; ln -s a d/link
grep -r needle d | sort; grep -rl needle d | sort; grep -c e d/a/x; grep -n two d/c/z
grep -v needle d/c/z; echo $?
grep -q needle d/a/x; echo $?; grep -i NEEDLE d/a/x; grep -E 'a|h' d/a/b/y; grep -o 'n.e' d/a/x
grep -w two d/c/z
printf 'a\nb\nc\nd\n' | grep -A1 -B1 c; printf 'x.y\n' | grep -F .; grep nothing none; echo $?
find d | sort; find d -type f | sort; find d -type l; find d -name '[xy]' | sort
find d -size 0 -type f; find d -maxdepth 1 | sort
find d -type f -exec echo {} \; | sort; find d -type f -exec echo {} + | tr ' ' '\n' | sort
find d -name b -prune -o -type f -print | sort
find d -type f ! -name x | sort; find d -newer d/a/x -type d | head -n 0
find d -name empty -delete; ls d
printf '1 2\n3\n' | xargs echo a; printf '1\n2\n3\n' | xargs -n 1 echo n
printf 'x\0y\0' | xargs -0 -n1 echo; seq 5 | xargs -I% echo [%]
echo a | xargs sh -c 'exit 1'; echo $?; printf '' | xargs echo empty
seq 3000 | xargs echo | wc -w
find d -type f -print0 | xargs -0 grep -l needle | sort
