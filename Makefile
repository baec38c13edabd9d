# SPDX-License-Identifier: GPL-2.0-or-later
# kvnet: build, test, install.  `make help` lists the targets.
.DEFAULT_GOAL := all

VERSION := 0.1.0
SOVERSION := 0
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec/kvnet
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPDIR ?= $(PREFIX)/share/bash-completion/completions
# SAN=1 builds everything under AddressSanitizer and UndefinedBehaviorSanitizer, into a folder of its own.
SAN ?=
B := $(if $(SAN),build-san,build)

CC ?= gcc
PKG_CONFIG ?= pkg-config
DEPS := libnl-3.0 libmnl libnftnl yaml-0.1 jansson
# What has a static archive on Debian is linked statically into the programs: a hook lives for a millisecond, and
# looking up a shared object costs it 0.05-0.1 ms each.  libmnl has none there.
STATIC_LIBS := -Wl,-Bstatic -lnl-3 -lnftnl -lyaml -ljansson -Wl,-Bdynamic -lmnl -lpthread
SHARED_LIBS := $(shell $(PKG_CONFIG) --libs $(DEPS) 2>/dev/null)
PROGRAM_LIBS := $(STATIC_LIBS)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wundef \
	-Wformat=2 -Wold-style-definition -Wredundant-decls
ifneq ($(findstring clang,$(CC)),)
WARN := $(filter-out,$(WARN)) -Wno-gnu
endif
CFLAGS ?= -O2 -g
CPPFLAGS += -D_GNU_SOURCE -D_FORTIFY_SOURCE=$(if $(SAN),0,2) -DKVN_VERSION='"$(VERSION)"' -DKVN_LIBEXECDIR='"$(LIBEXECDIR)"' -Ilib $(shell $(PKG_CONFIG) --cflags $(DEPS) 2>/dev/null)
ALL_CFLAGS = -std=gnu11 $(WARN) $(if $(WERROR),-Werror) -fvisibility=hidden -fstack-protector-strong -ffunction-sections -fdata-sections \
	$(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer) $(CFLAGS)
comma := ,
ALL_LDFLAGS = -Wl,--gc-sections -Wl,-z,now $(if $(SAN),-fsanitize=address$(comma)undefined) $(LDFLAGS)

