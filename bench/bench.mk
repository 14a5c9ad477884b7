# bench.mk - benchmarks against Linux: docs/benchmarks.md.  Included by the Makefile.
# PARTS are bench's: instructions, fork, boot, nested, wall, trace, root, tracetools, moments; BENCH_FLAGS are its options.
$O/bench/micro: bench/micro.c
	@mkdir -p $(@D)
	$(call say,MUSL,$<)$(MUSL_CC) -std=gnu11 -O2 -static -s -Wall -Wextra -Werror $< -o $@

.PHONY: bench
bench: deps
	@$(MAKE) --no-print-directory -j$(shell nproc) all $O/bench/micro $O/tests/boot/count.so
	@bench/bench --build $O $(BENCH_FLAGS) $(PARTS)
