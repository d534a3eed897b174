# The figures a target yields are the last line it prints on stdout, as JSON.
GO ?= go
LINT = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
export CGO_ENABLED ?= 0

.PHONY: help build run test lint fmt contracts contracts-verify wrappers-ts test-ts test-market scenarios test-scenarios test-emulator gas bench-localnet bench-index bench-stream bench-scale bench-crowd bench-localnet-crowd harness test-harness fuzz mutants verify

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the cocoon binary, in bin/
	@echo "building bin/cocoon (the first build of a fresh machine compiles the dependencies: a few minutes)" >&2
	@$(GO) build -o bin/cocoon ./cli/cocoon

run: build ## the whole market on a local chain; ONCE=1 ends after the scenario
	@./bin/cocoon up $(if $(ONCE),--once) $(ARGS)

test: ## every test, with nothing but Go
	$(GO) test -timeout 15m ./...

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

test-market: ## OpenAI's clients, for Go and for Node, in every way against a whole market, with engines that break (a minute; fetches packages with npm)
	@if command -v npm >/dev/null; then cd tests/openai-node && npm ci >&2; else echo "no npm: OpenAI's client for Node is not tested" >&2; fi
	$(GO) test ./cli/e2e -count=1 -v -whole -run '^TestOpenAI$$' $(if $(shell command -v npm),-node $(CURDIR)/tests/openai-node)

scenarios: ## record sandbox-tests/scenarios again
	$(GO) test ./sandbox-tests -run TestScenarios_AreRecorded -count=1 -record

test-scenarios: ## sandbox-tests/scenarios in the official executor (fetches packages with npm)
	@cd sandbox-tests/ts && npm ci >&2 && npm run --silent build >&2 && npm run --silent test

test-emulator: ## sandbox-tests/scenarios and localnet/differential in tongo's C++ emulator (needs a C compiler, Linux and amd64)
	CGO_ENABLED=1 $(GO) test -tags emulator ./sandbox-tests -run TestScenarios_ReplayInTheEmulator -count=1
	CGO_ENABLED=1 $(GO) test -tags emulator ./localnet/differential -run '^Test(Gate|Regressions)_' -count=1 -v

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
	@$(MAKE) --no-print-directory contracts scenarios >&2
	@$(GO) test -count=1 ./sandbox-tests >&2
	@tr -d '\n' < sandbox-tests/testdata/gas.json; echo

# A test may print what it likes: its figures go to a file of their own.
SCALE = file=$$(mktemp) && trap 'rm -f "$$file"' EXIT && $(GO) test ./sandbox-tests -count=1 -timeout 60m -v -figures "$$file"
# What is absent is left out of the figures, with a word on stderr.
BENCH_TAGS = $(if $(and $(shell command -v gcc),$(filter linux/amd64,$(shell $(GO) env GOOS)/$(shell $(GO) env GOARCH))),-tags emulator)
bench-localnet: ## localnet beside tongo's emulator and @ton/sandbox, its blocks beside its bare executor (fetches packages with npm)
	@if command -v npm >/dev/null; then cd localnet/benchmark/sandbox && npm ci >&2; fi
	@CGO_ENABLED=$(if $(BENCH_TAGS),1,0) $(GO) run $(BENCH_TAGS) ./localnet/benchmark

INDEX_ARGS ?=
bench-index: ## the indexer: parsing, catching up beside a baseline that asks per transaction, live lag, rows; INDEX_ARGS="-live 30m" (minutes)
	@$(GO) run ./indexer/benchmark $(INDEX_ARGS)

STREAM_ARGS ?=
bench-stream: ## the interactive path, each part a process, beside a plain reverse proxy with as many hops; STREAM_ARGS="-rounds 9" (minutes, Linux)
	@$(GO) run ./cli/benchmark $(STREAM_ARGS)

LEAVES ?= 100000
bench-scale: ## the whole life of an epoch of LEAVES leaves on real bytecode: gas, TON, state, seconds
	@$(SCALE) -run '^TestScale_EpochFromOpenToFinish$$' -leaves $(LEAVES) >&2 && cat "$$file"

PROVIDERS ?= 10000
CHANNELS ?= 100000
bench-crowd: ## PROVIDERS vaults and CHANNELS channels on one local chain, and everyone of them leaves (minutes, GiBs)
	@$(SCALE) -run '^TestScale_EveryoneOfACrowdLeaves$$' -providers $(PROVIDERS) -channels $(CHANNELS) >&2 && cat "$$file"

CROWD_TXS ?= 1000000
CROWD_ACCOUNTS ?= 100000
bench-localnet-crowd: ## CROWD_TXS transactions over CROWD_ACCOUNTS accounts on a localnet: time and memory of every round (minutes)
	@file=$$(mktemp) && trap 'rm -f "$$file"' EXIT && $(GO) test ./localnet -count=1 -timeout 60m -v -run '^TestCrowd_CostOfABlockStaysTheSame$$' \
		-crowd-txs $(CROWD_TXS) -crowd-accounts $(CROWD_ACCOUNTS) -crowd-figures "$$file" -crowd-plot $(CURDIR)/docs/localnet-crowd.svg >&2 && cat "$$file"

SEED ?= 1
harness: ## every party in a process of its own, 500 requests at a time, cheats, 100 kill -9 of each kind: who lost what (ten minutes)
	@file=$$(mktemp) && trap 'rm -f "$$file"' EXIT && $(GO) test ./cli/harness -count=1 -timeout 60m -v -run '^TestMarket_NobodyLosesMoreThanTheBounds$$' \
		-full -seed $(SEED) -figures "$$file" >&2 && cat "$$file"

test-harness: ## the same in small, what a first user may have open, and who reads prompts (a minute); SEED=2
	$(GO) test ./cli/harness -count=1 -timeout 5m -v -market -seed $(SEED)

FUZZTIME ?= 10s
fuzz: ## run every fuzz target for FUZZTIME each, and the properties of the contracts as long
	@GO=$(GO) FUZZTIME=$(FUZZTIME) ./.ci/fuzz

MUTANTS ?= -n 200 -seed 1
mutants: ## make mistakes in the contracts, one at a time, and want the sandbox tests to notice each (takes a while)
	@$(GO) run ./contracts/toolchain mutants $(MUTANTS)

verify: contracts-verify ## generated files equal their sources
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	@$(GO) vet ./...
