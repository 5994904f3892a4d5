# make run    everything on this machine: one replica with its private Redis, two demo model services
# make test   lint and all tests
# make bench  the comparison with HAProxy, nginx, Envoy, SGLang's router and FastAPI (about half an hour)

.PHONY: run test lint fuzz bench build

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
	swift build -c release

bench:
	cluster/bench/run
