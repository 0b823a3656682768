# What one does with this project. `make` or `make help` lists it; each target installs what it
# needs by itself. Longer steps are scripts, each with its reason on top.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help demo test check format generate certs sanitize bench bench-quick clean deps

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: deps ## Build, then see four services answer their four clients
	@Scripts/demo

test: deps ## Build and run all tests, also those against foreign peers in Python and C++
	@Scripts/python-env
	@Scripts/cpp-peers
	@Certs/make-certs.sh
	swift test

check: deps ## Formatting, layers, style, citations, generated code, warnings, allocations a call
	@Scripts/check

format: ## Format all Swift files
	@Scripts/check-format --fix

generate: deps ## Write again the code that is generated from .proto files
	@Scripts/generate

certs: deps ## Write certificates for local tests into Certs/out
	@Certs/make-certs.sh

sanitize: deps ## Tests of TLS and compression under AddressSanitizer and ThreadSanitizer (slow)
	@Scripts/sanitize

bench: deps ## Cost of calls beside plain nghttp2 in C, gRPC C++, Go and Python: a quarter of an hour, quiet machine
	@Benchmarks/Scripts/bench
	@Benchmarks/Scripts/bench-secure
	@Benchmarks/Scripts/bench-scaling

bench-quick: deps ## The same with fewer calls: a first look
	@Benchmarks/Scripts/bench --quick
	@Benchmarks/Scripts/bench-secure --quick

clean: ## Remove what was built, not what was installed
	rm -rf .build .build-* Benchmarks/.build* Benchmarks/out Certs/out

deps:
	@Scripts/install-deps
