# Everything that a developer or CI runs. `make` lists it.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -o pipefail -ec

# The processor of the functions: arm64 or x86_64. sam does not tell make, so
# `make build` tells both.
ARCHITECTURE ?= arm64
GOARCH_arm64 := arm64
GOARCH_x86_64 := amd64
GOARCH_FUNCTION := $(GOARCH_$(ARCHITECTURE))

STACK ?= smartlead-receiver
EVENT ?= $(firstword $(wildcard events/$*-*.json))
BENCH ?= .
FUZZTIME ?= 12s
GO ?= go
# Where a container reaches this machine: Docker's bridge on Linux; Docker Desktop
# leads to the loopback interface.
ENGINE_ADDR ?= $(if $(filter Linux,$(shell uname -s)),172.17.0.1,127.0.0.1):4566
ARGS ?=
BIN := .tools/bin
export SAM_CLI_TELEMETRY := 0

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-zA-Z0-9_\/%-]+:.*## / {sub("%", "<function>", $$1); printf "  %-20s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: ## Run the whole receiver on this machine (needs Go alone; ARGS='--data DIR' keeps events)
	@mkdir -p .local && $(GO) build -o .local/bin/ ./cmd/local && exec .local/bin/local $(ARGS)

.PHONY: test
test: ## Run every check; this is what CI runs
	@scripts/steps.sh tools test/format lint beside test/replay test/unit test/integration test/fuzz validate test/e2e alone test/speed
	@echo "==> not looked for: known vulnerabilities, of your Go among them (make vulns)"

.PHONY: tools
tools: ## Install the pinned tools into .tools/
	@scripts/tools.sh

.PHONY: fmt
fmt: tools ## Format the code
	$(BIN)/golangci-lint fmt

.PHONY: test/format
test/format: tools ## Check that the code is formatted
	$(BIN)/golangci-lint fmt --diff

.PHONY: lint
lint: tools ## Lint, and check go.mod and which package may import which
	$(BIN)/golangci-lint run --allow-parallel-runners ./...
	$(GO) mod tidy -diff
	$(GO) test -count=1 ./test/imports

# What other steps run whole, where the race detector sees nothing of it: processes that
# are killed or lose one call after another, a browser, other languages, lists of packages.
# Of the crash tests those run here that do several things at once; those of the archive
# whole without the detector, under which they are sampled. Twice as many packages at once
# as there are processors, because many tests wait. Vetted by make lint.
ELSEWHERE := console|cost|crash|imports|kill|template|verify
# What runs here without the detector: builds of the functions, and months of events that
# are repaired one after the other, which takes six times as long under it.
PLAIN := release|repair|sizes
.PHONY: test/unit
test/unit: ## Run the unit tests under the race detector
	$(GO) test -race -vet=off -p $$((2 * $$(getconf _NPROCESSORS_ONLN))) -timeout 60m $$($(GO) list ./... | grep -vE '/test/($(ELSEWHERE)|$(PLAIN))$$')
	$(GO) test -race -vet=off -timeout 30m -run 'AtOnce|Beside' ./test/crash
	$(GO) test -vet=off -timeout 30m -run 'Crash|TheLedgerEventByEvent' ./pkg/archive
	$(GO) test -vet=off -timeout 30m $$($(GO) list ./... | grep -E '/test/($(PLAIN))$$')

.PHONY: test/speed
test/speed: tools ## Hold speed and memory to their bounds, without the race detector
	@scripts/speed.sh

.PHONY: test/fuzz
test/fuzz: ## Fuzz the receiver's front, and the reading and the redaction of payloads (FUZZTIME each)
	$(GO) test -run '^$$' -fuzz '^FuzzReceiver$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./pkg/lambdaio
	$(GO) test -run '^$$' -fuzz '^FuzzPassed$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./pkg/gateway
	$(GO) test -run '^$$' -fuzz '^FuzzDecode$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./pkg/coding
	@for target in FuzzParse FuzzIdentify FuzzMembers FuzzRedact FuzzExcerpt; do \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./pkg/smartlead; \
	done

.PHONY: test/integration
test/integration: tools ## Run the tests that talk to a real engine
	@test/integration.sh

.PHONY: test/replay
test/replay: tools ## Measure live traffic beside a large redrive, and go through an outage (TEST_SPEED=1 holds it to bounds)
	REQUIRE_ENGINES=1 DYNOXIDE=$(CURDIR)/.tools/bin/dynoxide $(GO) test -count=1 -tags replay -timeout 30m ./test/replay

.PHONY: test/year-ahead
test/year-ahead: tools ## Run the tests as if today were a year from now (10 minutes on two cores, so not part of make test)
	REQUIRE_ENGINES=1 DYNOXIDE=$(CURDIR)/.tools/bin/dynoxide scripts/year-ahead.sh -timeout 30m ./...

.PHONY: outage
outage: tools ## Show an operator's way through an outage of a minute with 2,000 events
	REQUIRE_ENGINES=1 DYNOXIDE=$(CURDIR)/.tools/bin/dynoxide OUTAGE_EVENTS=2000 OUTAGE_SECONDS=60 OUTAGE_TICK=5s $(GO) test -count=1 -tags replay -timeout 20m -run TestOutage -v ./test/replay

