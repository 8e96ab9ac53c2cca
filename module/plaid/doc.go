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
// # What Weaviate finds missing
//
// Weaviate asks an index for more interfaces than those that it must have, and does
// without where they are missing, as here. A test of tools/dev/build fails when a
// release asks for another one.
//
//   - upgradableIndexer (Upgraded, ShouldUpgrade, AlreadyIndexed, Upgrade,
//     UpgradeInProgress): an index that turns into another one at some number of
//     vectors. The queue of asynchronous indexing stops meanwhile and backups are
//     refused. This index is complete from its first document. Its training neither
//     needs the queue to stop nor asynchronous indexing to begin, and a backup makes
//     it hold still instead. All five come together and AlreadyIndexed is asked only
//     of who should upgrade: answering no five times would change nothing.
//   - perVectorDropper: an index whose files are shared with its siblings.
//     [Index.Drop] reaches no further than its own folder.
//   - dynamic.Index: which index type is at work inside of the type dynamic.
//   - hnswStats and hfreshReassignAller, for debugging: numbers of a graph, or of
//     another index's postings.
//
// # Memory and disk
//
// Where Weaviate's AllocChecker refuses, [Index.AddMultiBatch] fails with
// its error, which Weaviate's queue takes for passing, and the background waits. While
// a shard is read-only nothing is written, and searches work.
//
// # Sign
//
// Weaviate ranks by distance, smaller is better. distance = -score, here and
// nowhere else, as for multi-vectors of stock hnsw.
package plaid
