# The figures a target yields are the last line it prints on stdout, as JSON.
GO ?= go
LINT = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
export CGO_ENABLED ?= 0

.PHONY: help build run test lint fmt contracts contracts-verify wrappers-ts test-ts gas fuzz verify

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the cocoon binary, in bin/
	@echo "building bin/cocoon (the first build of a fresh machine compiles the dependencies: a few minutes)" >&2
	@$(GO) build -o bin/cocoon ./cli/cocoon

run: build ## the whole market on a local chain; ONCE=1 ends after the scenario
	@./bin/cocoon up $(if $(ONCE),--once) $(ARGS)

test: ## every test, with nothing but Go
	$(GO) test ./...

lint: ## golangci-lint over the module
	$(LINT) run ./...

fmt: ## gofmt every file
	gofmt -w $$(git ls-files '*.go')

contracts: ## compile contracts/ into contracts/build/ and the flaws of sandbox-tests (fetches compilers with npm), renew wrappers/ts
	@$(GO) run ./contracts/toolchain build
	@$(MAKE) --no-print-directory wrappers-ts >&2

contracts-verify: ## recompile and compare code hashes with contracts/build/ and those of the flaws
	@$(GO) run ./contracts/toolchain verify

wrappers-ts: ## renew what wrappers/ts takes from contracts/, and its test vectors
	$(GO) test ./wrappers -run 'TestSchema|TestTypeScript|TestVectors' -count=1 -update

test-ts: ## wrappers/ts against the Go wrappers and in a sandbox (fetches packages with npm)
	@cd wrappers/ts && npm ci >&2 && npm run --silent build >&2 && npm run --silent test

# Constants are compiled into what is measured: it begins with generous ones and
# goes round until they stay. The flaws are compiled once, at the end.
OURS = $(basename $(notdir $(wildcard contracts/*.fc contracts/*.tact)))
gas: ## measure gas again; makes the constants, artefacts and docs/contracts/gas.md
	@$(GO) test -count=1 ./sandbox-tests -run TestNothing -update -slack 3 >&2 && $(GO) run ./contracts/toolchain build $(OURS) >&2
	@for round in 1 2 3 4 5; do \
		before=$$(cat contracts/imports/gas.*); \
		echo "round $$round: measuring" >&2; \
		$(GO) test -count=1 ./sandbox-tests -update >&2 || echo "round $$round: some tests fail until the constants fit" >&2; \
		$(GO) run ./contracts/toolchain build $(OURS) >&2 || exit 1; \
		[ "$$before" = "$$(cat contracts/imports/gas.*)" ] && break; \
	done
	@$(MAKE) --no-print-directory contracts >&2
	@$(GO) test -count=1 ./sandbox-tests >&2
	@tr -d '\n' < sandbox-tests/testdata/gas.json; echo

FUZZTIME ?= 10s
fuzz: ## run every fuzz target for FUZZTIME each, and the properties of the contracts as long
	@GO=$(GO) FUZZTIME=$(FUZZTIME) ./.ci/fuzz

verify: contracts-verify ## generated files equal their sources
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	@$(GO) vet ./...
