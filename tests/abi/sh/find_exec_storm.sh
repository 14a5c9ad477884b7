# Many processes in a row, by vfork and by fork.
mkdir d; i=0; while [ $i -lt 40 ]; do echo $i > d/f$i; i=$((i + 1)); done
find d -type f -exec cat {} \; | sort -n | tail -n 1
find d -type f | sort | xargs -n 1 cat | wc -l; for f in d/*; do x=$(cat $f); done; echo $x
find d -type f | xargs md5sum | sort | md5sum
