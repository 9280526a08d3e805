## wsmultiplayer: make TARGET [NAME=VALUE ...]
##
## Use it
##   make              build for the Lua found (lua5.4 if there); builds for several Luas live side by side
##   make demo         install what is missing, build, and run a chat of four processes
##   make love-demo    the same for the arena: a server, two bots, and a LÖVE window that has joined
##   make cluster-demo rooms on several servers behind HAProxy, and players; until Ctrl-C
##   make env          print the lines that let Lua find this tree:  eval "$(make -s env)"
##   make install      install under PREFIX (/usr/local); also: make uninstall
##   make static       one core.so with libwebsockets, and OpenSSL if it can be, inside: build/static    LWS_SOURCE=its source    TLS=none
## Work on it
##   make test         install what is missing, run all specs on every Lua    LUAS="lua5.1 luajit" SPEC=spec/x_spec.lua
##   make test-debian13   the same in a Debian 13 that is made in a folder, as root    LUAS= SPEC= DEBIAN13=build/debian13
##   make test-sanitize   the specs on one Lua under AddressSanitizer and UndefinedBehaviorSanitizer
##   make test-valgrind   the core's specs under valgrind: memory errors and leaks    SPEC=spec/x_spec.lua, here and below
##   make test-gc      specs under a full collection at every call of the module, and at every allocation in it
##   make test-tsan    specs of what has threads (names, TLS) under ThreadSanitizer
##   make analyze      GCC's -fanalyzer, and clang-tidy, over src/
##   make test-guides  type what README.md and docs/ say into a fresh Debian (root, debootstrap)    PAGE=docs/love.md
##   make fuzz         libFuzzer on every parser in turn (clang, its libraries, Lua 5.4)    FUZZ_SECONDS=60
##                     FUZZ_TARGETS="variant_decode url request_head answer_head connection"    FUZZ_FLAGS=
##   make bench        servers and clients side by side, against plain TCP and libwebsockets (docs/performance.md), 20 minutes
##   make bench-quick  the rows that have a target, without other people's servers, under a minute
##   make soak         a long run with checked traffic through an unreliable proxy    MINUTES=5 SEED=
##   make bench-variant   encoding and decoding Variants against lua-cjson    LUAS="lua5.4 luajit"
##   make lint         luacheck, and every C compiler found with strict warnings
##   make check-types  types/ and examples/ by lua-language-server    LUALS=its command
##   make love-picture make docs/images/arena-love.png anew
##   make rockspec     write the lists of source files in the rockspec anew
##   make reference    write docs/reference.md anew from types/
##   make docs         the documentation as HTML, by pandoc: build/docs/index.html
##   make units        the test-only modules
##   make clean        remove build/
## Settings
##   LUA=lua5.1 lua5.2 lua5.3 lua5.4 luajit, or a path    LUA_INCDIR=the directory of its lua.h
##   LWS_CFLAGS= LWS_LIBS= where libwebsockets is          CC= CFLAGS= LDFLAGS=    STRICT=1 lint's warnings, as errors
##   BUILD=build PREFIX=/usr/local DESTDIR=             V=1 shows the commands

BUILD   ?= build
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
INSTALL ?= install
LUAS    ?= $(if $(findstring command line,$(origin LUA)),$(LUA))
ROCKSPEC = wsmultiplayer-scm-1.rockspec

# ---- Lua: its command, its short name (lua5.4, luajit), the X.Y of its API and where its headers are

ifeq ($(LUA),)
LUA := $(shell for l in lua5.4 lua5.3 lua5.2 lua5.1 luajit lua; do command -v $$l >/dev/null && echo $$l && break; done)
endif
LUA_NAME := $(if $(LUA),$(shell $(LUA) -e 'print(jit and "luajit" or (_VERSION:lower():gsub(" ", "")))' 2>/dev/null </dev/null))
LUA_NAME := $(or $(LUA_NAME),$(notdir $(LUA)),lua)
LUA_VERSION := $(if $(filter luajit,$(LUA_NAME)),5.1,$(patsubst lua%,%,$(LUA_NAME)))

