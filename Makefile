# Forkscope: `make` builds, `make run` boots, `make test` tests.  O=DIR puts
# everything made into DIR; V=1 shows the commands.
O       ?= build
CC      ?= gcc
NASM    ?= nasm
MUSL_CC ?= musl-gcc
V       ?= 0
Q       := $(if $(filter 1,$V),,@)
say      = $(if $(filter 1,$V),,@printf '  %-7s %s\n' $1 $2;)

.DELETE_ON_ERROR:
.PHONY: all run demo pictures test test-all test-list test-programs gdb deps clean format format-check
all: $O/vmm $O/vmm-trace $O/vmm-root $O/guest.elf

WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
DEPS     = -MMD -MP -MF $@.d

cc_option = $(shell $(CC) -Werror $1 -x c -c /dev/null -o /dev/null 2>/dev/null && echo $1)

# --- host programs -----------------------------------------------------------
# Hardened, and at any address; what the compiler lacks is left out.  tests/vm/hardening.t
# looks at what comes out.
HARDEN      := -fPIE -fstack-protector-strong $(call cc_option,-fstack-clash-protection) \
	$(call cc_option,-fcf-protection=full) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
comma       := ,
HARDEN_LD   := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
# Instead, with SANITIZE=1 (make O=build-asan SANITIZE=1): the address and undefined-behaviour
# sanitizers; with COVERAGE=1 (make coverage): counters of lines.  Either needs a few
# more system calls at the end than the sandbox allows otherwise.
INSTRUMENT  := $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined) \
	$(if $(COVERAGE),--coverage -fprofile-update=atomic)
HOST_CFLAGS := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -I. $(if $(strip $(INSTRUMENT)),-O1 -fPIE \
	-DVMM_INSTRUMENTED $(INSTRUMENT),$(HARDEN))
# A dynamic linker costs every start 0.2 ms, so all libraries are linked statically.  What
# relocates itself at each start should have little to relocate: vmm/capstone_x86.c.
VMM_LIBS    := -lcapstone -ldw -lelf -lz -llzma -lbz2 -lzstd -llz4 -lpthread
# What vmm and vmm-trace share: the reader and the replayer of traces.
TRACE_LIB   := $(patsubst %,vmm/trace/lib/%.c,schema metadata decode reader idmap replay syscalls format changes standing told)
VMM_SRC     := $(wildcard vmm/*.c) $(wildcard vmm/root/*.c) $(TRACE_LIB) images/cpio.c
VMMTRACE_SRC := $(wildcard vmm/trace/*/*.c) $(patsubst %,vmm/%.c,privilege sandbox say terminal)

host_obj = $(patsubst %.c,$O/host/%.o,$1)

$O/host/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(HOST_CFLAGS) $(DEPS) -c $< -o $@

# The commit, for vmm/version.h; none outside of a clone.  The file changes only
# when the commit does, so that nothing else is compiled again.
GIT_ID := $(shell git describe --always --dirty 2>/dev/null)
$O/git_id: FORCE
	@mkdir -p $O
	@echo '$(GIT_ID)' | cmp -s - $@ || echo '$(GIT_ID)' > $@
GIT_ID_SRC := vmm/options.c vmm/tracer.c vmm/trace/cmd/main.c
$(call host_obj,$(GIT_ID_SRC)): $O/git_id
$(call host_obj,$(GIT_ID_SRC)): HOST_CFLAGS += $(GIT_ID:%=-DGIT_ID='"%"')

# The names of all system calls that the host's headers know, one behind the other by
# number, empty where there is none: pointers would have to be relocated at each boot.
SYSCALL_NUMBERS = $(CC) -E -dM -include asm/unistd_64.h shared/syscall_numbers.h | \
	sed -n 's/^\#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/\2 \1/p' | sort -n
$O/syscall_names.inc: Makefile shared/syscall_numbers.h
	@mkdir -p $O
	$(call say,GEN,$@)$(SYSCALL_NUMBERS) | awk '{ for (; n < $$1; n++) print "\"\\0\""; n++; print "\"" $$2 "\\0\"" }' > $@
$O/host/vmm/trace/lib/syscalls.o $O/guest/sys/dispatch.o $O/guest-locks/sys/dispatch.o: $O/syscall_names.inc
$O/host/vmm/trace/lib/syscalls.o: HOST_CFLAGS += -I$O
$O/guest/sys/dispatch.o $O/guest-locks/sys/dispatch.o: GUEST_CFLAGS += -I$O

