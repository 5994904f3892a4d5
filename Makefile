# make run    everything on this machine: one replica with its private Redis, two demo model services
# make test   lint and all tests
# make scenarios   the stories of cluster/scenarios with their negative controls (about a quarter of an hour)
# make simulate    thousands of simulated histories of several replicas on real Redis Functions; SIMULATIONS=n
# make bench  the comparison with HAProxy, nginx, Envoy, SGLang's router and FastAPI (about half an hour)

.PHONY: run test lint scenarios simulate bench build

run:
	@cluster/demo

test: lint
	swift build --build-tests
	.ci/tests
	cluster/fuzz/run 5

lint:
	.ci/packages libhiredis-dev redis-server openssl shellcheck python3
	swift format lint --strict --recursive Package.swift Sources Tests cluster/functions cluster/fuzz
	.ci/shellcheck

build:
	.ci/packages libhiredis-dev redis-server
	.ci/release model-manager demo-model-service

scenarios:
	.ci/packages libhiredis-dev redis-server redis-tools haproxy curl python3
	swift build
	cluster/scenarios/run --controls

simulate:
	.ci/packages libhiredis-dev redis-server
	swift build --build-tests
	SIMULATIONS=$(or $(SIMULATIONS),1000) swift test --skip-build --disable-xctest --filter 'whatever happens|FollowerSimulation'

bench:
	cluster/bench/run