# Headers beside the interpreter come first, so that a Lua of one's own is not mixed with the system's.
lua_home = $(abspath $(dir $(shell command -v $(LUA) 2>/dev/null))../include)
lua_dirs = $(if $(filter luajit,$(LUA_NAME)),luajit-2.1 luajit-2.0 luajit,lua$(LUA_VERSION) lua-$(LUA_VERSION) lua/$(LUA_VERSION) lua) .
LUA_INCDIR ?= $(patsubst %/lua.h,%,$(abspath $(firstword $(wildcard $(lua_dirs:%=$(lua_home)/%/lua.h)))))
lua_pcs = $(if $(filter luajit,$(LUA_NAME)),luajit,lua$(LUA_VERSION) lua-$(LUA_VERSION) lua$(subst .,,$(LUA_VERSION)) lua)
lua_pc = $(shell for p in $(lua_pcs); do pkg-config --exists $$p 2>/dev/null && pkg-config --cflags $$p && break; done)
LUA_CFLAGS := $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(lua_pc))

# ---- libwebsockets

ifeq ($(origin LWS_CFLAGS),undefined)
LWS_CFLAGS := $(shell pkg-config --cflags libwebsockets 2>/dev/null)
endif
ifeq ($(origin LWS_LIBS),undefined)
LWS_LIBS := $(shell pkg-config --libs libwebsockets 2>/dev/null || echo -lwebsockets)
endif

# ---- Flags. Headers of others are system headers: their warnings are not ours.

# Which of the two worlds the compiler makes programs for; all that is not Windows is taken for POSIX.
WINDOWS := $(findstring mingw,$(shell $(CC) -dumpmachine 2>/dev/null))
SO := $(if $(WINDOWS),dll,so)

STRICT_WARNINGS = -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wcast-align \
  -Wconversion -Wsign-conversion -Wdouble-promotion -Wundef -Wwrite-strings -Wvla -Wpointer-arith -Wformat=2 \
  -Wimplicit-fallthrough -Wnull-dereference -Wredundant-decls -Wnested-externs -Werror
OUR_CFLAGS  = -std=c11 $(if $(WINDOWS),-D_WIN32_WINNT=0x0601 -D__USE_MINGW_ANSI_STDIO=1,-D_GNU_SOURCE -fPIC -fvisibility=hidden) -pthread -Wall -Wextra $(if $(STRICT),$(STRICT_WARNINGS)) $(CFLAGS)
CORE_CFLAGS = $(OUR_CFLAGS) $(patsubst -I%,-isystem %,$(LWS_CFLAGS))
LUA_BINDING_CFLAGS = $(CORE_CFLAGS) $(patsubst -I%,-isystem %,$(LUA_CFLAGS))
# A module takes Lua's functions from the program that loads it: liblua on this line would be a second Lua.
# Windows' linker wants that program's Lua, by the name of its DLL.
MODULE = $(if $(WINDOWS),-shared,$(if $(filter Darwin,$(shell uname -s)),-bundle -undefined dynamic_lookup,-shared))

MODULE_LIBS = $(if $(WINDOWS),$(LUA_DLL) -lws2_32 -lcrypt32)

# ---- Files

