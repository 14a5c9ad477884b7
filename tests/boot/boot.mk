# boot.mk - boot-time regression: docs/boot-regression.md.  Included by the Makefile.
#
# BASE=REV also compares wall time with that revision, BOOT_FLAGS are bench-boot's.
BOOT_OUT  = --json $O/bench/boot.json --junit $O/bench/boot.xml --tap $O/bench/boot.tap
BOOT      = tests/boot/bench-boot --build $O $(BOOT_OUT) $(BOOT_FLAGS)

$O/tests/boot/count.so: tests/boot/count.c tests/boot/qemu_plugin.h
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -I. -shared -fPIC -fvisibility=hidden $< -o $@

.PHONY: bench-boot bench-boot-accept
bench-boot bench-boot-accept: deps
	@$(MAKE) --no-print-directory -j$(shell nproc) all $O/tests/boot/count.so
	@mkdir -p $O/bench
	@base=$(if $(BASE),"$$(O=$O tests/boot/base '$(BASE)')") && \
	$(BOOT) $(if $(filter %-accept,$@),--accept) \
		$${base:+--base-vmm "$$base/vmm" --base-kernel "$$base/guest.elf"}
