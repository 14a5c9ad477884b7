#!/bin/bash
# umoci: a layer that `umoci insert` makes is a tar without an end.
#
# Guess: a layer of an OCI image is a tar, so it is a whole number of 512-byte records and ends with two of zeros; who reads
# layers with libarchive or tar may take an archive that ends earlier for a damaged one.
# Found: the layer of `umoci insert` stops right behind the last byte of the last file: no padding, no end marker, though its
# digest and size in the manifest are right, and umoci itself unpacks it.  libarchive hands out all files with their data
# and then says "Truncated input file"; tar ends with status 2.  A reader of layers that wants what others write has to forgive
# an end inside the padding of a file whose data is complete, and check digests to tell that from damage.
. "$(dirname "$0")/lib.sh"
need umoci=0.4.7+ds-3+b7 libarchive-tools=3.6.2-1+deb12u5 libarchive13=3.6.2-1+deb12u5

mkdir files
echo 'some text' > files/text
umoci init --layout image
umoci new --image image:tag
umoci insert --rootless --image image:tag files /data > log 2>&1
for blob in image/blobs/sha256/*; do
    gzip -t "$blob" 2> /dev/null && gzip -dc "$blob" > layer.tar && digest=$(sha256sum < "$blob" | cut -d' ' -f1)
done
same 'the name of the blob is its digest' "$([ -e "image/blobs/sha256/$digest" ] && echo yes)" yes
same 'bytes behind the last whole record: those of the file' "$(($(stat -c %s layer.tar) % 512))" 10
status=0
bsdtar -tf layer.tar > names 2> said || status=$?
same 'what libarchive 3.6.2 finds' "$(paste -sd' ' names)" 'data/ data/text'
same '... its status' "$status" 1
same '... and why' "$(grep -o 'Truncated input file' said | head -1)" 'Truncated input file'
same 'the data is whole' "$(bsdtar -xOf layer.tar data/text 2> /dev/null)" 'some text'
umoci unpack --rootless --image image:tag bundle > log 2>&1
same 'what umoci unpacks' "$(cat bundle/rootfs/data/text)" 'some text'
