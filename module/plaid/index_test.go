package plaid_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/common"
	"github.com/weaviate/weaviate/entities/vectorindex/hnsw"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/module/plaid"
	"weaviate-colpali/multivector"
)

var ctx = context.Background()

func search(t *testing.T, index *plaid.Index, query [][]float32, k int, allow helpers.AllowList) ([]uint64, []float32) {
	t.Helper()
	ids, distances, err := index.SearchByMultiVector(ctx, query, k, allow)
	require.NoError(t, err)
	return ids, distances
}

func TestADocumentIsFoundAtTheNegatedScore(t *testing.T) {
	s := newShard(t)
	index := s.openIndex()
	s.put(1, 0, colpali([]float32{1, 0}, []float32{0, 1}))
	s.put(2, 1, colpali([]float32{0.5, 0}))
	require.NoError(t, index.AddMultiBatch(ctx, []uint64{0, 1}, [][][]float32{{{1, 0}, {0, 1}}, {{0.5, 0}}}))

	ids, distances := search(t, index, [][]float32{{1, 0}, {0, 1}}, 10, nil)
	require.Equal(t, []uint64{0, 1}, ids)
	require.Equal(t, []float32{-2, -0.5}, distances)

	ids, _ = search(t, index, [][]float32{{1, 0}}, 1, nil)
	require.Equal(t, []uint64{0}, ids)

	ids, _ = search(t, index, [][]float32{{1, 0}}, 10, helpers.NewAllowList(1, 7))
	require.Equal(t, []uint64{1}, ids)

	ids, _ = search(t, index, [][]float32{{1, 0}}, 10, helpers.NewAllowList())
	require.Empty(t, ids)
}

func TestSearchByDistance(t *testing.T) {
	s := newShard(t)
	for id := range uint64(5) {
		s.put(byte(id), id, colpali([]float32{float32(id)}))
	}
	index := s.openIndex()
	query := [][]float32{{1}}
	for _, test := range []struct {
		maxDistance float32
		limit       int64
		want        []uint64
	}{
		{maxDistance: -3, limit: -1, want: []uint64{4, 3}},
		{maxDistance: -3, limit: 1, want: []uint64{4}},
		{maxDistance: -2.5, limit: 100, want: []uint64{4, 3}},
		{maxDistance: 0, limit: -1, want: []uint64{4, 3, 2, 1, 0}},
		{maxDistance: -5, limit: -1, want: []uint64{}},
		{maxDistance: 0, limit: 0, want: []uint64{}},
	} {
		ids, distances, err := index.SearchByMultiVectorDistance(ctx, query, test.maxDistance, test.limit, nil)
		require.NoError(t, err)
		require.Equal(t, test.want, ids, "%+v", test)
		for i, id := range ids {
			require.InDelta(t, -float32(id), distances[i], 0)
		}
	}
}

// After any sequence of writes and a restart, with the index shut down or not, it
// finds what the store holds and nothing else.
func TestTheIndexEqualsTheStoreAfterARestart(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1, 0}))
	s.put(2, 1, colpali([]float32{2, 0}))
	s.put(3, 2, colpali([]float32{3, 0}))
	s.flush()
	s.put(2, 3, colpali([]float32{4, 0})) // an update has a new document id
	s.delete(3, 2)
	s.put(4, 4, nil)                                            // no page
	s.put(5, 5, map[string][][]float32{"sibling": {{1, 2, 3}}}) // only the other vector
	s.flush()
	s.put(6, 6, colpali([]float32{0.5, 0})) // in memory and its log only

	check := func() {
		index := s.openIndex()
		ids, distances := search(t, index, [][]float32{{1, 0}}, 10, nil)
		require.Equal(t, []uint64{3, 0, 6}, ids)
		require.Equal(t, []float32{-4, -1, -0.5}, distances)
		require.NoError(t, index.Shutdown(ctx))
	}
	check()
	s.close()
	s.open()
	check()
}

