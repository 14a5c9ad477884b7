# lib.sh - runs spin on a model.  Sourced by tests/model/*.t, which set `model`.
#
# holds NAME [-D...]          all interleavings, and nothing is wrong
# fails NAME REGEX [-D...]    spin finds what the expression says
#
# What spin says of a run that should not have been so stays in $O/tests/model/, with the
# trail; `spin -t -p -k TRAIL MODEL` then tells the story.
. tests/vm/lib.sh

spin_run()                      # spin_run OPTIMISATION [-D...]
{
    local level=$1 dir=$work/pan
    shift
    rm -rf "$dir"
    mkdir "$dir"
    ( cd "$dir" && spin -a "$@" "$here/$model.pml" > log 2>&1 &&
        gcc -O"$level" -w -DSAFETY -DCOLLAPSE -o pan pan.c >> log 2>&1 &&
        ./pan -m100000 -n > out 2>&1 )
    status=$?
    out=$(cat "$dir/log" "$dir/out" 2>&1)
}

keep()                          # the trail of a run that went wrong
{
    local to=$O/tests/model/$model
    mkdir -p "$to"
    cp "$work"/pan/out "$work"/pan/*.trail "$to/" 2> /dev/null
    explain "see $to, options: $*"
}

holds()
{
    local name=$1
    shift
    spin_run 1 "$@"
    # errors: 0, the search was not cut short, and something was searched.
    [ "$status" -eq 0 ] && grep -q 'errors: 0$' <<< "$out" && ! grep -q 'max search depth' <<< "$out" &&
        grep -qE '[0-9]{3} states, stored' <<< "$out"
    result $? "$name" || keep "$@"
}

fails()
{
    local name=$1 regex=$2
    shift 2
    spin_run 0 "$@"
    grep -q 'errors: 1$' <<< "$out" && grep -qE -- "$regex" <<< "$out"
    result $? "$name" || keep "$@"
}

here=$PWD/tests/model
