# The project's commands. `make demo` and `make test` need nothing but this checkout, root and Debian.
SHELL := /bin/bash
BIN := .venv/bin
REGIONS ?= 2

.PHONY: help env demo down test check faults lint types unit contract engine e2e chaos tempest lab-up lab-down lab-destroy bench bench-boot bench-route lock sample reference operations clean

help:            ## show this text
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

env:             ## make the Python environment from the lock file
	@tools/bootstrap

demo: env        ## two real OpenStack regions and Triune in front of them, used through one endpoint
	@$(BIN)/lab demo

down: env        ## stop everything that `make demo` or `make lab-up` started
	@$(BIN)/lab down

test: env        ## every test: lint, types, unit, contract, the work engine, and end to end on the real lab
	@tools/run-tests all

check: env       ## lint, types, unit and contract tests
	@tools/run-tests check

faults: env      ## contract tests of every fault at every step
	@tools/run-tests faults

engine: env      ## the work engine on SQLite, MariaDB and PostgreSQL, with processes that are paused and killed
	@tools/run-tests engine

e2e: env         ## end-to-end tests on the real lab
	@tools/run-tests e2e

chaos: env       ## processes killed, pods away and new, faults before pods on the real lab, while people work: longer than in `make test`
	@tools/run-tests chaos

tempest: env     ## OpenStack's conformance suite through Triune, and what does not pass in a region, on the real lab
	@tools/run-tests tempest

lint: env        ## ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: env       ## mypy --strict on src
	$(BIN)/mypy

unit: env        ## unit tests
	$(BIN)/pytest tests/unit -m "not processes"

contract: env    ## contract tests, the gateway against fake pods
	$(BIN)/pytest tests/contract -m "not faults"

lab-up: env      ## start the real regions (REGIONS=2) and Triune in front of them
	@$(BIN)/lab up --regions $(REGIONS)

lab-down: down   ## stop the lab

lab-destroy: env ## stop the lab and remove all of its data
	@$(BIN)/lab destroy --yes

bench: env       ## short benchmarks
	@$(BIN)/python -m benchmarks

bench-boot: env  ## how long a server's network takes through Triune and in a pod itself, on the real lab
	@$(BIN)/lab up --regions 2
	@$(BIN)/python -m benchmarks.boot

bench-route: env ## how long a router takes to join two regions, through Triune and by hand in both, on the real lab
	@$(BIN)/lab up --regions 2
	@$(BIN)/python -m benchmarks.route

lock: env        ## resolve the dependencies anew
	@tools/lock

sample: env      ## write the sample settings and policy files
	$(BIN)/oslo-config-generator --namespace triune --output-file etc/triune.conf.sample
	$(BIN)/oslopolicy-sample-generator --namespace triune --output-file etc/policy.yaml.sample

reference: env   ## write the pages of docs/reference that follow from the code
	@tools/reference

operations:      ## list the operations of the services that the lab has installed
	@.lab/venv/bin/python tools/operations

clean: lab-destroy ## remove the lab and the Python environment
	rm -rf .venv .tools
