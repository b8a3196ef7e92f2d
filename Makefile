# `make demo` shows fastpath at work, `make test` tests it; both need nothing beforehand on Debian 12, 13 or Ubuntu.

export PATH := $(HOME)/.cargo/bin:$(PATH):/usr/local/sbin:/usr/sbin:/sbin

# Programs that cargo starts make network namespaces: they run as root, the compiler does not.
ifneq ($(shell id -u),0)
ROOT := --config 'target."cfg(unix)".runner=["sudo", "-E"]'
SUDO := sudo -E
endif
TEST_THREADS ?= 2
SCRIPTS := $(shell git ls-files -z --cached --others --exclude-standard 2>/dev/null | xargs -0 grep -lsE '^\#!.*\b(ba|da)?sh\b')

.PHONY: help setup build test test-tuning test-zerocopy conformance parity soak demo bench fuzz ebpf ebpf-check lint fmt

# Executions per target of `make fuzz`.
FUZZ_RUNS ?= 500000
# A folder of captures to begin with; what `make fuzz` finds beyond them stays in fuzz/corpus.
FUZZ_CAPTURES ?=

help:
	@echo 'make demo        fastpath between a client and a web server, in network namespaces'
	@echo 'make test        all tests: unit, captures, XDP program, end to end'
	@echo 'make test-tuning  the scripts of tuning/, on a machine made of files and on a veth'
	@echo 'make test-zerocopy  real NIC drivers in QEMU guests: zero-copy, and four kernels'
	@echo 'make conformance  the cases of suricata-verify, compared with CONFORMANCE.md'
	@echo 'make parity      alerts of Suricata 7 and of fastpath over captures, with ET Open'
	@echo 'make soak        five million random streams against the engine (SOAK_CASES=5000000)'
	@echo 'make build       the release binary, target/release/fastpath'
	@echo 'make bench       benchmarks, and the bridge beside a plain Linux bridge'
	@echo 'make fuzz        every fuzz target for so many executions (FUZZ_RUNS=500000)'
	@echo 'make lint        formatting, clippy, shellcheck'
	@echo 'make ebpf        rebuilds redirect-ebpf/redirect.o from its source'
	@echo 'make ebpf-check  proves that redirect.o agrees with its source'
	@echo 'make setup       installs what the others need; they call it themselves'

setup:
	@.ci/setup

build: setup
	cargo build --release -p fastpath

test: setup
	cargo $(ROOT) test --workspace --profile checked -- --test-threads=$(TEST_THREADS)

test-tuning: setup
	$(SUDO) bats tuning/tests

# Boots guests with emulated NICs; downloads kernels once, into target/zerocopy. The programs are those of `make test`.
test-zerocopy: setup
	cargo test --workspace --profile checked --no-run
	fastpath/tests/zerocopy/run.sh "$${CARGO_TARGET_DIR:-target}/checked"

# Captures and suricata-verify (../shared/corpora), which are no part of the project: decoding compared with etherparse, then the cases. UPDATE=--update writes CONFORMANCE.md anew.
SHARED ?= ../shared
conformance: setup
	cargo build --profile checked -p fastpath
	FASTPATH_CAPTURES="$$(cd $(SHARED)/corpora && pwd)" \
		cargo test --profile checked -p fastpath --test decode -- --ignored --nocapture captures_agree
	$$(python3 -c 'import yaml' 2>/dev/null && echo python3 || echo /usr/bin/python3) \
		fastpath/tests/conformance/score.py $(SHARED)/tools/verify.py $(SHARED)/corpora/suricata-verify/tests \
		"$${CARGO_TARGET_DIR:-target}/checked/fastpath" $(UPDATE)

# Suricata is taken from Debian 12's backports and unpacked under target/parity; rules and captures are those of ../shared/corpora.
# UPDATE=--update writes PARITY.md anew.
parity: setup
	cargo build --release -p fastpath
	suricata=$$(fastpath/tests/parity/suricata.sh) && python3 fastpath/tests/parity/compare.py "$$suricata" \
		$(SHARED)/corpora "$${CARGO_TARGET_DIR:-target}/release/fastpath" $(UPDATE)

# Millions of random streams, each sent in a random way.
SOAK_CASES ?= 5000000
soak: setup
	PROPTEST_CASES=$(SOAK_CASES) cargo test --release -p fastpath --no-default-features --test evasion

demo: setup
	@cargo build --quiet --release -p fastpath
	@cargo $(ROOT) run --quiet --release -p fastpath-lab --bin demo

bench: setup
	cargo build --release -p fastpath
	cargo bench -p fastpath-benches
	cargo $(ROOT) run --release -p fastpath-benches --bin bridge

# Needs a nightly toolchain, for the sanitizer. Goes on from the corpora of earlier times; FUZZ_CAPTURES=folder adds what is in the
# captures there.
fuzz: setup
	command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	[ -z "$(FUZZ_CAPTURES)" ] || cargo +nightly run --release --manifest-path fuzz/Cargo.toml --example seeds -- \
		"$(FUZZ_CAPTURES)" fuzz/corpus
	for target in decode defrag rules stream engine handover; do \
		cargo +nightly fuzz run $$target -- -runs=$(FUZZ_RUNS) -max_len=16384 -timeout=10 || exit 1; \
	done

ebpf: setup
	redirect-ebpf/setup.sh
	redirect-ebpf/build.sh

ebpf-check: setup
	redirect-ebpf/setup.sh
	redirect-ebpf/compare.sh

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p fastpath --all-targets --all-features -- -D warnings
	cargo clippy -p fastpath --no-default-features -- -D warnings
	shellcheck $(SCRIPTS) $(wildcard tuning/lib/*.bash)

fmt:
	cargo fmt --all
