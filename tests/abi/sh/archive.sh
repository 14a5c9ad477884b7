# Archives and compression: what goes in comes out.
mkdir -p t/sub; seq 2000 > t/numbers; echo small > t/sub/s; ln -s numbers t/link
chmod 640 t/sub/s; ln t/numbers t/hard
tar cf a.tar t; tar tf a.tar | sort; mkdir x; tar xf a.tar -C x; diff -r t x/t && echo same
readlink x/t/link; stat -c '%a %h' x/t/sub/s x/t/hard
tar czf a.tgz t; rm -r x; mkdir x; tar xzf a.tgz -C x; diff -r t x/t && echo same gz
tar xOf a.tar t/sub/s
gzip -c t/numbers > n.gz; gunzip -c n.gz | cmp - t/numbers && echo gzip; zcat n.gz | wc -l
gzip -t n.gz; echo $?
bzip2 -c t/numbers > n.bz2; bunzip2 -c n.bz2 | cmp - t/numbers && echo bzip2; gzip t/sub/s
ls t/sub; gunzip t/sub/s.gz; cat t/sub/s
find t | sort | cpio -o -H newc 2> /dev/null > a.cpio; rm -r x; mkdir x; cd x
cpio -id < ../a.cpio 2> /dev/null; cd ..; diff -r t x/t && echo cpio
head -c 20 n.gz > bad.gz; gunzip -c bad.gz > /dev/null 2>&1; echo $?
tar xf none.tar 2> /dev/null; echo $?
xz -d < /dev/null > /dev/null 2>&1; echo $?; uuencode t/sub/s name > u; uudecode -o v u; cat v
head -c 300000 /dev/zero | gzip | gunzip | wc -c
