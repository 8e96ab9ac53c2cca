package plaid_test

import (
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	enterrors "github.com/weaviate/weaviate/entities/errors"
	"github.com/weaviate/weaviate/usecases/memwatch"
)

// scarce is a machine whose memory has so many bytes left.
type scarce struct {
	memwatch.AllocChecker
	left atomic.Int64
}

func (s *scarce) CheckAlloc(bytes int64) error {
	if bytes > s.left.Load() {
		return enterrors.ErrNotEnoughMemory
	}
	return nil
}

func TestAddIsRefusedWhereMemoryIsScarce(t *testing.T) {
	s := newShard(t)
	memory := &scarce{}
	memory.left.Store(2*5 - 1)
	s.memory = memory
	index := s.openIndex()
	s.put(1, 7, colpali([]float32{1, 0}))
	err := index.AddMulti(ctx, 7, [][]float32{{1, 0}})
	require.ErrorIs(t, err, enterrors.ErrNotEnoughMemory)
	require.True(t, enterrors.IsTransient(err), "Weaviate's queue tries again")
	ids, _ := search(t, index, [][]float32{{1, 0}}, 1, nil)
	require.Equal(t, []uint64{7}, ids, "what is stored is found")

	memory.left.Store(2 * 5)
	require.NoError(t, index.AddMulti(ctx, 7, [][]float32{{1, 0}}))
	require.NoError(t, index.AddMultiBatch(ctx, []uint64{7}, [][][]float32{{{1, 0}}}), "what a queue repeats")
}

func TestAReadOnlyShardIsSearchedAndNotWritten(t *testing.T) {
	s := newShard(t)
	index := s.openIndex()
	s.put(1, 0, colpali([]float32{1, 0}))
	require.NoError(t, index.AddMulti(ctx, 0, [][]float32{{1, 0}}))
	s.readOnly.Store(true)
	ids, _ := search(t, index, [][]float32{{1, 0}}, 1, nil)
	require.Equal(t, []uint64{0}, ids)
	require.NoError(t, index.Shutdown(ctx))
	files, err := s.openIndex().ListFiles(ctx, s.indexes)
	require.NoError(t, err)
	require.Empty(t, files)
}

// What is put off is no failure, and what it leaves to do is shown.
func TestMetricsWhereMemoryIsScarceAndTheShardIsReadOnly(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	memory := &scarce{}
	s.memory = memory
	s.readOnly.Store(true)
	index := s.openAs("Scarce", "one", "colpali", metrics, "")
	require.Equal(t, map[string]float64{"Scarce one": 0}, gather(t, prometheus.DefaultGatherer, "Scarce")["vector_index_size"].series)
	s.put(1, 7, colpali([]float32{1, 0}))
	require.Error(t, index.AddMulti(ctx, 7, [][]float32{{1, 0}}))
	require.Equal(t, map[string]float64{"Scarce one": 1}, gather(t, prometheus.DefaultGatherer, "Scarce")["vector_index_size"].series)

	shown := func(waiting, inMemory float64) {
		t.Helper()
		ours := gather(t, registry, "Scarce")
		for name, want := range map[string]float64{
			"vector_index_plaid_documents": 1, "vector_index_plaid_files": 0,
			"vector_index_plaid_documents_waiting": waiting, "vector_index_plaid_documents_in_memory": inMemory,
		} {
			require.Equal(t, map[string]float64{"Scarce one colpali": want}, ours[name].series, name)
		}
		for labels, failures := range ours["vector_index_plaid_background_failures_total"].series {
			require.Zero(t, failures, labels)
		}
	}
	shown(1, 0)
	s.readOnly.Store(false) // memory alone
	search(t, index, [][]float32{{1, 0}}, 1, nil)
	shown(1, 0)

	memory.left.Store(2 * 5)
	require.NoError(t, index.AddMulti(ctx, 7, [][]float32{{1, 0}}))
	shown(0, 1)
	require.Equal(t, map[string]float64{"Scarce create one": 1, "Scarce delete one": 0},
		gather(t, prometheus.DefaultGatherer, "Scarce")["vector_index_operations"].series, "what was refused is not counted twice")
}
