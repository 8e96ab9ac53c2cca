package plaid

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weaviate/weaviate/adapters/repos/db/vector/common"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/compressionhelpers"
	schemaConfig "github.com/weaviate/weaviate/entities/schema/config"

	plaidconfig "weaviate-colpali/config/plaid"
)

// All of what follows may be called in any order and any number of times.

// Type names the index in Weaviate's status reports.
func (x *Index) Type() common.IndexType { return "plaid" }

// Multivector tells Weaviate to use the methods for multi-vectors.
func (x *Index) Multivector() bool { return true }

// Compressed is false: results have the scores of the vectors as they were stored.
func (x *Index) Compressed() bool { return false }

// CompressionStats is that nothing is compressed.
func (x *Index) CompressionStats() compressionhelpers.CompressionStats {
	return compressionhelpers.UncompressedStats{}
}

// UpdateUserConfig applies what of the block may change, for searches to come. The
// settings beside it steer a graph that is not there. A shard stays read-only until
// callback is called.
func (x *Index) UpdateUserConfig(updated schemaConfig.VectorIndexConfig, callback func()) error {
	defer callback()
	config := plaidconfig.Of(updated)
	x.config.Store(&config)
	return nil
}

// PostStartup has nothing to do: the index is complete when it is opened.
func (x *Index) PostStartup(context.Context) {}

// Preload has nothing to fill: Weaviate offers single vectors for a cache.
func (x *Index) Preload(uint64, []float32) {}

// Flush has nothing to write: what is only in memory is in the object store, too,
// and is read from there after a crash. Weaviate calls it after every batch.
func (x *Index) Flush() error { return nil }

// Shutdown writes what is in no file yet, so that the next start need not read it
// from the object store.
func (x *Index) Shutdown(ctx context.Context) error {
	defer x.leave()
	tell(x.logger, "shutdown_plaid_index", "closing plaid index", x.documents.Statistics())
	return x.documents.Close(ctx)
}

// Drop ends the index and removes its files, unless they are to be kept.
func (x *Index) Drop(ctx context.Context, keepFiles bool) error {
	if keepFiles {
		return x.Shutdown(ctx)
	}
	defer x.leave()
	if err := x.documents.Discard(); err != nil {
		return err
	}
	return os.RemoveAll(x.dir)
}

// PrepareForBackup makes the files hold still.
func (x *Index) PrepareForBackup(context.Context) error {
	x.documents.Hold()
	return nil
}

// ResumeAfterBackup lets the files change again.
func (x *Index) ResumeAfterBackup(context.Context) error {
	x.documents.Resume()
	return nil
}

// ListFiles is the files that the index consists of, relative to basePath.
// Documents that are in none of them yet are in the objects of the backup.
func (x *Index) ListFiles(_ context.Context, basePath string) ([]string, error) {
	dir, err := filepath.Rel(basePath, x.dir)
	if err != nil {
		return nil, fmt.Errorf("list the files of the index: %w", err)
	}
	files := x.documents.Files()
	for i, name := range files {
		files[i] = filepath.Join(dir, name)
	}
	return files, nil
}

// SnapshotMutableFiles is empty: no file is ever changed.
func (x *Index) SnapshotMutableFiles(context.Context, string, string) ([]string, error) {
	return nil, nil
}