LUA_BUILD := $(BUILD)/$(LUA_NAME)
CORE_LIB  := $(BUILD)/core/libwsmultiplayer.a
CORE_SO   := $(LUA_BUILD)/wsmultiplayer/core.$(SO)
UNITS_SO  := $(LUA_BUILD)/wsmultiplayer_units.$(SO)
SYSTEM_SO := $(LUA_BUILD)/wsmultiplayer_system.$(SO)
COLLECTING_SO := $(if $(filter luajit,$(LUA_NAME)),,$(LUA_BUILD)/wsmultiplayer_collecting.so)
FAULTS_SO := $(LUA_BUILD)/faults/wsmultiplayer/core.so
# These only where they can be: on Linux, and with a library of Lua.
PRELOAD   := $(if $(filter Linux,$(shell uname -s)),$(LUA_BUILD)/preload.so)
LUA_LIBS  ?= $(shell for p in $(lua_pcs); do pkg-config --exists $$p 2>/dev/null && pkg-config --libs $$p && break; done)
HOST       = $(if $(LUA_LIBS),$(LUA_BUILD)/host)
CORE_OBJS    := $(patsubst src/core/%.c,$(BUILD)/core/%.o,$(sort $(wildcard src/core/*.c)))
BINDING_OBJS := $(patsubst src/binding/%.c,$(LUA_BUILD)/binding/%.o,$(sort $(wildcard src/binding/*.c)))
LUA_FILES := $(sort $(wildcard lua/wsmultiplayer/*.lua lua/wsmultiplayer/*/*.lua))

.PHONY: all static units env install uninstall clean help check-lua check-lws FORCE
.PHONY: demo run-demo cluster-demo run-cluster-demo love-demo love-picture run-love-demo
.PHONY: lint check-types rockspec reference docs soak run-soak fuzz fuzzer bench bench-quick bench-tools bench-variant
.PHONY: test test-debian13 test-guides test-sanitize sanitized test-valgrind test-gc test-tsan analyze
.DELETE_ON_ERROR:

# One line a file; V=1 shows the commands, -s nothing.
short = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,echo '  $1';))

all: $(CORE_SO)

units: $(if $(wildcard spec/support/units.c),$(UNITS_SO) $(SYSTEM_SO) $(COLLECTING_SO) $(FAULTS_SO) $(PRELOAD) $(HOST))

$(CORE_LIB): $(CORE_OBJS) $(BUILD)/core/flags
	@rm -f $@
	$(call short,AR $@)$(AR) rcs $@ $(CORE_OBJS)

$(CORE_SO): $(BINDING_OBJS) $(CORE_LIB) $(LUA_BUILD)/flags
	@mkdir -p $(@D)
	$(call short,LINK $@)$(CC) $(CFLAGS) $(LDFLAGS) -pthread $(MODULE) -o $@ $(BINDING_OBJS) $(CORE_LIB) $(LWS_LIBS) $(MODULE_LIBS)

$(UNITS_SO): $(LUA_BUILD)/units.o $(CORE_LIB)
	$(call short,LINK $@)$(CC) $(CFLAGS) $(LDFLAGS) -pthread $(MODULE) -o $@ $< $(CORE_LIB) $(LWS_LIBS) $(MODULE_LIBS)

$(SYSTEM_SO): $(LUA_BUILD)/system.o
	$(call short,LINK $@)$(CC) $(CFLAGS) $(LDFLAGS) $(MODULE) -o $@ $<

$(LUA_BUILD)/wsmultiplayer_collecting.so: $(LUA_BUILD)/collecting.o
	$(call short,LINK $@)$(CC) $(CFLAGS) $(LDFLAGS) $(MODULE) -o $@ $< -ldl $(if $(PRELOAD),-Wl$(comma)-z$(comma)nodelete)

$(LUA_BUILD)/preload.so: spec/support/preload.c $(LUA_BUILD)/flags
	$(call short,LINK $@)$(CC) -std=c11 -D_GNU_SOURCE -fPIC -Wall -Wextra -O2 -shared -o $@ $< -ldl

# Where that library is another Lua's after all, the one test that needs it is skipped.
$(LUA_BUILD)/host: spec/support/host.c $(LUA_BUILD)/flags
	$(call short,LINK $@)$(CC) $(LUA_BINDING_CFLAGS) $(LDFLAGS) -pthread -o $@ $< $(LUA_LIBS) -lm $(if $(STRICT),,|| echo '  without $@' >&2)