func TestWhatAQueueRepeatsChangesNothing(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1}))
	s.put(1, 1, colpali([]float32{2})) // update
	index := s.openIndex()

	// A queue that survived a crash brings everything again, in order.
	require.NoError(t, index.AddMulti(ctx, 0, [][]float32{{1}}))
	require.NoError(t, index.DeleteMulti(0))
	require.NoError(t, index.AddMulti(ctx, 1, [][]float32{{2}}))
	require.NoError(t, index.AddMulti(ctx, 1, [][]float32{{2}}))
	require.NoError(t, index.DeleteMulti(0, 99))

	ids, distances := search(t, index, [][]float32{{1}}, 10, nil)
	require.Equal(t, []uint64{1}, ids)
	require.Equal(t, []float32{-2}, distances)
}

func TestValidateRefusesWhatMustNotBeStored(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1, 0}))
	index := s.openIndex()
	for name, test := range map[string]struct {
		vectors [][]float32
		want    error
	}{
		"nil":              {vectors: nil, want: maxsim.ErrEmpty},
		"empty":            {vectors: [][]float32{}, want: maxsim.ErrEmpty},
		"rows of nothing":  {vectors: [][]float32{{}}, want: maxsim.ErrEmpty},
		"ragged":           {vectors: [][]float32{{1, 2}, {1}}, want: maxsim.ErrRagged},
		"NaN":              {vectors: [][]float32{{1, nan}}, want: maxsim.ErrNotFinite},
		"Inf":              {vectors: [][]float32{{inf, 1}}, want: maxsim.ErrNotFinite},
		"other dimensions": {vectors: [][]float32{{1, 2, 3}}, want: multivector.ErrDimension},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, index.ValidateMultiBeforeInsert(test.vectors), test.want)
			_, _, err := index.SearchByMultiVector(ctx, test.vectors, 1, nil)
			require.ErrorIs(t, err, test.want, "as a query")
			_, _, err = index.SearchByMultiVectorDistance(ctx, test.vectors, 0, 1, nil)
			require.ErrorIs(t, err, test.want, "as a query")
			distancer := index.QueryMultiVectorDistancer(test.vectors)
			_, err = distancer.DistanceToNode(0)
			require.ErrorIs(t, err, test.want, "as a query")
		})
	}
	require.NoError(t, index.ValidateMultiBeforeInsert([][]float32{{1, 2}}))
}

// Weaviate validates and stores a whole batch before it adds any of it.
func TestOfTwoModelsInOneBatchTheFirstIsAdmitted(t *testing.T) {
	index := newShard(t).openIndex()
	require.NoError(t, index.ValidateMultiBeforeInsert([][]float32{{1, 2}}))
	err := index.ValidateMultiBeforeInsert([][]float32{{1, 2, 3}})
	require.ErrorIs(t, err, common.ErrWrongDimensions, "Weaviate's queue gives up on this error only")
	require.EqualError(t, err, "wrong number of dimensions: the vectors have 3, this index was begun with 2")
}

func TestAddRefusesAWholeBatchOrNothing(t *testing.T) {
	index := newShard(t).openIndex()
	require.ErrorIs(t, index.AddMultiBatch(ctx, []uint64{0, 1}, [][][]float32{{{1, 2}}, {{1, 2, 3}}}), common.ErrWrongDimensions)
	require.False(t, index.ContainsDoc(0))
	require.ErrorIs(t, index.AddMulti(ctx, 0, nil), maxsim.ErrEmpty)
	require.ErrorContains(t, index.AddMultiBatch(ctx, []uint64{0}, nil), "1 document ids for 0 multi-vectors")
}

func TestContainsDocAndIterate(t *testing.T) {
	s := newShard(t)
	s.put(1, 10, colpali([]float32{1}))
	s.put(2, 20, colpali([]float32{1}))
	index := s.openIndex()
	require.NoError(t, index.AddMulti(ctx, 15, [][]float32{{1}}))
	require.NoError(t, index.Delete(20))

	var ids []uint64
	index.Iterate(func(id uint64) bool {
		ids = append(ids, id)
		return true
	})
	require.Equal(t, []uint64{10, 15}, ids)
	require.True(t, index.ContainsDoc(15))
	require.False(t, index.ContainsDoc(20))
}

