// Package plaid is the index of this project as Weaviate's shards want it: an
// [Index] is a db.VectorIndex and a db.VectorIndexMulti of
// github.com/weaviate/weaviate/adapters/repos/db.
//
// A collection gets it with the plaid block (see config/plaid); a shard opens one
// for each named vector that has the block.
//
// # What is stored where
//
// Weaviate's object store keeps every multi-vector as float32 inside its object,
// and every score is computed from that. The index keeps 8-bit codes and centroids
// in a folder beside the shard's others, to find the objects that are worth
// reading (package multivector). Opening a shard lists the ids in its object store,
// reads none of the objects, and makes the index's documents those: whatever a shard
// holds after a crash, a restore or a replica's repair is what its index finds.
//
// # Sign
//
// Weaviate ranks by distance, smaller is better. distance = -score, here and
// nowhere else, as for multi-vectors of stock hnsw.
package plaid
