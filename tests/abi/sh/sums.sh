# Checksums and encodings.
printf abc > f
md5sum f; sha1sum f; sha256sum f; sha512sum f; sha3sum f
crc32 f 2> /dev/null || cksum f 2> /dev/null
head -c 1000000 /dev/zero | md5sum; head -c 1000000 /dev/zero | sha256sum
md5sum f > sum; md5sum -c sum; echo x >> f; md5sum -c sum 2> /dev/null; echo $?
printf 'hello world, this is base64' | base64; printf 'aGVsbG8=' | base64 -d; echo
printf '\0\1\2\377AB' | od -c; printf '\0\1\2\377AB' | od -An -tx1
printf 'ABCDEFGHIJKLMNOPQ' | hexdump -C; printf 'ABC' | xxd; printf '4142' | xxd -r -p; echo
seq 100 | od -A d -t u2 | tail -n 2; printf 'x%.0s' $(seq 300) | od -c | head -n 3
