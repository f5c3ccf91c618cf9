# Vedette's house: every way to build, run, test and check it. The work is in the scripts of make/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Exactly the toolchain that go.work names, fetched by whatever Go is installed; a module built alone gets the same.
export GOTOOLCHAIN := $(shell sed -n "s/^toolchain //p" go.work)
export PATH := $(CURDIR)/.tools/bin:$(PATH):/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin

MODULES := analyzer bpf bus collector proto test vedette
PACKAGES := $(MODULES:%=./%/...)
PROGRAMS := ./vedette/cmd/vedette ./collector/linux/cmd/vedette-collector ./analyzer/cmd/vedette-analyzer
C_SOURCES = $(shell git ls-files --cached --others --exclude-standard 'bpf/*.c' 'bpf/*.h')
SCRIPTS := make/deps make/generate make/imports make/install make/test make/units make/units-into test/kernels/fetch.sh .ci/run

VERSION = $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)

PREFIX ?= /usr/local
DESTDIR ?=
UNITDIR ?= $(PREFIX)/lib/systemd/system

##@ Use
.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: root build ## install what is missing, build, start everything and follow the alerts (as root); Ctrl-C stops and cleans up
	@exec bin/vedette up --bin bin --rules rules

.PHONY: build
build: deps ## bin/vedette, bin/vedette-collector, bin/vedette-analyzer: static, no C
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ $(PROGRAMS)

.PHONY: install
install: ## binaries, rules and systemd units below PREFIX (/usr/local) and DESTDIR; builds nothing, starts nothing
	@make/install '$(DESTDIR)' '$(PREFIX)' '$(UNITDIR)'

##@ Check
.PHONY: test
test: root deps-test generate-check imports alone build ## everything, from unit to end to end (as root)
	@make/test

.PHONY: test-unit
test-unit: root deps-test ## unit tests only, with the race detector
	@make/test unit

.PHONY: test-kernels
test-kernels: root deps-test ## of these only what boots other kernels in QEMU; shows what attached, ran and was seen on each
	@make/test kernels

.PHONY: bench
bench: root deps-bench build ## costs, latencies and memory, each against a baseline of the same run (as root)
	@go run ./test/bench
	@go run ./test/sigmabench

.PHONY: bench-sigma
bench-sigma: deps-test ## of these only what rules cost, on the recorded events in VEDETTE_CORPUS
	@go run ./test/sigmabench

.PHONY: lint
lint: deps-lint imports units ## Go, C and shell: bugs, layout, imports; the exposure of the systemd units
	golangci-lint run $(PACKAGES)
	clang-format-16 --dry-run -Werror $(C_SOURCES)
	shellcheck $(SCRIPTS)

.PHONY: imports
imports: deps ## what decides and what holds kernel access share nothing but proto
	@make/imports

.PHONY: alone
alone: export GOWORK := off
alone: deps ## every module stands without the workspace: its go.mod is complete, it builds and vets
	@for module in $(MODULES); do \
		go -C $$module mod tidy -diff || { echo "go.mod or go.sum of $$module is not tidy; run: make tidy" >&2; exit 1; }; \
		go -C $$module vet ./... || { echo "module $$module does not stand alone" >&2; exit 1; }; \
	done

.PHONY: units
units: deps-lint ## the systemd units are valid and stay below their limits of exposure
	@make/units

##@ Change
.PHONY: generate
generate: deps-test ## Go of the event model, eBPF objects and their checksums
	@make/generate

.PHONY: generate-check
generate-check: deps-test ## fail when a generated file does not come from its sources, byte for byte
	@make/generate --check

.PHONY: budget
budget: root deps-test ## note in bpf/verifier-budget.txt what the kernels' verifiers walk of each eBPF program
	@go test -count 1 -timeout 40m -run '^(TestKernels|TestVerifierBudgetOfThisKernel)$$' ./test/kernels -update-budget

.PHONY: fmt
fmt: deps-lint ## lay out Go and C
	golangci-lint fmt $(MODULES)
	clang-format-16 -i $(C_SOURCES)

.PHONY: tidy
tidy: export GOWORK := off
tidy: deps ## go.mod and go.sum of every module, at the versions that they name
	@for module in $(MODULES); do go -C $$module mod tidy; done

.PHONY: clean
clean: ## remove what was built; downloaded tools stay in .tools
	rm -rf bin build dist

##@ Prepare
.PHONY: deps deps-test deps-bench deps-lint root
deps: ## what make build and make run need
	@make/deps build

deps-test: ## what make test and make generate need
	@make/deps build test

deps-bench: ## what make bench needs
	@make/deps build test bench

deps-lint: ## what make lint and make fmt need
	@make/deps build test lint

root:
	@[ "$$(id -u)" = 0 ] || { echo "this loads eBPF programs and starts processes under other users: run it as root, such as with sudo make $(MAKECMDGOALS)" >&2; exit 1; }