func TestDistancerTakesAnyDocument(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1, 0}))
	index := s.openIndex()
	require.NoError(t, index.DeleteMulti(0))
	distancer := index.QueryMultiVectorDistancer([][]float32{{2, 0}})
	defer distancer.Close()

	distance, err := distancer.DistanceToNode(0)
	require.NoError(t, err)
	require.InDelta(t, -2, distance, 0)
	_, err = distancer.DistanceToNode(1)
	require.ErrorIs(t, err, multivector.ErrNotStored)
}

func TestSingleVectorsAreRefused(t *testing.T) {
	index := newShard(t).openIndex()
	distancer := index.QueryVectorDistancer([]float32{1})
	_, _, searchErr := index.SearchByVector(ctx, []float32{1}, 1, nil)
	_, _, distanceErr := index.SearchByVectorDistance(ctx, []float32{1}, 0, 1, nil)
	_, distancerErr := distancer.DistanceToNode(0)
	for name, err := range map[string]error{
		"Add":                    index.Add(ctx, 0, []float32{1}),
		"AddBatch":               index.AddBatch(ctx, []uint64{0}, [][]float32{{1}}),
		"ValidateBeforeInsert":   index.ValidateBeforeInsert([]float32{1}),
		"SearchByVector":         searchErr,
		"SearchByVectorDistance": distanceErr,
		"QueryVectorDistancer":   distancerErr,
	} {
		require.ErrorIs(t, err, plaid.ErrSingleVector, name)
	}
	require.False(t, index.ContainsDoc(0))
}

func TestUpdateUserConfigCallsBackOnce(t *testing.T) {
	index := newShard(t).openIndex()
	calls := 0
	require.NoError(t, index.UpdateUserConfig(hnsw.NewDefaultUserConfig(), func() { calls++ }))
	require.Equal(t, 1, calls)
}

func TestLifecycleMayBeRepeated(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1}))
	index := s.openIndex()
	require.True(t, index.Multivector())
	require.False(t, index.Compressed())
	require.Equal(t, "none", index.CompressionStats().CompressionType())
	require.Equal(t, common.IndexType("plaid"), index.Type())
	index.PostStartup(ctx)
	index.Preload(0, []float32{1})
	for range 2 {
		require.NoError(t, index.PrepareForBackup(ctx))
		require.NoError(t, index.PrepareForBackup(ctx), "a halt inside of a halt")
		_, err := index.ListFiles(ctx, s.indexes)
		require.NoError(t, err)
		files, err := index.SnapshotMutableFiles(ctx, s.indexes, t.TempDir())
		require.NoError(t, err)
		require.Empty(t, files)
		for range 3 {
			require.NoError(t, index.ResumeAfterBackup(ctx))
		}
		require.NoError(t, index.Flush())
		require.NoError(t, index.Shutdown(ctx))
	}
	for _, keepFiles := range []bool{true, false, false} {
		require.NoError(t, index.Drop(ctx, keepFiles))
		require.False(t, index.ContainsDoc(0))
	}
}

// What a backup is told to copy is what is there, and what is copied opens without
// a look at the objects.
func TestTheListedFilesAreTheIndex(t *testing.T) {
	s := newShard(t)
	index := s.openIndex()
	for id := range uint64(5) {
		s.put(byte(id), id, colpali([]float32{float32(id), 1}))
		require.NoError(t, index.AddMulti(ctx, id, [][]float32{{float32(id), 1}}))
	}
	require.NoError(t, index.Shutdown(ctx))

	index = s.openIndex()
	require.NoError(t, index.PrepareForBackup(ctx))
	files, err := index.ListFiles(ctx, s.indexes)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join("vectors_colpali.plaid.d", "00000001.vectors")}, files)
	for _, file := range files {
		info, err := os.Stat(filepath.Join(s.indexes, file))
		require.NoError(t, err)
		require.Positive(t, info.Size(), "Weaviate copies no empty files")
	}
	require.NoError(t, index.ResumeAfterBackup(ctx))

	require.NoError(t, index.Drop(ctx, true))
	require.FileExists(t, filepath.Join(s.indexes, files[0]))
	index = s.openIndex()
	require.NoError(t, index.Drop(ctx, false))
	require.NoDirExists(t, filepath.Join(s.indexes, "vectors_colpali.plaid.d"))
}

