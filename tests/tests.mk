# tests.mk - how test programs are built.  Included by the Makefile.
# On purpose a vfork child shares its variables, and addresses are bad.  (gcc does not
# mind -Wno-... for a warning that it does not know; clang has to be told not to.)
TEST_WARN := -Wall -Wextra -Werror -Wno-unknown-warning-option -Wno-clobbered \
	-Wno-stringop-overread -Wno-stringop-overflow -Wno-nonnull -Wno-array-bounds

ABI_MUSL  := $(patsubst tests/abi/%.c,$O/tests/abi/%,$(wildcard tests/abi/*.c))
ABI_GLIBC := $(patsubst tests/abi/%.c,$O/tests/abi/%,$(wildcard tests/abi/glibc/*.c))
UNIT      := $(patsubst tests/%.c,$O/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: test-binaries
test-binaries: $O/guest-locks.elf $(ABI_MUSL) $(ABI_GLIBC) $O/tests/vm/ptyrun $O/tests/vm/trap $O/tests/vm/jump \
	$O/tests/stress $O/tests/vm/hang $O/tests/vm/alloc_fail $O/tests/vm/foreground $O/tests/vm/clock_set $O/tests/fuzz/calls $O/tests/vm/confined $O/tests/vm/long_calls \
	$O/tests/vm/stretch.so $O/tests/vm/caches $O/tests/vm/ahead $O/tests/vm/huge $O/tests/vm/shrunk $O/tests/vm/xattrs

# The two libcs make processes in different ways, and use different calls.
$(ABI_MUSL): $O/tests/abi/%: tests/abi/%.c
	@mkdir -p $(@D)
	$(call say,MUSL,$<)$(MUSL_CC) -std=gnu11 -O1 -static $(TEST_WARN) $(DEPS) -D_GNU_SOURCE -Itests/abi $< -o $@

# GLIBC_CFLAGS stand in the program: /* cflags: ... */
$(ABI_GLIBC): $O/tests/abi/%: tests/abi/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)gcc -std=gnu11 -O1 -static -pthread $(TEST_WARN) $(DEPS) -D_GNU_SOURCE -Itests/abi \
		$$(sed -n 's,.*/\* cflags: \(.*\) \*/.*,\1,p' $<) $< -o $@

$O/tests/vm/ptyrun: $O/tests/vm/%: tests/vm/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 -O1 -g $(TEST_WARN) -D_GNU_SOURCE $< -o $@ -lutil

$O/tests/vm/trap: tests/vm/trap.c $(call host_obj,vmm/trial.c)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 -O1 -g $(TEST_WARN) -D_GNU_SOURCE -I. -I$O $^ -o $@

# The sandbox with its real objects.
$O/tests/vm/confined: tests/vm/confined.c $(call host_obj,$(patsubst %,vmm/%.c,sandbox privilege say terminal \
	trace/lib/syscalls))
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 -O1 -g $(TEST_WARN) -D_GNU_SOURCE -I. $^ -o $@

test-binaries: $O/tests/vm/attack $O/tests/vm/prey $O/tests/vm/attach
$O/tests/vm/attack $O/tests/vm/prey $O/tests/vm/attach: $O/tests/vm/%: tests/vm/%.c
	@mkdir -p $(@D)
	$(call say,MUSL,$<)$(MUSL_CC) -std=gnu11 -O1 -static $(TEST_WARN) -D_GNU_SOURCE $< -o $@

$O/tests/vm/jump: tests/vm/jump.c
	@mkdir -p $(@D)
	$(call say,MUSL,$<)$(MUSL_CC) -std=gnu11 -O1 -static $(TEST_WARN) $< -o $@

$O/tests/stress: $(wildcard tests/stress/*.[ch])
	@mkdir -p $(@D)
	$(call say,MUSL,$@)$(MUSL_CC) -std=gnu11 -O1 -static $(TEST_WARN) -D_GNU_SOURCE $(filter %.c,$^) -o $@

$O/tests/vm/hang $O/tests/vm/foreground $O/tests/vm/clock_set $O/tests/vm/shrunk $O/tests/vm/xattrs: $O/tests/vm/%: tests/vm/%.c
	@mkdir -p $(@D)
	$(call say,MUSL,$<)$(MUSL_CC) -std=gnu11 -O1 -static $(TEST_WARN) -D_GNU_SOURCE $< -o $@

# Programs of several files.
$O/tests/vm/long_calls: $(wildcard tests/vm/long_calls/*.[ch])
$O/tests/vm/alloc_fail: $(wildcard tests/vm/alloc_fail/*.[ch]) tests/vm/held.h
$O/tests/vm/long_calls $O/tests/vm/alloc_fail:
	@mkdir -p $(@D)
	$(call say,MUSL,$@)$(MUSL_CC) -std=gnu11 -O1 -static $(TEST_WARN) -D_GNU_SOURCE -I. $(filter %.c,$^) -o $@

$O/tests/vm/caches $O/tests/vm/ahead $O/tests/vm/huge: $O/tests/vm/%: tests/vm/%.c
	@mkdir -p $(@D)
	$(call say,MUSL,$<)$(MUSL_CC) -std=gnu11 -O1 -static $(TEST_WARN) -D_GNU_SOURCE $< -o $@

$O/tests/vm/stretch.so: tests/vm/stretch.c tests/boot/qemu_plugin.h
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -I. -shared -fPIC -fvisibility=hidden $< -o $@

# A unit test names the sources it is linked with in its first line:
#     /* links: guest/mm/vma.c guest/lib/rbtree.c */
# Kernel sources are compiled for the host; tests/unit/ holds what they need there.
$(UNIT): $O/tests/%: tests/%.c FORCE
	@mkdir -p $(@D)
	@links=$$(sed -n '1s,.*/\* links: *\(.*\) \*/.*,\1,p' $<); \
	if [ -e $@ ] && [ -z "$$(find $< $$links tests/unit/*.h guest shared vmm images \
		-name '*.[ch]' -newer $@ 2>/dev/null | head -1)" ]; then exit 0; fi; \
	printf '  %-7s %s\n' UNIT $<; \
	$(CC) -std=gnu11 -O1 -g $(TEST_WARN) -fsanitize=address,undefined -fno-sanitize-recover \
		-D_GNU_SOURCE -I. -I$O -iquote guest -Itests/unit $< $$links -o $@ -lcmocka -lelf -lcapstone

# Without what needs thread-local storage: calls change its base.
$O/tests/fuzz/calls: $(wildcard tests/fuzz/calls*.[ch]) tests/vm/held.h shared/syscalls.h
	@mkdir -p $(@D)
	$(call say,MUSL,$@)$(MUSL_CC) -std=gnu11 -O1 -static -fno-stack-protector $(TEST_WARN) -D_GNU_SOURCE -I. \
		$(filter %.c,$^) -o $@

.PHONY: FORCE
FORCE:

# Fuzz targets: the first line names their sources, others may name libraries and flags,
#     /* links: ... */   /* libs: ... */   /* cflags: ... */
# clang's libFuzzer is the driver.  `make fuzz T=image SECONDS=600` runs one for longer.
FUZZ := $(patsubst tests/%.c,$O/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
.PHONY: fuzz fuzz-targets
fuzz-targets: $(FUZZ)
$(FUZZ): $O/tests/%: tests/%.c FORCE
	@mkdir -p $(@D)
	@word() { sed -n "s,.*/\* $$1: *\(.*\) \*/.*,\1,p" $<; }; links=$$(word links); \
	if [ -e $@ ] && [ -z "$$(find $< $$links tests/fuzz/*.h guest shared vmm images \
		-name '*.[ch]' -newer $@ 2>/dev/null | head -1)" ]; then exit 0; fi; \
	printf '  %-7s %s\n' FUZZ $<; \
	clang -std=gnu11 -O1 -g $(TEST_WARN) -Wno-comment -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-D_GNU_SOURCE $$(word cflags) -I. -I$O -iquote guest -Itests/unit -Itests/fuzz $< $$links -o $@ $$(word libs)

fuzz: deps
	@$(MAKE) --no-print-directory -s -j$(shell nproc) fuzz-targets
	@O=$O tests/fuzz/run '$(T)' '$(or $(SECONDS),60)'

# Lines of vmm/ (the trace tools with it) that the host-side tests run: by gcov, of a build with COVERAGE=1.
.PHONY: coverage
coverage: deps
	@tests/coverage '$O'
