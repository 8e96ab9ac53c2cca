// Package acceptance drives the built server as its users do: as a process, over HTTP and gRPC,
// with the clients that Weaviate publishes for Go and for Python.
//
// It is a module of its own, so that the clients are no dependency of the product, and it imports
// nothing of the product: what it asserts is what a user can see. What the right answer of a search
// is, it computes itself, in float64, from the vectors that the server returns.
//
// Run it with `make acceptance`, or here with `go test ./...` once `make server` has been run. The
// environment it reads:
//
//	COLPALI_SERVER   the server to test; unset: bin/weaviate-colpali of this repository
//	COLPALI_PYTHON   the interpreter that has python/requirements.txt; unset: build/venv/bin/python
//	COLPALI_*        everything else of that prefix reaches the server as it is
//
// TestKilled kills a server a few times; `make kills` lets it do so for longer (flags -rounds and
// -seed).
//
// Tests that assert what a model understands need the demo model that the server embeds; with
// another model (COLPALI_MODEL_DIR) they say so and are skipped.
package acceptance
