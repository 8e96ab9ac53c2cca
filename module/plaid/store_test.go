package plaid_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/go-openapi/strfmt"
	"github.com/google/uuid"
	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/adapters/repos/db/lsmkv"
	"github.com/weaviate/weaviate/entities/cyclemanager"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/storobj"
	"github.com/weaviate/weaviate/usecases/memwatch"

	"weaviate-colpali/module/plaid"
)

// shard is the part of a Weaviate shard that matters to an index: a real object
// store in a folder.
type shard struct {
	t       *testing.T
	dir     string
	indexes string // folders of indexes
	logger  logrus.FieldLogger
	store   *lsmkv.Store

	readOnly atomic.Bool
	memory   memwatch.AllocChecker
}

func newShard(t *testing.T) *shard {
	t.Helper()
	logger, _ := logrustest.NewNullLogger()
	s := &shard{t: t, dir: t.TempDir(), indexes: t.TempDir(), logger: logger, memory: memwatch.NewDummyMonitor()}
	s.open()
	t.Cleanup(s.close)
	return s
}

// open loads the store as a shard does, see Shard.initObjectBucket of Weaviate.
func (s *shard) open() {
	s.t.Helper()
	noop := cyclemanager.NewCallbackGroupNoop()
	store, err := lsmkv.New(s.dir, s.dir, s.logger, nil, nil, noop, noop, noop)
	require.NoError(s.t, err)
	require.NoError(s.t, store.CreateOrLoadBucket(context.Background(), helpers.ObjectsBucketLSM,
		lsmkv.WithStrategy(lsmkv.StrategyReplace), lsmkv.WithSecondaryIndices(1),
		lsmkv.WithKeepTombstones(true), lsmkv.WithClassName("Page")))
	s.store = store
}

func (s *shard) close() {
	s.t.Helper()
	require.NoError(s.t, s.store.Shutdown(context.Background()))
}

func (s *shard) bucket() *lsmkv.Bucket { return s.store.Bucket(helpers.ObjectsBucketLSM) }

// flush moves what was written from memory to a segment on disk.
func (s *shard) flush() {
	s.t.Helper()
	require.NoError(s.t, s.bucket().FlushAndSwitch())
}

// openIndex opens the index of the vector "colpali".
func (s *shard) openIndex() *plaid.Index {
	s.t.Helper()
	index, err := plaid.Open(context.Background(), plaid.Shard{
		Store: s.store, TargetVector: "colpali", Class: "Page", Name: "shard", Logger: s.logger,
		Dir:      filepath.Join(s.indexes, "vectors_colpali"+plaid.DirSuffix),
		ReadOnly: s.readOnly.Load, AllocChecker: s.memory,
	})
	require.NoError(s.t, err)
	return index
}

// put stores an object as Weaviate does. An object with the key of an earlier one
// replaces it, under its new document id.
func (s *shard) put(key byte, docID uint64, multiVectors map[string][][]float32) {
	s.t.Helper()
	s.putObject(uuid.UUID{15: key}, docID, multiVectors)
}

func (s *shard) putObject(id uuid.UUID, docID uint64, multiVectors map[string][][]float32) {
	s.t.Helper()
	object := storobj.FromObject(&models.Object{
		Class: "Page", ID: strfmt.UUID(id.String()),
		Properties: map[string]any{"title": fmt.Sprintf("page %d", docID), "page": "aGVsbG8="},
	}, nil, map[string][]float32{"other": {1, 2, 3}}, multiVectors)
	object.DocID = docID
	value, err := object.MarshalBinaryDisk(true)
	require.NoError(s.t, err)
	require.NoError(s.t, s.bucket().Put(id[:], value, lsmkv.WithSecondaryKey(helpers.ObjectsBucketLSMDocIDSecondaryIndex, idKey(docID))))
}

func (s *shard) delete(key byte, docID uint64) {
	s.t.Helper()
	id := uuid.UUID{15: key}
	require.NoError(s.t, s.bucket().Delete(id[:], lsmkv.WithSecondaryKey(helpers.ObjectsBucketLSMDocIDSecondaryIndex, idKey(docID))))
}

func idKey(docID uint64) []byte { return binary.LittleEndian.AppendUint64(nil, docID) }

func colpali(vectors ...[]float32) map[string][][]float32 {
	return map[string][][]float32{"colpali": vectors}
}

func randomRows(r *rand.Rand, rows, dim int) [][]float32 {
	vectors := make([][]float32, rows)
	for i := range vectors {
		vectors[i] = make([]float32, dim)
		for j := range vectors[i] {
			vectors[i][j] = float32(r.NormFloat64())
		}
	}
	return vectors
}
