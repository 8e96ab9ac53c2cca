package plaid

import (
	"context"

	"github.com/weaviate/weaviate/adapters/repos/db/vector/common"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/compressionhelpers"
	schemaConfig "github.com/weaviate/weaviate/entities/schema/config"
)

// What follows has little to do because the index has no files, see the package
// comment. All of it may be called in any order and any number of times.

// Type names the index in Weaviate's status reports.
func (x *Index) Type() common.IndexType { return "plaid" }

// Multivector tells Weaviate to use the methods for multi-vectors.
func (x *Index) Multivector() bool { return true }

// Compressed is false: vectors are searched as they were stored.
func (x *Index) Compressed() bool { return false }

// CompressionStats is that nothing is compressed.
func (x *Index) CompressionStats() compressionhelpers.CompressionStats {
	return compressionhelpers.UncompressedStats{}
}

// UpdateUserConfig has nothing to apply: the only setting of the block never
// changes, and those beside it steer a graph that is not there. A shard stays
// read-only until callback is called.
func (x *Index) UpdateUserConfig(_ schemaConfig.VectorIndexConfig, callback func()) error {
	callback()
	return nil
}

// PostStartup has nothing to do: the index is complete when it is opened.
func (x *Index) PostStartup(context.Context) {}

// Preload has nothing to fill: Weaviate offers single vectors for a cache.
func (x *Index) Preload(uint64, []float32) {}

// Flush has nothing to write.
func (x *Index) Flush() error { return nil }

// Shutdown has nothing to close.
func (x *Index) Shutdown(context.Context) error { return nil }

// Drop forgets all documents. There are no files to keep or remove.
func (x *Index) Drop(context.Context, bool) error {
	var ids []uint64
	x.documents.IDs(func(id uint64) bool {
		ids = append(ids, id)
		return true
	})
	x.documents.Delete(ids...)
	return nil
}

// PrepareForBackup has no file to hold still.
func (x *Index) PrepareForBackup(context.Context) error { return nil }

// ResumeAfterBackup has nothing to resume.
func (x *Index) ResumeAfterBackup(context.Context) error { return nil }

// ListFiles is empty: a backup of the objects is a backup of the index.
func (x *Index) ListFiles(context.Context, string) ([]string, error) { return nil, nil }

// SnapshotMutableFiles is empty, as ListFiles is.
func (x *Index) SnapshotMutableFiles(context.Context, string, string) ([]string, error) {
	return nil, nil
}
