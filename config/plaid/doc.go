// Package plaid is the `plaid` block of Weaviate's hnsw multivector settings:
//
//	"vectorIndexType": "hnsw",
//	"vectorIndexConfig": {"multivector": {"enabled": true, "plaid": {"enabled": true}}}
//
// An enabled block replaces the graph of hnsw by this project's index of whole
// multi-vectors, as the neighbouring `muvera` block replaces it by another one.
//
// The block is read in two ways, and the difference matters:
//
//   - [Check] is strict. It runs once, when a user creates or updates a
//     collection, and refuses every misspelling and contradiction.
//   - [Parse] is lenient and cannot fail. It runs whenever a stored collection
//     is loaded. Weaviate drops a collection whose settings fail to parse while
//     its RAFT log replays and reports itself ready without it, so whatever any
//     version of this package once accepted, or a later one will, must load.
//
// This package imports the standard library only, because the patched
// github.com/weaviate/weaviate/entities/vectorindex/hnsw imports it and nearly
// all of Weaviate imports that. For the same reason a change here recompiles
// nearly all of Weaviate: keep the package small.
package plaid