# The module once more, with allocations that can be made to fail.
$(FAULTS_SO): $(LUA_BUILD)/faults.o $(BINDING_OBJS) $(CORE_LIB)
	@mkdir -p $(@D)
	$(call short,LINK $@)$(CC) $(CFLAGS) $(LDFLAGS) -pthread $(MODULE) -o $@ $< $(BINDING_OBJS) $(CORE_LIB) $(LWS_LIBS)

$(BUILD)/core/%.o: src/core/%.c $(BUILD)/core/flags
	$(call short,CC $<)$(CC) $(CORE_CFLAGS) -MMD -MP -c -o $@ $<

$(LUA_BUILD)/binding/%.o: src/binding/%.c $(LUA_BUILD)/flags
	@mkdir -p $(@D)
	$(call short,CC $<)$(CC) $(LUA_BINDING_CFLAGS) -MMD -MP -c -o $@ $<

$(LUA_BUILD)/units.o $(LUA_BUILD)/system.o $(LUA_BUILD)/faults.o $(LUA_BUILD)/collecting.o: $(LUA_BUILD)/%.o: spec/support/%.c $(LUA_BUILD)/flags
	$(call short,CC $<)$(CC) $(LUA_BINDING_CFLAGS) -Isrc -Isrc/core -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/core/*.d $(LUA_BUILD)/*.d $(LUA_BUILD)/binding/*.d)

# ---- What a build was made with: other flags build anew. New ones are tried first, for a clear text when a header is missing.

quote = '$(subst ','\'',$1)'
remember = +@mkdir -p $(@D); echo $(call quote,$1) | cmp -s - $@ || { $(MAKE) -s --no-print-directory $2 && echo $(call quote,$1) >$@; }
preprocess = printf '%s\n' $1 | $(CC) $2 -E -xc - >/dev/null 2>&1
hint = `.ci/packages --hint $(or $(LUA_NAME:lua=lua5.4),lua5.4) $1`
have_cc = command -v $(firstword $(CC)) >/dev/null || { echo "No C compiler ($(CC)). $(call hint,cc)" >&2; exit 1; }

$(BUILD)/core/flags: FORCE
	$(call remember,$(CC) $(CORE_CFLAGS) $(LDFLAGS) $(LWS_LIBS),check-lws)

$(LUA_BUILD)/flags: FORCE
	$(call remember,$(CC) $(LUA_BINDING_CFLAGS) $(LDFLAGS) $(LWS_LIBS),check-lua check-lws)

check-lws:
	@$(have_cc)
	@$(call preprocess,'#include <libwebsockets.h>' '#if LWS_LIBRARY_VERSION_NUMBER < 4000000' '#error' '#endif',$(CORE_CFLAGS)) || { \
	  echo "The headers of libwebsockets (4.0 or newer) were not found. $(call hint,lws)"; \
	  echo "If it is somewhere else: make LWS_CFLAGS=-I/path/include LWS_LIBS='-L/path/lib -lwebsockets'"; exit 1; } >&2

check-lua:
	@$(if $(LUA),,echo "No Lua was found. $(call hint,lua)" >&2; exit 1)
	@$(have_cc)
	@$(call preprocess,'#include <lua.h>' '#include <lauxlib.h>' \
	  $(if $(filter luajit,$(LUA_NAME)),'#include <luajit.h>','#if LUA_VERSION_NUM != $(subst .,0,$(LUA_VERSION))' '#error' '#endif'),$(LUA_BINDING_CFLAGS)) || { \
	  echo "The headers of $(LUA_NAME) were not found$(if $(LUA_CFLAGS), in $(LUA_CFLAGS:-I%=%)). $(call hint,lua)"; \
	  echo "If they are somewhere else: make LUA=$(LUA) LUA_INCDIR=/path/with/lua.h"; exit 1; } >&2

# ---- Using it

# What these variables already hold is kept behind. The C module is that of one Lua: where this Lua has a LUA_CPATH of its own,
# as 5.2 and later do, that one is set, so that several can be used in one shell. LUA_PATH_5_4, where set, goes before LUA_PATH.
env_path  = $(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;
env_cpath = $(abspath $(BUILD))/$(LUA_NAME)/?.so;
env_suffix = $(if $(filter-out 5.1,$(LUA_VERSION)),_$(subst .,_,$(LUA_VERSION)))
env_line = $1=$(call quote,$2$(or $(subst $2,,$($1)),$3,;))
env_lines = $(call env_line,LUA_PATH,$(env_path)) $(call env_line,LUA_CPATH$(env_suffix),$(env_cpath),$(LUA_CPATH)) \
  $(if $(env_suffix),$(if $(LUA_PATH$(env_suffix)),$(call env_line,LUA_PATH$(env_suffix),$(env_path))))

env:
	@printf '%s\n' $(call quote,export $(strip $(env_lines)))

demo:
	@.ci/packages demo $(if $(findstring command line,$(origin LUA)),$(LUA))
	@$(MAKE) --no-print-directory -s all
	@$(MAKE) --no-print-directory -s run-demo

run-demo:
	@export $(env_lines); $(LUA) examples/chat/demo.lua

cluster-demo:
	@.ci/packages $@ $(if $(findstring command line,$(origin LUA)),$(LUA))
	@$(MAKE) --no-print-directory -s all
	@$(MAKE) --no-print-directory -s run-cluster-demo

run-cluster-demo:
	@export $(env_lines); LUA=$(LUA) exec examples/cluster/start

# LÖVE is LuaJIT.
love-demo love-picture:
	@.ci/packages $@
	@$(MAKE) --no-print-directory -s LUA=luajit all
	@$(MAKE) --no-print-directory -s LUA=luajit run-love-demo ARENA='$(if $(findstring picture,$@),--picture docs/images/arena-love.png)'

run-love-demo:
	@export $(env_lines); LUA=$(LUA) examples/love-arena/demo.sh $(ARENA)

lua_dir = $(DESTDIR)$(PREFIX)/share/lua/$(LUA_VERSION)
lib_dir = $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_VERSION)
# For editors; the same for every Lua.
types_dir = $(DESTDIR)$(PREFIX)/share/wsmultiplayer/types

install: all
	$(INSTALL) -d "$(lib_dir)/wsmultiplayer" $(foreach d,$(sort $(dir $(LUA_FILES:lua/%=%))),"$(lua_dir)/$d")
	$(INSTALL) -m 755 $(CORE_SO) "$(lib_dir)/wsmultiplayer/core.so"
	@for f in $(LUA_FILES:lua/%=%); do echo "$(lua_dir)/$$f"; $(INSTALL) -m 644 "lua/$$f" "$(lua_dir)/$$f" || exit 1; done
	$(INSTALL) -d "$(types_dir)"
	$(INSTALL) -m 644 types/*.lua "$(types_dir)"

uninstall:
	rm -rf "$(lua_dir)/wsmultiplayer" "$(lib_dir)/wsmultiplayer" "$(types_dir)"
	@rmdir "$(dir $(types_dir))" 2>/dev/null || :

# For games: nothing but the C library, and what is said at the end, has to be there where it runs. Only luaopen_ is exported,
# so another OpenSSL in the process is not mixed up with this one.
STATIC = $(BUILD)/static
STATIC_LDFLAGS = $(if $(WINDOWS),-static -s,$(if $(filter Darwin,$(shell uname -s)),-Wl$(comma)-exported_symbol$(comma)_luaopen_wsmultiplayer_core$(comma)-dead_strip,-Wl$(comma)--exclude-libs$(comma)ALL$(comma)--gc-sections -s))
comma = ,
static:
	@CC='$(CC)' TLS='$(TLS)' OPENSSL='$(OPENSSL)' .ci/static-libwebsockets '$(LWS_SOURCE)' $(STATIC)/libwebsockets
	+@$(MAKE) --no-print-directory BUILD=$(STATIC) CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS) $(STATIC_LDFLAGS)' \
	  LWS_CFLAGS="$$(cat $(STATIC)/libwebsockets/cflags)" LWS_LIBS="$$(cat $(STATIC)/libwebsockets/libs)" all
	@.ci/needs $(STATIC)/$(LUA_NAME)/wsmultiplayer/core.$(SO)

# ---- Working on it

test:
	@.ci/packages test $(LUAS)
	+@LUAS='$(LUAS)' SPEC='$(SPEC)' BUILD='$(BUILD)' .ci/test

# Not with the others' BUILD: what is in that folder outlives many builds.
DEBIAN13 ?= build/debian13
test-debian13:
	@LUAS='$(LUAS)' SPEC='$(SPEC)' .ci/debian13 '$(DEBIAN13)'

SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
test-sanitize:
	@.ci/packages test $(or $(LUA),lua5.4)
	+@LUAS='$(or $(LUA),lua5.4)' SPEC='$(SPEC)' BUILD=$(BUILD)/sanitize CC=gcc CFLAGS='$(SANITIZE)' SANITIZED=1 .ci/test

test-guides:
	@.ci/guides --folder $(BUILD)/guides $(PAGE)

sanitized:
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize CC=gcc CFLAGS='$(SANITIZE)' all units

test-valgrind test-gc test-tsan analyze:
	@.ci/packages test $(or $(LUA),lua5.4)
	+@LUA='$(or $(LUA),lua5.4)' BUILD='$(BUILD)' .ci/tools $(@:test-%=%) $(SPEC)

MINUTES ?= 5
soak:
	@.ci/packages test $(or $(LUA),lua5.4)
	+@$(MAKE) --no-print-directory -s all units
	+@$(MAKE) --no-print-directory -s run-soak

# glibc gives threads heaps of their own, eight for each processor: what they come to hold would hide a leak.
run-soak:
	@export $(env_lines); exec env MALLOC_ARENA_MAX=2 $(LUA) spec/soak/run.lua $(MINUTES) $(SEED)

# The fuzzer needs all of the module in it, not a module that is loaded: hence a build of its own. Inputs found along the
# way are kept in build/fuzz/corpus for the next run; an input that fails is named at the end of the output.
# The targets share the time.
FUZZ_TARGETS = variant_decode url request_head answer_head connection
FUZZ_SECONDS ?= 60
fuzz_share = $(shell echo $$(( ($(FUZZ_SECONDS) + $(words $(FUZZ_TARGETS)) - 1) / $(words $(FUZZ_TARGETS)) )))
FUZZ = $(BUILD)/fuzz
FUZZ_CFLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CC ?= clang
fuzz_main = printf '%s\n' '\#include <stddef.h>' 'int LLVMFuzzerTestOneInput(const char *d, size_t n) { return !d && n; }'
fuzz:
	@command -v $(FUZZ_CC) >/dev/null || { \
	  echo "make fuzz needs clang, and its libraries for sanitizers and libFuzzer (on Debian: clang and libclang-rt-14-dev)." >&2; exit 1; }
	@$(fuzz_main) | $(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -xc -o /dev/null - 2>/dev/null || { \
	  v=`$(FUZZ_CC) -dumpversion | cut -d. -f1`; \
	  echo "$(FUZZ_CC) cannot link a fuzzer: its libraries are missing (on Debian: libclang-rt-$$v-dev)." >&2; exit 1; }
	@command -v lua5.4 >/dev/null || { echo "make fuzz needs Lua 5.4. `.ci/packages --hint lua5.4 lua`" >&2; exit 1; }
	+@$(MAKE) --no-print-directory BUILD=$(FUZZ) LUA=lua5.4 CC=$(FUZZ_CC) CFLAGS='$(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link' fuzzer
	@for t in $(FUZZ_TARGETS); do \
	  mkdir -p $(FUZZ)/corpus/$$t; \
	  lua5.4 spec/fuzz/seeds.lua $$t $(FUZZ)/corpus/$$t $(FUZZ)/$$t.dict || exit 1; \
	  $(FUZZ)/$$t -dict=$(FUZZ)/$$t.dict -artifact_prefix=$(FUZZ)/$$t- -max_total_time=$(fuzz_share) \
	    -max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 $(FUZZ_FLAGS) $(FUZZ)/corpus/$$t || exit 1; done

FUZZERS = $(FUZZ_TARGETS:%=$(BUILD)/%)
fuzzer: $(FUZZERS)
$(FUZZERS): $(BUILD)/%: spec/fuzz/%.c spec/fuzz/fuzz.h $(BINDING_OBJS) $(CORE_LIB) $(LUA_BUILD)/flags
	$(call short,LINK $@)$(CC) $(LUA_BINDING_CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(BINDING_OBJS) $(CORE_LIB) $(LWS_LIBS) \
	  $(or $(shell pkg-config --libs lua5.4 2>/dev/null),-llua5.4) -lm

bench-variant:
	+@for lua in $(or $(LUAS),lua5.4 luajit); do \
	  command -v $$lua >/dev/null || { echo "$$lua: not installed"; continue; }; \
	  $(MAKE) -s --no-print-directory LUA=$$lua all || exit 1; \
	  eval "`$(MAKE) -s --no-print-directory LUA=$$lua env`" && $$lua bench/variant.lua || exit 1; done

BENCH = $(BUILD)/bench
BENCH_TOOLS = $(patsubst bench/%.c,$(BENCH)/%,$(wildcard bench/*.c))
bench-tools: $(BENCH_TOOLS)
$(BENCH)/%: bench/%.c bench/wire.h
	@mkdir -p $(@D)
	$(call short,CC $<)$(CC) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra $(patsubst -I%,-isystem %,$(LWS_CFLAGS)) -o $@ $< \
	  $(if $(findstring lws,$<),$(LWS_LIBS))

bench bench-quick: bench-tools
	+@for lua in lua5.4 luajit; do $(MAKE) -s --no-print-directory LUA=$$lua all || exit 1; done
	@lua5.4 bench/run.lua $(if $(filter bench-quick,$@),quick,full) $(BENCH)

LINT_FILES = $(wildcard lua types spec examples bench .ci/*.lua .busted .luacheckrc)
# Any Lua that luacheck is installed for.
luacheck_lua = $(shell for l in luajit lua5.1 lua5.2 lua5.3 lua5.4 lua; do $$l -e 'require "luacheck.parser"' 2>/dev/null && echo $$l && break; done)
lint:
	@command -v luacheck >/dev/null || { echo "make lint needs luacheck (on Debian: lua-check)." >&2; exit 1; }
	luacheck --quiet --no-color $(LINT_FILES)
	$(luacheck_lua) .ci/loop-variables.lua `find lua types spec examples bench .ci -name '*.lua'`
	+@for cc in gcc clang; do command -v $$cc >/dev/null || continue; \
	  for lua in $(or $(LUAS),lua5.1 lua5.2 lua5.3 lua5.4 luajit); do command -v $$lua >/dev/null || continue; \
	    echo "$$cc, $$lua: strict warnings"; \
	    $(MAKE) -s --no-print-directory STRICT=1 CC=$$cc LUA=$$lua BUILD=$(BUILD)/lint/$$cc all units || exit 1; done; done

check-types:
	@.ci/types

rockspec:
	$(LUA) .ci/rockspec.lua $(ROCKSPEC)

reference:
	$(LUA) .ci/reference.lua docs/reference.md

docs:
	@.ci/docs $(BUILD)/docs

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^## \{0,1\}//p' $(firstword $(MAKEFILE_LIST))
