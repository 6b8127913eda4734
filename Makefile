# The front door. CMake does the work: `cmake --preset dev && ninja -C build/dev` is the developer's way in.

SHELL := /bin/bash
JOBS ?= $(shell nproc)
.DEFAULT_GOAL := all
.PHONY: all deps configured build run test test-pytorch bench deb sdist wheel asan tsan fuzz chaos model soak random-programs format clean

all: build

deps:
	@tools/deps

# build/bin and build/python show the release build.
build: configured
	@cmake --build --preset release --parallel $(JOBS) --target product
	@ln -sfn release/bin build/bin
	@ln -sfn release/python build/python

configured: deps
	@tools/configure release

run: all
	build/bin/tine launch -n 4 examples/digits_parameter_server.py

test: all
	@cmake --build --preset release --parallel $(JOBS)
	@ctest --preset release --parallel $(JOBS)

# With the PyTorch that tools/pytorch installs under build/: PyTorch's own RPC tests, and those of tests/pytorch.
test-pytorch: all
	@tools/deps --pytorch
	@tests/pytorch/run

# BENCH are bench/run's options: make bench BENCH=--readme prints README's tables anew.
bench: all
	@cmake --build --preset release --parallel $(JOBS) --target bench
	@/usr/bin/python3 bench/run --build build/release $(BENCH)

# Debian packages for this system, in build/deb/deb.
deb: deps
	@tools/deps --package
	@tools/configure deb
	@cmake --build --preset deb --parallel $(JOBS) --target product
	@cmake --build --preset deb --target package
	@ls build/deb/deb/*.deb

asan tsan: deps
	@tools/configure $@
	@cmake --build --preset $@ --parallel $(JOBS)
	@ctest --preset $@ --parallel $(JOBS)

# Bounded: FUZZ_SECONDS for each fuzzer.
fuzz:
	@tools/fuzz

# build/dist: the source distribution, and the wheel that is built from it (docs/packages.md).
sdist wheel: deps
	@tools/deps --pytorch
	@tools/wheel $@

# CHAOS_SEEDS worlds of whole agents, each by a seed of its own: a minute of one processor.
CHAOS_SEEDS ?= 10000
chaos: configured
	@cmake --build --preset release --parallel $(JOBS) --target chaos_tests
	@TINE_CHAOS_SEEDS=$(CHAOS_SEEDS) build/release/cmake/tests/chaos_tests --gtest_brief=1

# The model of the protocol of references, with each rule taken out in turn: about five minutes.
model:
	@tools/deps --model
	@tests/model/check

# SOAK_CALLS calls between processes that are killed meanwhile.
SOAK_CALLS ?= 1000000
soak: all
	@PYTHONPATH=build/python /usr/bin/python3 tests/chaos/soak.py --calls $(SOAK_CALLS)

# PROGRAMS random programs from the seed FIRST on, each as Python and as a script: some 10 minutes of two processors.
PROGRAMS ?= 20000
FIRST ?= 0
random-programs: all
	@PYTHONPATH=build/python:tests/script /usr/bin/python3 -m random_programs --count $(PROGRAMS) --first $(FIRST)

format:
	@tools/format

clean:
	rm -rf build