.PHONY: recording
recording: ## Record the session that the README shows, anew
	$(GO) test -count=1 -run TestRecording ./test/recording -update

.PHONY: first-day
first-day: tools ## Record docs/FIRST-DAY.md anew (deploys into the emulator)
	$(GO) test -count=1 -tags e2e -timeout 15m ./test/e2e -update

.PHONY: screenshots
screenshots: tools ## Take the pictures of the console that the documents show, anew
	REQUIRE_ENGINES=1 $(GO) test -count=1 -tags screenshots -run TestScreenshots ./test/console

.PHONY: bench/console
bench/console: tools ## Say how long each page of the console takes over 100,000 events (ARGS='-events 10000'; minutes)
	REQUIRE_ENGINES=1 DYNOXIDE=$(CURDIR)/.tools/bin/dynoxide $(GO) test -count=1 -tags many -timeout 30m -run TestPagesOfManyEvents -v ./test/console $(ARGS)

.PHONY: model
model: ## Check the models of the protocol with Spin (needs spin and gcc; full: docs/model/run.sh full)
	docs/model/run.sh

.PHONY: kill-test
kill-test: tools ## Kill the receiver 50 times while 20,000 events are sent
	REQUIRE_ENGINES=1 DYNOXIDE=$(CURDIR)/.tools/bin/dynoxide EVENTS=20000 KILLS=50 $(GO) test -count=1 -timeout 60m -v ./test/kill

.PHONY: validate
validate: tools ## Check template.yaml with sam, cfn-lint, checkov and its own test
	$(BIN)/sam validate --lint
	$(BIN)/cfn-lint template.yaml
	$(BIN)/checkov -f template.yaml --framework cloudformation --skip-download --compact --quiet
	$(GO) test -count=1 ./test/template

.PHONY: vulns
vulns: tools ## Look for known vulnerabilities in what the programs call (3 minutes; also those of your Go, so not part of make test)
	@scripts/vulns.sh

.PHONY: test/e2e
test/e2e: tools ## Deploy the template into an emulator and drive it end to end
	$(GO) test -count=1 -tags e2e -timeout 15m ./test/e2e/...

.PHONY: bench
bench: ## Measure the built functions as Lambda runs them, beside the plain program (ARGS='-json FILE -compare OLD.json')
	$(GO) run ./bench $(ARGS)

.PHONY: bench/stack
bench/stack: tools ## Send 100,000 events to the local stack: rates, a backlog, memory (ARGS='-events 10000'; many minutes)
	DYNOXIDE=$(CURDIR)/.tools/bin/dynoxide $(GO) run ./bench/stack $(ARGS)

.PHONY: bench/go
bench/go: ## Run the benchmarks of the packages (BENCH=pattern)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: build
build: architecture tools ## Build what is deployed (ARCHITECTURE=arm64 or x86_64)
	ARCHITECTURE=$(ARCHITECTURE) $(BIN)/sam build --parameter-overrides Architecture=$(ARCHITECTURE)

.PHONY: deploy
deploy: build ## Build, deploy into your AWS account, and check it (STACK=name PARAMETERS='AlarmEmail=…')
	$(BIN)/sam deploy --stack-name $(STACK) --parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS)
	@$(GO) run ./cmd/smartleadctl --stack $(STACK) doctor || echo "$(STACK) is deployed; what the doctor found is left to do"

.PHONY: invoke/%
invoke/%: build ## Run one function with EVENT=file under sam local, on the stores of make run/invoke (needs Docker)
	$(BIN)/sam local invoke $(shell echo $* | awk '{print toupper(substr($$0,1,1)) substr($$0,2)}')Function --event $(EVENT) \
		--env-vars events/env.json --add-host host.docker.internal:host-gateway

# The token is that of the files in events/, so the stack is one of its own.
.PHONY: run/invoke
run/invoke: ## Run what make invoke/<function> works on, in a terminal of its own
	@umask 077 && mkdir -p .local/invoke && printf %s slr_exampletokenexampletokenexamplet > .local/invoke/token
	@$(GO) build -o .local/bin/ ./cmd/local
	@exec .local/bin/local --addr 127.0.0.1:0 --engine-addr $(ENGINE_ADDR) --state-dir .local/invoke $(ARGS)

.PHONY: architecture
architecture:
	@test -n "$(GOARCH_FUNCTION)" || { echo "ARCHITECTURE is arm64 or x86_64, not '$(ARCHITECTURE)'" >&2; exit 2; }

# sam build runs these with ARTIFACTS_DIR set. Without version control stamps,
# so that unchanged code gives an unchanged package and nothing to deploy.
.PHONY: build-ReceiverFunction build-WorkerFunction build-SweeperFunction build-RedriveFunction build-ReconcileFunction build-ArchiverFunction
build-ReceiverFunction: functions/receiver.bootstrap
build-WorkerFunction: functions/worker.bootstrap
build-SweeperFunction: functions/sweeper.bootstrap
build-RedriveFunction: functions/redrive.bootstrap
build-ReconcileFunction: functions/reconcile.bootstrap
build-ArchiverFunction: functions/archiver.bootstrap

functions/%.bootstrap: architecture
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH_FUNCTION) $(GO) build -trimpath -buildvcs=false -tags lambda.norpc -ldflags "-s -w" -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$*
