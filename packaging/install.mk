# install.mk - make man, install, uninstall, deb, deb-check.  Included by the Makefile.
#
# The usual variables: DESTDIR, prefix (or PREFIX), bindir, mandir, ...  vmm looks for kernels in
# ../lib/forkscope beside its own directory, so bindir and kerneldir move together.
PREFIX      ?= /usr/local
prefix      ?= $(PREFIX)
exec_prefix ?= $(prefix)
bindir      ?= $(exec_prefix)/bin
kerneldir   ?= $(exec_prefix)/lib/forkscope
datarootdir ?= $(prefix)/share
datadir     ?= $(datarootdir)
mandir      ?= $(datarootdir)/man
docdir      ?= $(datarootdir)/doc/forkscope
completionsdir ?= $(datadir)/bash-completion/completions
INSTALL         ?= install
INSTALL_PROGRAM ?= $(INSTALL)
INSTALL_DATA    ?= $(INSTALL) -m 644

# --- manual pages: a page for each program, and for each command of vmm-trace -------------
TRACE_COMMANDS = $(patsubst docs/man/vmm-trace-%.h2m,%,$(wildcard docs/man/vmm-trace-*.h2m))
MAN_PAGES      = $(patsubst %,$O/man/%.1,vmm vmm-trace $(TRACE_COMMANDS:%=vmm-trace-%))

.PHONY: man install uninstall install-strip
man: $(MAN_PAGES)
$(MAN_PAGES): $O/man/%.1: docs/man/page docs/man/status.h2m docs/man/%.h2m $O/vmm $O/vmm-trace
	@mkdir -p $(@D)
	$(call say,MAN,$@)docs/man/page $O $* > $@

# --- what goes where --------------------------------------------------------------------
DOCS = README.md SECURITY.md LICENSE $(shell find docs -path docs/man -prune -o -type f ! -name '*.awk' -print)

# $2: what is done with a file and where it goes; $3: with a link.  One list for both directions.
define LAYOUT
	$(call $2,$O/vmm,$(bindir)/vmm,PROGRAM)
	$(call $2,$O/vmm-trace,$(bindir)/vmm-trace,PROGRAM)
	$(call $2,$O/vmm-root,$(kerneldir)/vmm-root,PROGRAM)
	$(call $2,$O/guest.elf,$(kerneldir)/guest.elf,DATA)
	$(foreach page,$(MAN_PAGES),$(call $2,$(page),$(mandir)/man1/$(notdir $(page)),DATA))
	$(call $2,packaging/completion.bash,$(completionsdir)/vmm,DATA)
	$(call $3,vmm,$(completionsdir)/vmm-trace)
	$(call $2,packaging/trace-compass.xml,$(datadir)/forkscope/trace-compass.xml,DATA)
	$(foreach doc,$(DOCS),$(call $2,$(doc),$(docdir)/$(doc),DATA))
endef

# The separator is a line's end, so that each is a command of its own.
define put

	$Q$(INSTALL) -d '$(DESTDIR)$(dir $2)' && $(INSTALL_$3) $1 '$(DESTDIR)$2'
endef
define put_link

	$Qln -sf $1 '$(DESTDIR)$2'
endef
define remove

	$Qrm -f '$(DESTDIR)$2'
endef

install: all man
	$(call LAYOUT,,put,put_link)
install-strip:
	$Q$(MAKE) --no-print-directory INSTALL_PROGRAM='$(INSTALL) -s' install
uninstall:
	$(call LAYOUT,,remove,remove)
	$Qfind '$(DESTDIR)$(kerneldir)' '$(DESTDIR)$(docdir)' '$(DESTDIR)$(datadir)/forkscope' -depth -type d -empty -delete 2> /dev/null || true

# --- a Debian package, of the last commit, as from a clean clone; lintian looks at it -------------
.PHONY: deb deb-check
deb:
	@packaging/deb '$(abspath $O)/deb'
deb-check: deb
	$Qlintian --allow-root --display-info --pedantic --fail-on error,warning,info,pedantic '$O'/deb/*.changes