# The table of system calls in docs/.  tests/vm/syscalls.t wants it up to date.
.PHONY: docs
docs:
	$(Q)$(SYSCALL_NUMBERS) | awk -f docs/syscalls.awk - shared/syscalls.h > docs/syscalls.md

# Made of loops that only -O3 makes vector instructions of.
$O/host/vmm/trace/lint/bulk.o $O/host/vmm/trace/lib/words.o: HOST_CFLAGS += $(if $(strip $(INSTRUMENT)),,-O3)

# The seccomp filter.
$O/mkfilter: $(call host_obj,vmm/tools/mkfilter.c)
	$(call say,LD,$@)$(CC) -pie $(INSTRUMENT) $(HARDEN_LD) $^ -lseccomp -o $@
$O/sandbox_filter.inc: $O/mkfilter
	$(call say,GEN,$@)$O/mkfilter > $@
$O/host/vmm/sandbox.o: $O/sandbox_filter.inc
$O/host/vmm/sandbox.o: HOST_CFLAGS += -I$O

$O/vmm: $(call host_obj,$(VMM_SRC))
	$(call say,LD,$@)$(CC) $(if $(SANITIZE),-pie,-static-pie) $(INSTRUMENT) $(HARDEN_LD) -Wl,-z,pack-relative-relocs $^ $(VMM_LIBS) -o $@

