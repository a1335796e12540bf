# make, or make help, lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Of each fuzz target.
FUZZTIME ?= 30s
# More flags for go test: make test TESTFLAGS='-run Handshake -v'
TESTFLAGS ?=
# make fmt FMTFLAGS=--diff shows what is not formatted and fails.
FMTFLAGS ?=
# Generators whose input is not in the repository; make generate GENERATE_SKIP=
# runs them too.
GENERATE_SKIP ?= placegen|npm

.PHONY: help build test prove lint fmt fuzz demo generate clean need-go need-cc

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build: need-go ## bin/hezuo, without cgo, with the version from git
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/hezuo ./cmd/hezuo

test: need-go need-cc ## all tests, with the race detector
	$(GO) test -race $(TESTFLAGS) ./...

prove: need-go need-cc ## the long proofs too; up to an hour a package
	HEZUO_PROVE=full $(GO) test -race -timeout 60m $(TESTFLAGS) ./...

lint: need-go ## the linters of .golangci.yml, at their pinned version
	$(LINT) run

fmt: need-go ## format every Go file
	$(LINT) fmt $(FMTFLAGS)

fuzz: need-go ## every fuzz target, FUZZTIME (30s) each
	@$(GO) test -list '^Fuzz' ./... | \
	awk '/^Fuzz/ {name[n++] = $$1} /^ok/ {for (i = 0; i < n; i++) print $$2, name[i]; n = 0}' | \
	while read -r package target; do \
		echo "== $$package $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package" </dev/null; \
	done

demo: need-go ## a market with people in it, to try in the browser
	$(GO) run ./cmd/hezuo demo

generate: need-go ## what is generated from the code
	$(GO) generate -skip '$(GENERATE_SKIP)' ./...

clean: ## remove what the targets made
	rm -rf bin coverage*

need-go:
	@command -v $(GO) >/dev/null || { echo 'Go 1.26 is missing: install it from your system or from https://go.dev/dl/' >&2; exit 1; }

# The race detector is linked with C.
need-cc:
	@cc=$$($(GO) env CC); command -v $${cc%% *} >/dev/null || { echo "a C compiler ($$cc) is missing: apt-get install gcc libc6-dev, or your system's equal" >&2; exit 1; }