func TestAClosedStoreIsAnErrorAndNoPanic(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1}))
	index := s.openIndex()
	s.close()
	_, _, err := index.SearchByMultiVector(ctx, [][]float32{{1}}, 1, nil)
	require.ErrorContains(t, err, "closed")
	_, err = plaid.Open(ctx, plaid.Shard{Store: s.store, Class: "Page", Name: "shard", Logger: s.logger, AllocChecker: s.memory})
	require.ErrorContains(t, err, `shard "shard" of "Page"`)
	s.open()
}

func TestOpenCanBeCancelled(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1}))
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := plaid.Open(cancelled, plaid.Shard{Store: s.store, Logger: s.logger, AllocChecker: s.memory})
	require.ErrorIs(t, err, context.Canceled)
}

// Random writes, flushes and restarts against a map and brute force.
func TestModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			dim := 1 + r.IntN(24)
			s := newShard(t)
			index := s.openIndex()
			type object struct {
				docID   uint64
				vectors [][]float32 // nil: none
			}
			stored := map[byte]object{}
			var next uint64

			for range 150 {
				key := byte(r.IntN(12))
				old, exists := stored[key]
				switch r.IntN(8) {
				case 0, 1, 2, 3: // a new object or an update
					o := object{docID: next}
					next++
					if r.IntN(5) > 0 {
						o.vectors = randomRows(r, 1+r.IntN(9), dim)
						require.NoError(t, index.ValidateMultiBeforeInsert(o.vectors))
						s.put(key, o.docID, map[string][][]float32{"colpali": o.vectors, "sibling": {{1}}})
					} else {
						s.put(key, o.docID, nil)
					}
					if exists {
						require.NoError(t, index.DeleteMulti(old.docID))
					}
					if o.vectors != nil {
						require.NoError(t, index.AddMulti(ctx, o.docID, o.vectors))
					}
					stored[key] = o
				case 4:
					if exists {
						s.delete(key, old.docID)
						require.NoError(t, index.DeleteMulti(old.docID))
						delete(stored, key)
					}
				case 5:
					s.flush()
				case 6:
					s.close()
					s.open()
					index = s.openIndex()
				case 7:
					query := randomRows(r, 1+r.IntN(5), dim)
					type hit struct {
						id       uint64
						distance float32
					}
					var want []hit
					for _, o := range stored {
						if o.vectors != nil {
							want = append(want, hit{o.docID, -referenceScore(t, query, o.vectors)})
						}
					}
					slices.SortFunc(want, func(a, b hit) int {
						return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.id, b.id))
					})
					k := r.IntN(8)
					want = want[:min(k, len(want))]
					ids, distances := search(t, index, query, k, nil)
					require.Len(t, ids, len(want))
					for i, hit := range want {
						require.Equal(t, hit.id, ids[i])
						require.InDelta(t, hit.distance, distances[i], 0)
					}
				}
			}
		})
	}
}

// referenceScore scores with maxsim, which has its own float64 reference: what is
// checked here is that the stored numbers reach it unchanged.
func referenceScore(t *testing.T, query, vectors [][]float32) float32 {
	t.Helper()
	q, err := maxsim.FromRows(query)
	require.NoError(t, err)
	packed, err := maxsim.NewQuery(q)
	require.NoError(t, err)
	doc, err := maxsim.FromRows(vectors)
	require.NoError(t, err)
	return packed.Score(doc)
}

func TestASearchIsCancelled(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1}))
	index := s.openIndex()
	cancelled, cancel := context.WithCancelCause(ctx)
	reason := errors.New("the client went away")
	cancel(reason)
	_, _, err := index.SearchByMultiVector(cancelled, [][]float32{{1}}, 1, nil)
	require.ErrorIs(t, err, reason)
}
