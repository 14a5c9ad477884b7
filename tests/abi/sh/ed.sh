# ed by a script.
seq 5 > f
ed f <<'X' > /dev/null
2s/2/two/
3d
$a
end
.
w
q
X
cat f