LIB_SRC := $(sort $(wildcard lib/*.c))
NETD_SRC := $(sort $(wildcard netd/*.c))
CLI_SRC := $(sort $(wildcard tools/kvnet/*.c))
# libvirt's XML: what nobody but its users links, nor libxml2.
XML_SRC := $(sort $(wildcard lib/virt/network_*.c))
XML_CFLAGS := $(shell $(PKG_CONFIG) --cflags libxml-2.0 2>/dev/null)
XML_LIBS := $(shell $(PKG_CONFIG) --libs libxml-2.0 2>/dev/null)
# What needs libvirt is a program of its own, left out where libvirt's headers are not installed.
VIRT_DEPS := libvirt libxml-2.0
VIRT_SRC := $(filter-out $(XML_SRC),$(sort $(wildcard lib/virt/*.c tools/kvnet-virt/*.c)))
HAS_VIRT := $(shell $(PKG_CONFIG) --exists $(VIRT_DEPS) 2>/dev/null && echo yes)
UNIT_SRC := $(filter-out $(if $(HAS_VIRT),,tests/unit/test_virt.c),$(sort $(wildcard tests/unit/test_*.c)))
BENCH_SRC := $(sort $(wildcard bench/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$B/obj/%.o)
LIB_PIC := $(LIB_SRC:%.c=$B/pic/%.o)
XML_OBJ := $(XML_SRC:%.c=$B/obj/%.o)
NETD_OBJ := $(NETD_SRC:%.c=$B/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$B/obj/%.o)
VIRT_OBJ := $(VIRT_SRC:%.c=$B/obj/%.o)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$B/unit/%)
BENCH_BIN := $(BENCH_SRC:bench/%.c=$B/bench/%)
LIB_SO := $B/libkvnet.so.$(SOVERSION)
VIRT_PROGRAMS := $(if $(HAS_VIRT),$B/kvnet-virt)
PROGRAMS := $B/kvnet $B/netd $B/qemu-ifup $B/qemu-ifdown $B/kvnet-helper $(VIRT_PROGRAMS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

.PHONY: all
all: $(PROGRAMS) $(LIB_SO)
ifeq ($(HAS_VIRT),)
	@echo 'kvnet-virt (register, import, export --xml, vm) is left out: libvirt-dev or libxml2-dev is not installed'
endif

$B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$B/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC-PIC,$<)
	$Q$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -MMD -MP -c -o $@ $<

$B/libkvnet.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$Q$(RM) $@ && $(AR) rcs $@ $(LIB_OBJ)

$(XML_OBJ) $B/obj/tests/unit/test_network_xml.o: CPPFLAGS += $(XML_CFLAGS)
$B/libkvnet-virt.a: $(XML_OBJ)
	$(call say,AR,$@)
	$Q$(RM) $@ && $(AR) rcs $@ $(XML_OBJ)

$(LIB_SO): $(LIB_PIC) lib/kvnet.map
	$(call say,LD,$@)
	$Q$(CC) -shared -Wl,-soname,$(@F) -Wl,--version-script=lib/kvnet.map $(ALL_LDFLAGS) -o $@ $(LIB_PIC) $(SHARED_LIBS)
	$Qln -sf $(@F) $B/libkvnet.so

$B/kvnet: $(CLI_OBJ) $B/libkvnet.a
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(CLI_OBJ) $B/libkvnet.a $(PROGRAM_LIBS)

$(VIRT_OBJ) $B/obj/tests/unit/test_virt.o: CPPFLAGS += $(shell $(PKG_CONFIG) --cflags $(VIRT_DEPS) 2>/dev/null)
$B/kvnet-virt: $(VIRT_OBJ) $(filter-out %/verbs_virt.o,$(CLI_OBJ)) $B/libkvnet-virt.a $B/libkvnet.a
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PROGRAM_LIBS) $(shell $(PKG_CONFIG) --libs $(VIRT_DEPS))

$B/netd: $(NETD_OBJ) $B/libkvnet.a
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(NETD_OBJ) $B/libkvnet.a $(PROGRAM_LIBS) -lsystemd

$B/qemu-ifup $B/qemu-ifdown $B/kvnet-helper: $B/%: $B/obj/tools/%.o $B/libkvnet.a
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $B/libkvnet.a $(PROGRAM_LIBS)

$B/unit/test_network_xml: $B/obj/tests/unit/test_network_xml.o $B/libkvnet-virt.a $B/libkvnet.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PROGRAM_LIBS) $(XML_LIBS) -lcmocka

$B/unit/test_virt: $B/obj/tests/unit/test_virt.o $(filter $B/obj/lib/virt/%,$(VIRT_OBJ)) $B/libkvnet.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PROGRAM_LIBS) $(shell $(PKG_CONFIG) --libs $(VIRT_DEPS)) -lcmocka

$B/unit/%: $B/obj/tests/unit/%.o $B/libkvnet.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $B/libkvnet.a $(PROGRAM_LIBS) -lcmocka

-include $(LIB_OBJ:.o=.d) $(UNIT_SRC:%.c=$B/obj/%.d) $(XML_OBJ:.o=.d) $(LIB_PIC:.o=.d) $(CLI_OBJ:.o=.d) $(VIRT_OBJ:.o=.d) $(NETD_OBJ:.o=.d) $B/obj/tools/kvnet-helper.d $B/obj/tools/qemu-ifup.d $B/obj/tools/qemu-ifdown.d

# ---- generated: the manual page and completion come from the verb table, the package file from the version ----

$B/kvnet.8: $B/kvnet
	$Q./$< help manual >$@

$B/completion/kvnet: $B/kvnet
	@mkdir -p $(@D)
	$Q./$< help completion >$@

$B/kvnet-netd.service: netd/kvnet-netd.service.in Makefile
	$Qsed 's|@SBINDIR@|$(SBINDIR)|' $< >$@

$B/libkvnet.pc: Makefile
	@mkdir -p $(@D)
	$Qprintf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$(INCLUDEDIR)' '' 'Name: libkvnet' \
		'Description: networks for virtual machines' 'Version: $(VERSION)' 'Requires: jansson' \
		'Requires.private: libnl-3.0 libmnl libnftnl yaml-0.1' \
		'Libs: -L$${libdir} -lkvnet' 'Cflags: -I$${includedir}' >$@

# ---- tests ----

SELFTEST_BIN := $(patsubst tests/netns/%.c,$B/netns/%,$(wildcard tests/netns/*_selftest.c))
TOOL_BIN := $B/tests/probe $B/tests/tapholder $B/tests/tapwire $B/tests/calls
# Each system call of each verb failing, and being its last: a quarter of an hour and more, so a target of their own.
FAULT_TESTS := $(sort $(wildcard tests/netns/rollback_*.sh tests/netns/kill9_*.sh))
NETNS_TESTS := $(filter-out %/lib.sh %/lib_netd.sh %/lib_inject.sh $(FAULT_TESTS),$(sort $(wildcard tests/netns/*.sh)))
# Under the sanitizers in CI: not the ones that take minutes.
ifneq ($(SAN_SUBSET),)
NETNS_TESTS := $(filter-out %/pairs.sh %/before_after.sh %/install.sh,$(NETNS_TESTS))
endif
GUEST_TESTS := $(filter-out %/lib.sh,$(sort $(wildcard tests/guest/*.sh)))
LIBVIRT_TESTS := $(filter-out %/lib.sh,$(sort $(wildcard tests/libvirt/*.sh)))
JOBS ?= 4
# LeakSanitizer cannot run under the tracer that injects failures; leaks are looked for by the unit tests.
SAN_ENV := $(if $(SAN),ASAN_OPTIONS=detect_leaks=0)
RUN = KVNET_BUILD=$(CURDIR)/$B $(SAN_ENV) tests/run -j $(JOBS)

$B/netns/%: $B/obj/tests/netns/%.o $B/libkvnet.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $B/libkvnet.a $(PROGRAM_LIBS) -lcmocka

$B/tests/%: tests/netns/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) -D_GNU_SOURCE -std=gnu11 -Wall -Wextra -O2 -o $@ $<

.PHONY: tests check check-unit check-netns check-guest check-libvirt check-faults deps-check
tests: all $(UNIT_BIN) $(SELFTEST_BIN) $(TOOL_BIN)
deps-check:
	@scripts/deps build test guest libvirt
check: deps-check
	@$(MAKE) --no-print-directory check-all
.PHONY: check-all
check-all: tests
	@$(RUN) -t 1800 $(UNIT_BIN) $(SELFTEST_BIN) $(NETNS_TESTS) $(GUEST_TESTS) $(LIBVIRT_TESTS) $(FAULT_TESTS)
check-unit: tests
	@$(RUN) $(UNIT_BIN)
check-netns: tests
	@$(RUN) $(SELFTEST_BIN) $(NETNS_TESTS)
check-faults: tests
	@$(RUN) -t 1800 $(FAULT_TESTS)
check-guest: tests
	@$(RUN) -j 2 $(GUEST_TESTS)
check-libvirt: tests
	@$(RUN) -j 2 $(LIBVIRT_TESTS)

# ---- fuzzing: clang's libFuzzer, FUZZ_SECONDS for each target ----

FUZZ_SECONDS ?= 60
F := build-fuzz
FUZZ_CFLAGS := -std=gnu11 -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZ_OBJ := $(LIB_SRC:%.c=$F/%.o)
$F/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC-FUZZ,$<)
	$Qclang $(filter-out -D_FORTIFY%,$(CPPFLAGS)) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<
$F/fuzz_%: $F/tests/fuzz/fuzz_%.o $(FUZZ_OBJ)
	$(call say,LD,$@)
	$Qclang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(SHARED_LIBS)
XML_FUZZ_OBJ := $(XML_SRC:%.c=$F/%.o)
$(XML_FUZZ_OBJ): CPPFLAGS += $(XML_CFLAGS)
$F/fuzz_network_xml: $F/tests/fuzz/fuzz_network_xml.o $(XML_FUZZ_OBJ) $(FUZZ_OBJ)
	$(call say,LD,$@)
	$Qclang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(SHARED_LIBS) $(XML_LIBS)
-include $(FUZZ_OBJ:.o=.d) $(XML_FUZZ_OBJ:.o=.d) $(patsubst %.c,$F/%.d,$(wildcard tests/fuzz/*.c))
.SECONDARY: $(FUZZ_OBJ) $(XML_FUZZ_OBJ) $F/tests/fuzz/fuzz_definition.o $F/tests/fuzz/fuzz_api.o $F/tests/fuzz/fuzz_network_xml.o
.PHONY: fuzz
fuzz: $F/fuzz_definition $F/fuzz_api $F/fuzz_network_xml
	@mkdir -p $F/corpus/definition $F/corpus/api $F/corpus/network_xml
	$F/fuzz_definition -max_total_time=$(FUZZ_SECONDS) -dict=tests/fuzz/definition.dict $F/corpus/definition \
		tests/unit/data/definition/good tests/unit/data/definition/bad
	$F/fuzz_api -max_total_time=$(FUZZ_SECONDS) -dict=tests/fuzz/api.dict $F/corpus/api tests/fuzz/api
	$F/fuzz_network_xml -max_total_time=$(FUZZ_SECONDS) -dict=tests/fuzz/network_xml.dict $F/corpus/network_xml tests/fuzz/network_xml

.PHONY: demo
demo:
	@scripts/deps build guest
	@$(MAKE) --no-print-directory all
	@KVNET_BUILD=$(CURDIR)/$B scripts/demo

# ---- bench ----

$B/bench/openport: bench/openport.c $B/libkvnet.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) $(CPPFLAGS) -std=gnu11 -Wall -Wextra -O2 -o $@ $^ $(PROGRAM_LIBS)
$B/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$Q$(CC) -D_GNU_SOURCE -std=gnu11 -Wall -Wextra -O2 -o $@ $< $(if $(findstring natup,$<),$(shell $(PKG_CONFIG) --libs libmnl libnftnl 2>/dev/null))

.PHONY: bench
bench:
	@scripts/deps build bench
	@$(MAKE) --no-print-directory all $(BENCH_BIN)
	@KVNET_BUILD=$(CURDIR)/$B bench/run $(BENCH_ARGS)

# ---- lint ----

C_FILES := $(sort $(wildcard lib/*.[ch] tools/*.c tools/kvnet/*.[ch] tools/kvnet-virt/*.[ch] lib/virt/*.[ch] netd/*.[ch] tests/unit/*.c tests/netns/*.c tests/guest/*.c tests/fuzz/*.c bench/*.c))
SH_FILES := $(sort $(wildcard tests/netns/*.sh tests/guest/*.sh tests/libvirt/*.sh) tests/run tests/guest/image tests/guest/init scripts/demo scripts/deps bench/run bench/table bench/first-lease $(wildcard bench/classic-*) .ci/run)

.PHONY: lint
lint: lint-format lint-tidy lint-cppcheck lint-shell lint-clang
.PHONY: lint-format lint-tidy lint-cppcheck lint-shell lint-clang
lint-format:
	@clang-format --dry-run --Werror $(C_FILES)
# .clang-tidy says which checks are off, and why.
lint-tidy:
	@printf '%s\n' $(LIB_SRC) $(NETD_SRC) $(XML_SRC) $(CLI_SRC) $(VIRT_SRC) $(wildcard tools/*.c) | \
		xargs -P $$(nproc) -n 4 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu11 $(filter-out -DKVN_% -D_FORTIFY%,$(CPPFLAGS)) $(shell $(PKG_CONFIG) --cflags $(VIRT_DEPS)) 2>/dev/null' sh
# missingIncludeSystem: the system's headers are not its business.  memleak: it does not know the cleanup attribute.
lint-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=memleak --std=c11 -D__GNUC__ -Ilib -j $$(nproc) lib netd tools
lint-shell:
	@shellcheck -x $(SH_FILES)
lint-clang:
	@$(MAKE) --no-print-directory CC=clang WERROR=1 B=build-clang all

# ---- install ----

INSTALL ?= install
.PHONY: install uninstall
install: all $B/kvnet.8 $B/completion/kvnet $B/libkvnet.pc $B/kvnet-netd.service
	$Q$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBEXECDIR) \
		$(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(COMPDIR)
	$Q$(INSTALL) -m 755 $B/kvnet $(DESTDIR)$(BINDIR)/kvnet
	$Q$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(UNITDIR)
	$Q$(INSTALL) -m 755 $B/netd $(DESTDIR)$(SBINDIR)/netd
	$Q$(INSTALL) -m 755 $B/qemu-ifup $B/qemu-ifdown $B/kvnet-helper $(VIRT_PROGRAMS) $(DESTDIR)$(LIBEXECDIR)
	$Q$(INSTALL) -m 755 $(LIB_SO) $(DESTDIR)$(LIBDIR)
	$Qln -sf $(notdir $(LIB_SO)) $(DESTDIR)$(LIBDIR)/libkvnet.so
	$Q$(INSTALL) -m 644 lib/kvnet.h $(DESTDIR)$(INCLUDEDIR)
	$Q$(INSTALL) -m 644 $B/libkvnet.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	$Q$(INSTALL) -m 644 $B/kvnet.8 doc/netd.8 doc/kvnet-helper.8 $(DESTDIR)$(MANDIR)/man8
	$Q$(INSTALL) -m 644 $B/kvnet-netd.service netd/kvnet-netd.socket $(DESTDIR)$(UNITDIR)
	$Q$(INSTALL) -m 644 $B/completion/kvnet $(DESTDIR)$(COMPDIR)
uninstall:
	$(RM) $(DESTDIR)$(BINDIR)/kvnet $(DESTDIR)$(LIBEXECDIR)/qemu-ifup $(DESTDIR)$(LIBEXECDIR)/qemu-ifdown \
		$(DESTDIR)$(LIBEXECDIR)/kvnet-helper $(DESTDIR)$(LIBEXECDIR)/kvnet-virt $(DESTDIR)$(SBINDIR)/netd $(DESTDIR)$(UNITDIR)/kvnet-netd.service \
		$(DESTDIR)$(UNITDIR)/kvnet-netd.socket $(DESTDIR)$(MANDIR)/man8/netd.8 $(DESTDIR)$(MANDIR)/man8/kvnet-helper.8 \
		$(DESTDIR)$(LIBDIR)/$(notdir $(LIB_SO)) $(DESTDIR)$(LIBDIR)/libkvnet.so $(DESTDIR)$(INCLUDEDIR)/kvnet.h \
		$(DESTDIR)$(LIBDIR)/pkgconfig/libkvnet.pc $(DESTDIR)$(MANDIR)/man8/kvnet.8 $(DESTDIR)$(COMPDIR)/kvnet

.PHONY: help
help:
	@echo 'all           kvnet, netd, qemu-ifup, qemu-ifdown, kvnet-helper, libkvnet.so'
	@echo 'demo          a NAT network and a real guest, in namespaces of their own (root)'
	@echo 'check         every test (root); check-unit, check-netns, check-guest, check-libvirt, check-faults: a part of them'
	@echo 'bench         the numbers beside the peers; BENCH_ARGS=--write keeps them'
	@echo 'fuzz          clang'"'"'s libFuzzer on the parsers, FUZZ_SECONDS (60) each'
	@echo 'lint          formatters and analysers'
	@echo 'install       into PREFIX ($(PREFIX)), below DESTDIR; uninstall'
	@echo 'clean         remove what was built'
	@echo 'SAN=1 with any of them: under AddressSanitizer and UndefinedBehaviorSanitizer'

.PHONY: clean
clean:
	$(RM) -r build build-san build-clang build-fuzz
