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
	-Wformat=2 -Wold-style-definition -Wredundant-decls -Wnull-dereference
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
CLI_SRC := $(sort $(wildcard tools/kvnet/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
BENCH_SRC := $(sort $(wildcard bench/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$B/obj/%.o)
LIB_PIC := $(LIB_SRC:%.c=$B/pic/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$B/obj/%.o)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$B/unit/%)
BENCH_BIN := $(BENCH_SRC:bench/%.c=$B/bench/%)
LIB_SO := $B/libkvnet.so.$(SOVERSION)
PROGRAMS := $B/kvnet $B/qemu-ifup $B/qemu-ifdown

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

.PHONY: all
all: $(PROGRAMS) $(LIB_SO)

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

$(LIB_SO): $(LIB_PIC) lib/kvnet.map
	$(call say,LD,$@)
	$Q$(CC) -shared -Wl,-soname,$(@F) -Wl,--version-script=lib/kvnet.map $(ALL_LDFLAGS) -o $@ $(LIB_PIC) $(SHARED_LIBS)
	$Qln -sf $(@F) $B/libkvnet.so

$B/kvnet: $(CLI_OBJ) $B/libkvnet.a
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(CLI_OBJ) $B/libkvnet.a $(PROGRAM_LIBS)

$B/qemu-ifup $B/qemu-ifdown: $B/%: $B/obj/tools/%.o $B/libkvnet.a
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $B/libkvnet.a $(PROGRAM_LIBS)

$B/unit/%: $B/obj/tests/unit/%.o $B/libkvnet.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $B/libkvnet.a $(PROGRAM_LIBS) -lcmocka

-include $(LIB_OBJ:.o=.d) $(LIB_PIC:.o=.d) $(CLI_OBJ:.o=.d) $B/obj/tools/qemu-ifup.d $B/obj/tools/qemu-ifdown.d

.PHONY: clean
clean:
	$(RM) -r build build-san
