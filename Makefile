# Everything that a developer, CI or a release does, by name. Bare `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

# Arguments handed on: make test ARGS="-class '*Ledger*'", make demo ARGS="--for 10s", make bench ARGS="w1".
ARGS ?=

.PHONY: help build publish test soak bench demo azure-demo format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build everything (Release); leaves bin/matih
	@build/build

publish: ## Make artifacts/<platform>: the command with its librdkafka, for machines without .NET
	@build/publish

test: build ## Build and run all tests; the last line counts them
	@build/test $(ARGS)

soak: build ## Run all tests, those with a dial (simulation, kill tests) much longer
	@MATIH_SOAK=1 build/test $(ARGS)

bench: build ## Measure the benchmark ratios (bench/README.md)
	@build/bench $(ARGS)

demo: build ## Run a pipeline on an embedded Kafka, kill it, resume it, audit the table
	@bin/matih demo $(ARGS)

azure-demo: build ## Run the Azure Functions app on Azurite and an embedded Kafka, kill it, audit the table, count what it costs
	@build/azure-demo $(ARGS)

format: ## Format the sources as .editorconfig says
	@dotnet format MatihFunctions.slnf

clean: ## Delete all build output
	@rm -rf bin artifacts TestResults src/*/bin src/*/obj tests/*/bin tests/*/obj bench/bin bench/obj
