# cp, mv, ln, rm, mkdir, rmdir, touch, chmod, stat, readlink, realpath, du, dd, truncate, install.
umask 022
echo one > a; cp a b; cat b; mv b c; ls; ln c hard; ln -s c soft
stat -c '%n %h %s %F' c hard soft; readlink soft; realpath soft | sed 's,.*/,,'
cp -p a p; chmod 600 p; stat -c %a p; chmod u+x,g=r p; stat -c '%a %A' p; cp -a soft soft2
readlink soft2; cp -r . ../copy 2> /dev/null; rm -rf ../copy
mkdir -p x/y/z; mkdir x 2> /dev/null; echo $?; rmdir x/y/z; rmdir x 2> /dev/null; echo $?
mkdir -m 700 priv; stat -c %a priv; rm -r x; ls
touch new; stat -c %s new; touch -d '2020-01-02 03:04:05' new; TZ=UTC date -r new; touch -c none
ls none 2> /dev/null; echo $?
dd if=/dev/zero of=z bs=1k count=3 2> /dev/null; stat -c %s z
echo XY | dd of=z bs=1 seek=10 count=2 conv=notrunc 2> /dev/null; od -c z | head -n 2
dd if=z bs=1 skip=10 count=2 2> /dev/null; echo; truncate -s 5 z; stat -c %s z
truncate -s 100 z; stat -c %s z
rm none 2> /dev/null; echo $?; rm -f none; echo $?; mv none x 2> /dev/null; echo $?
cp none x 2> /dev/null; echo $?
echo text > d1; mkdir dir; mv d1 dir; cp dir/d1 dir/d2; ls dir; mv dir dir2; ls -1F | sort
ls -a | head -n 2
basename /a/b/c.txt .txt; dirname /a/b/c.txt; mktemp -d dXXXXXX > name
[ -d "$(cat name)" ] && echo made
cat a - a <<X
middle
X
tee t1 t2 < a; cat t1 t2; link a linked; cat linked; unlink linked; ls linked 2> /dev/null
shred -u t1 2> /dev/null; ls t1 2> /dev/null; echo $?
chmod 000 p; ls -l p | cut -c1-10; chown 12:34 a; stat -c '%u %g' a; test -u a; chmod 4755 a
test -u a && echo suid; ls -l a | cut -c1-10