# A program of its own: vmm starts without these libraries.
ROOT_LIBS := -larchive -ljansson -lnettle -lz
$O/vmm-root: $(call host_obj,$(wildcard vmm/root/pack/*.c vmm/root/keep/*.c) vmm/root/tree.c vmm/root/tree_index.c vmm/root/xattrs.c $(patsubst %,vmm/%.c,privilege sandbox say terminal) vmm/trace/lib/syscalls.c)
	$(call say,LD,$@)$(CC) -pie $(INSTRUMENT) $(HARDEN_LD) $^ $(ROOT_LIBS) -o $@

$O/vmm-trace: $(call host_obj,$(VMMTRACE_SRC))
	$(call say,LD,$@)$(CC) -pie $(INSTRUMENT) $(HARDEN_LD) $^ -lz -lsqlite3 -o $@

# The page of `vmm-trace report`: its markup with the style, and its script, put together.  The
# page's policy admits only this script, by its hash.
PAGE        := vmm/trace/report/page
PAGE_SCRIPT := $(sort $(wildcard $(PAGE)/*.js))
$O/report_tail.html: $(PAGE)/assemble $(PAGE_SCRIPT)
	@mkdir -p $O
	$(call say,GEN,$@)$(PAGE)/assemble tail $(PAGE_SCRIPT) > $@
$O/report_head.html: $(PAGE)/assemble $(PAGE)/page.html $(PAGE)/page.css $O/report_tail.html
	$(call say,GEN,$@)$(PAGE)/assemble head $(PAGE)/page.html $(PAGE)/page.css $O/report_tail.html > $@
$O/host/vmm/trace/report/page.o: $O/report_head.html $O/report_tail.html
$O/host/vmm/trace/report/page.o: HOST_CFLAGS += -Wa,-I$O

# --- the kernel --------------------------------------------------------------
# Small: code that is larger by what alignment and cloned functions add is not faster where an
# instruction costs the same wherever it lies.  Inlining does pay: 3 to 6 % of the instructions of
# a call, for 11 KB.  A kernel without vector registers needs no stack aligned to 16 bytes, which
# saves an instruction or two in every other function; that it is so at every entry need not be
# true, but keeps GCC from aligning it for each 16 bytes that it takes for one value.  (clang does
# not know all of these.)
GUEST_SMALL  := $(call cc_option,-fno-ipa-cp) $(call cc_option,-mpreferred-stack-boundary=3) \
	$(call cc_option,-mincoming-stack-boundary=4) \
	$(call cc_option,-falign-functions=1) $(call cc_option,-falign-jumps=1) \
	$(call cc_option,-falign-loops=1) $(call cc_option,-falign-labels=1)
GUEST_CFLAGS := -std=gnu11 -O2 -g $(WARN) -ffreestanding -fPIE -fvisibility=hidden \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fno-delete-null-pointer-checks -fomit-frame-pointer \
	-fcf-protection=none -ffunction-sections -fdata-sections $(GUEST_SMALL) -I. -Iguest
GUEST_SRC    := $(wildcard guest/*.c guest/*/*.c)
GUEST_ASM    := $(wildcard guest/arch/*.asm guest/entry/*.asm)

# Most files are built for size: guest/hot.mk names the others.  (-Oz is GCC 12's: 8 KB less than
# -Os.  What follows it takes 2 to 3 % off that, and knows less about what is initialized; guest-locks
# is built without, and tells.)
include guest/hot.mk
GUEST_TINY   := -Os $(call cc_option,-Oz) $(call cc_option,-fno-expensive-optimizations) -fno-jump-tables \
	$(call cc_option,-fno-tree-dominator-opts) $(call cc_option,-fno-move-loop-invariants) \
	$(call cc_option,-Wno-maybe-uninitialized)
$(patsubst %.c,$O/%.o,$(filter-out $(GUEST_HOT),$(GUEST_SRC))): GUEST_CFLAGS += $(GUEST_TINY)

# What programs find in their memory.  No instruction sets beyond SSE2: any processor runs it.
$O/vdso.so: guest/arch/vdso/vdso.c guest/arch/vdso/vdso.ld guest/arch/vvar.h Makefile
	@mkdir -p $O
	$(call say,LD,$@)$(CC) -std=gnu11 -O2 $(WARN) -ffreestanding -fno-builtin -fPIC -fvisibility=default -mno-red-zone \
		-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -Iguest -nostdlib -shared \
		-Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
		-Wl,--build-id=none -Wl,-Bsymbolic -s -Wl,-T,guest/arch/vdso/vdso.ld guest/arch/vdso/vdso.c -o $@

# The bytes of /proc/config.gz.
$O/config_gz.inc: guest/procfs/kernel_config
	@mkdir -p $O
	$(call say,GEN,$@)gzip -9 -n < $< | od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g' > $@
$O/guest/procfs/system.o $O/guest-locks/procfs/system.o: $O/config_gz.inc
$O/guest/procfs/system.o $O/guest-locks/procfs/system.o: GUEST_CFLAGS += -I$O

# $1: where the objects go; $2: flags of their own.  Offsets and constants for nasm come
# from the C headers, through the compiler.
define KERNEL
$1_OBJ := $(patsubst guest/%.c,$O/$1/%.o,$(filter-out %/asm_offsets.c,$(GUEST_SRC))) \
	$(patsubst guest/%.asm,$O/$1/%.asm.o,$(GUEST_ASM))

$O/$1/%.o: guest/%.c Makefile guest/hot.mk
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(CC) $$(GUEST_CFLAGS) $2 $$(DEPS) -c $$< -o $$@

$O/$1/entry/asm_offsets.inc: guest/entry/asm_offsets.c
	@mkdir -p $$(@D)
	$$(call say,GEN,$$@)$$(CC) $$(GUEST_CFLAGS) $2 $$(DEPS) -MT $$@ -S $$< -o $$@.s && \
	sed -n 's/^.*->\([A-Za-z0-9_]*\) \$$$$\{0,1\}\(-\{0,1\}[0-9]*\).*/%define \1 \2/p' $$@.s > $$@

$O/$1/%.asm.o: guest/%.asm $O/$1/entry/asm_offsets.inc
	@mkdir -p $$(@D)
	$$(call say,NASM,$$<)$$(NASM) -f elf64 -g -F dwarf -I$O/$1/entry/ -Iguest/entry/ -Iguest/arch/ -I$O/ -MD $$@.d -MP $$< -o $$@

$O/$1/arch/rootimg.asm.o: $O/root.img
$O/$1/arch/vdso_image.asm.o: $O/vdso.so

$O/$1.elf: guest/kernel.ld $$($1_OBJ)
	$$(call say,LD,$$@)ld -nostdlib -pie --no-dynamic-linker -z pack-relative-relocs -z norelro --gc-sections -z noexecstack -z max-page-size=4096 \
		--build-id=none -T guest/kernel.ld $$($1_OBJ) -o $$@
endef

# guest-locks checks at each use of a lock what guest/sync/lock_classes.h says, and watches its
# memory (guest/mm/memcheck.h); it has mutants (guest/mm/mutant.h).  Tests run it.
$(eval $(call KERNEL,guest,))
$(eval $(call KERNEL,guest-locks,-DLOCKS=1 -DMEMCHECK=1 -DMUTANTS=1))

# --- the root image ----------------------------------------------------------
BUSYBOX     := $(shell command -v busybox)
IMAGE_PROGS := $(patsubst %,$O/images/%,run forkdemo vforkdemo spawnbench)

$O/mkroot: $(call host_obj,images/mkroot.c images/cpio.c)
	$(call say,LD,$@)$(CC) -pie $(INSTRUMENT) $(HARDEN_LD) $^ -o $@

$(IMAGE_PROGS): $O/images/%: images/%.c
	@mkdir -p $(@D)
	$(call say,MUSL,$<)$(MUSL_CC) -std=gnu11 -Os -static -s -Wall -Wextra -Werror $(DEPS) $< -o $@

# The list of files, with a link for every applet that has no file of its own.
$O/root.list: images/root.list $(BUSYBOX)
	@mkdir -p $(@D)
	$(call say,GEN,$@)sed -e 's,@O@,$O,' -e 's,@BUSYBOX@,$(BUSYBOX),' $< > $@ && \
	$(BUSYBOX) --list-full | awk '$$0 !~ "^(bin/busybox|linuxrc)$$" { up = $$0; sub("[^/]*$$", "", up); \
		gsub("[^/]+", "..", up); print "slink /" $$0, up "bin/busybox 777 0 0" }' >> $@

$O/root.img: $O/root.list $O/mkroot $(IMAGE_PROGS) $(BUSYBOX) $(wildcard images/etc/*)
	$(call say,MKROOT,$@)$O/mkroot -o $@ -l $<

# --- running, testing --------------------------------------------------------
# Installs what is missing to build and test, on Debian and as root; else says
# what it is.  Costs some milliseconds if nothing is.
deps:
	@images/deps

run: deps
	@$(MAKE) --no-print-directory -j$(shell nproc) all
	$O/vmm $O/guest.elf

# A page about forkdemo and vforkdemo, opened where there is a desktop.  DEMO='COMMAND' shows another run.
demo: deps
	@$(MAKE) --no-print-directory -j$(shell nproc) all
	@vmm/trace/report/demo $O

# The pictures of docs/lessons and README.md, from pages written now.
pictures: all
	@rm -rf $O/pictures && mkdir -p $O/pictures docs/lessons/img docs/img
	@for l in $(patsubst docs/lessons/%.md,%,$(filter-out %/README.md,$(wildcard docs/lessons/*.md))); do \
		mkdir $O/pictures/$$l && O=$(abspath $O) docs/lessons/run docs/lessons/$$l.md $O/pictures/$$l > /dev/null || exit 1; done
	@vmm/trace/report/demo $O > /dev/null && cp -r $O/demo $O/pictures/demo
	node tests/report/pictures.js $O/pictures

# T=vm/NAME, T=abi/NAME, T=abi/sh/NAME or T=unit/NAME runs one, T="NAME NAME" several; T=vm, ... a kind.  test-all is
# test and all that the nested host can run, with and without nested paging.
test test-all: deps
	@$(MAKE) --no-print-directory -j$(shell nproc) all
	@O=$O CC=$(CC) MUSL_CC=$(MUSL_CC) tests/run $(if $(filter %-all,$@),all,$(T))

# Debian's programs, downloaded, here and in the guest: docs/programs.md.
test-programs: all
	@tests/programs/run -o docs/programs.md

test-list:
	@tests/run --list

# The tree's one dialect stands in .clang-format; another version of the tool sees some lines differently.
FORMAT_VERSION := 14
FORMAT   = $(shell command -v clang-format-$(FORMAT_VERSION) || command -v clang-format)
C_FILES  = $(shell git ls-files '*.c' '*.h')
format:
	@$(FORMAT) -i $(C_FILES)
format-check:
	@$(FORMAT) --version | grep -q 'version $(FORMAT_VERSION)\.' || \
		{ echo 'format-check needs clang-format $(FORMAT_VERSION)' >&2; exit 2; }
	@$(FORMAT) --dry-run --Werror $(C_FILES)

# The kernel waits in QEMU for gdb.
gdb: all
	@echo 'In another terminal:  gdb $O/guest.elf -ex "target remote :1234"'
	@bash -c '. tests/vm/lib.sh && qemu_microvm -s -S'

clean:
	rm -rf $O

include tests/tests.mk tests/boot/boot.mk bench/bench.mk packaging/install.mk

-include $(shell find $O -path $O/programs -prune -o -name '*.d' -type f -print 2>/dev/null)
