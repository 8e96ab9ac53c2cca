package multivector

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

// memory is a Source that holds multi-vectors in a map.
type memory struct {
	mu      sync.RWMutex
	stored  map[uint64]maxsim.Matrix
	records map[uint64][]byte
	reads   atomic.Int64
	open    atomic.Int64 // views not closed
	viewErr error
	readErr error
	onRead  func(id uint64)
}

func newMemory() *memory {
	return &memory{stored: map[uint64]maxsim.Matrix{}, records: map[uint64][]byte{}}
}

func (m *memory) View() (View, error) {
	if m.viewErr != nil {
		return nil, m.viewErr
	}
	m.open.Add(1)
	return m, nil
}

func (m *memory) Close() { m.open.Add(-1) }

// Vectors finds a document's record and leaves it where it is. Records are replaced, and
// never changed.
func (m *memory) Vectors(_ context.Context, id uint64, _ *Buffer) (maxsim.Strided, error) {
	m.reads.Add(1)
	if m.onRead != nil {
		m.onRead(id)
	}
	if m.readErr != nil {
		return maxsim.Strided{}, m.readErr
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	vectors, ok := m.stored[id]
	if !ok {
		return maxsim.Strided{}, ErrNotStored
	}
	if vectors.Rows() == 0 {
		return maxsim.Strided{}, nil
	}
	return maxsim.Strided{Data: m.records[id][2:], Dim: vectors.Dim, Stride: 4*vectors.Dim + 2}, nil
}

func (m *memory) put(id uint64, vectors maxsim.Matrix) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stored[id] = vectors
	m.records[id] = record(vectors)
}

// record is vectors as in an object of Weaviate, with two bytes before each row.
func record(vectors maxsim.Matrix) []byte {
	bytes := make([]byte, 0, 4*len(vectors.Data)+2*vectors.Rows())
	for i := range vectors.Rows() {
		bytes = append(bytes, 0xff, 0xff)
		for _, x := range vectors.Row(i) {
			bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(x))
		}
	}
	return bytes
}

func (m *memory) remove(id uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.stored, id)
}

// documents is stored documents, as a caller adds them.
func (m *memory) documents(ids ...uint64) []Document {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var documents []Document
	for _, id := range ids {
		documents = append(documents, Document{ID: id, Vectors: m.stored[id]})
	}
	return documents
}

// documentsOf is documents that are stored nowhere.
func documentsOf(dim int, ids ...uint64) []Document {
	var documents []Document
	for _, id := range ids {
		documents = append(documents, Document{ID: id, Vectors: maxsim.Matrix{Data: make([]float32, dim), Dim: dim}})
	}
	return documents
}

// newIndex is an index in memory whose background does nothing by itself; see
// settle.
func newIndex(t testing.TB, source Source, stored ...uint64) *Index {
	t.Helper()
	x, err := Open(Options{Source: source, Stored: stored, idle: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close(context.Background())) })
	return x
}

// settle does everything that is due in the background.
func settle(t testing.TB, x *Index) {
	t.Helper()
	for x.step(context.Background()) {
	}
}

// bruteForce is what a search must answer.
func (m *memory) bruteForce(query *maxsim.Query, live []uint64, k int, filter Filter, minScore *float32) []Result {
	var results []Result
	for _, id := range live {
		vectors, ok := m.stored[id]
		if !ok || filter != nil && !filter.Contains(id) {
			continue
		}
		score := query.Score(vectors)
		if minScore == nil || score >= *minScore {
			results = append(results, Result{ID: id, Score: score})
		}
	}
	slices.SortFunc(results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return results[:min(k, len(results))]
}

type idSet map[uint64]bool

func (s idSet) Contains(id uint64) bool { return s[id] }

func (s idSet) Len() (n int) {
	for id := range s {
		if s[id] {
			n++
		}
	}
	return n
}

func (s idSet) Each(f func(id uint64)) {
	for id := range s {
		if s[id] {
			f(id)
		}
	}
}

// listOnly is a filter that must not be asked of single documents.
type listOnly struct{ idSet }

func (listOnly) Contains(id uint64) bool { panic(fmt.Sprint("asked of document ", id)) }

func matrix(dim int, numbers ...float32) maxsim.Matrix {
	return maxsim.Matrix{Data: numbers, Dim: dim}
}

func randomMatrix(r *rand.Rand, rows, dim int) maxsim.Matrix {
	m := maxsim.Matrix{Data: make([]float32, rows*dim), Dim: dim}
	for i := range m.Data {
		m.Data[i] = float32(r.NormFloat64())
	}
	return m
}

func pack(t testing.TB, m maxsim.Matrix) *maxsim.Query {
	t.Helper()
	q, err := maxsim.NewQuery(m)
	require.NoError(t, err)
	return q
}

func TestSearchRanksByScoreThenID(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	index := newIndex(t, source)
	for id, number := range map[uint64]float32{7: 1, 3: 2, 5: 2, 9: -1} {
		source.put(id, matrix(1, number))
		require.NoError(t, index.Add(ctx, source.documents(id)...))
	}
	query := pack(t, matrix(1, 1))

	got, err := index.Search(ctx, query, 3, SearchOptions{})
	require.NoError(t, err)
	require.Equal(t, []Result{{3, 2}, {5, 2}, {7, 1}}, got)

	var trace Trace
	least := float32(1)
	got, err = index.Search(ctx, query, 10, SearchOptions{
		Filter: idSet{3: true, 7: true, 9: true, 100: true}, MinScore: &least, Trace: &trace,
	})
	require.NoError(t, err)
	require.Equal(t, []Result{{3, 2}, {7, 1}}, got)
	require.Equal(t, Trace{Candidates: 3, Reranked: 3, Scored: 2, Certified: true}, trace)

	for _, k := range []int{0, -1} {
		got, err = index.Search(ctx, query, k, SearchOptions{})
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

// Among documents that 8-bit codes cannot tell apart, an answer that is called
// certified is that of brute force all the same, at every precision.
func TestCertifiedAnswersAreExactAtEveryPrecision(t *testing.T) {
	r := rand.New(rand.NewPCG(81, 82))
	source := newMemory()
	base := randomMatrix(r, 4, 32)
	var ids []uint64
	for id := range uint64(100) {
		near := maxsim.Matrix{Dim: 32}
		for _, x := range base.Data {
			near.Data = append(near.Data, x+1e-3*float32(r.NormFloat64()))
		}
		source.put(id, near)
		ids = append(ids, id)
	}
	index := newIndex(t, source)
	require.NoError(t, index.Add(context.Background(), source.documents(ids...)...))
	for range 20 {
		query := pack(t, randomMatrix(r, 5, 32))
		for _, precision := range []Precision{Fast, Balanced, Exact} {
			var trace Trace
			got, err := index.Search(context.Background(), query, 3, SearchOptions{Precision: precision, Trace: &trace})
			require.NoError(t, err)
			require.True(t, trace.Certified, "few enough to look at all of them")
			require.Equal(t, source.bruteForce(query, ids, 3, nil, nil), got)
		}
	}
}

func TestAnEmptyIndexFindsNothing(t *testing.T) {
	source := newMemory()
	got, err := newIndex(t, source).Search(context.Background(), pack(t, matrix(2, 1, 0)), 5, SearchOptions{})
	require.NoError(t, err)
	require.Empty(t, got)
	require.Zero(t, source.open.Load())
}

func TestAddAndDeleteAreIdempotent(t *testing.T) {
	ctx := context.Background()
	index := newIndex(t, newMemory())
	require.NoError(t, index.Add(ctx, documentsOf(2, 1, 2)...))
	require.NoError(t, index.Add(ctx, documentsOf(2, 2, 3)...))
	require.Equal(t, 3, index.Len())

	index.Delete(2, 2, 99)
	index.Delete(2)
	require.False(t, index.Contains(2))
	require.True(t, index.Contains(3))

	var ids []uint64
	index.IDs(func(id uint64) bool {
		ids = append(ids, id)
		index.Delete(3) // may change meanwhile
		return true
	})
	require.Equal(t, []uint64{1, 3}, ids)

	ids = nil
	index.IDs(func(id uint64) bool {
		ids = append(ids, id)
		return false
	})
	require.Equal(t, []uint64{1}, ids)
}

// While a search looks at its snapshot, documents move from the backlog into parts
// that the snapshot does not have.
func TestASnapshotKeepsDocumentsThatAreReadMeanwhile(t *testing.T) {
	source, stored := newMemory(), []uint64{}
	for id := range uint64(catchUpBatch + 10) {
		source.put(id, matrix(1, float32(id)))
		stored = append(stored, id)
	}
	x, err := Open(Options{Source: source, Stored: stored, idle: true})
	require.NoError(t, err)
	before := x.acquire()
	defer before.release()
	require.True(t, x.step(context.Background()))
	require.Equal(t, 10, x.pending.left())
	require.Len(t, before.candidates(nil).pending, len(stored))

	between := x.acquire()
	defer between.release()
	require.NoError(t, x.Add(context.Background(), source.documents(stored...)...))
	require.Equal(t, len(stored), between.candidates(nil).count())
	require.Len(t, before.candidates(nil).pending, len(stored))
	require.Zero(t, x.pending.left())
	require.Equal(t, len(stored), x.acquire().candidates(nil).count())
}

// Where a filter lets few documents through, they are looked up, wherever they are.
func TestATightFilterIsAskedForWhatItLetsThrough(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	var ids []uint64
	for id := range uint64(200) {
		source.put(id, matrix(1, float32(id)))
		ids = append(ids, id)
	}
	x, err := Open(Options{Source: source, Stored: ids[:100], idle: true}) // these wait
	require.NoError(t, err)
	require.NoError(t, x.Add(ctx, source.documents(ids[100:]...)...))
	x.Delete(7, 150)

	var trace Trace
	tight := listOnly{idSet{3: true, 7: true, 120: true, 150: true, 180: true, 900: true, 4: false}}
	got, err := x.Search(ctx, pack(t, matrix(1, 1)), 10, SearchOptions{Filter: tight, Trace: &trace})
	require.NoError(t, err)
	require.Equal(t, []Result{{180, 180}, {120, 120}, {3, 3}}, got)
	require.Equal(t, 3, trace.Candidates)
	require.True(t, trace.Certified)
}

func TestDeletedAndVectorlessDocumentsArePassedOver(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	source.put(1, matrix(2, 1, 0))
	source.put(2, maxsim.Matrix{})
	source.put(4, matrix(2, 0.5, 0))
	source.put(5, matrix(3, 9, 9, 9))           // let in by another replica
	index := newIndex(t, source, 1, 2, 3, 4, 5) // 3 was deleted

	var trace Trace
	got, err := index.Search(ctx, pack(t, matrix(2, 1, 0)), 10, SearchOptions{Trace: &trace})
	require.NoError(t, err)
	require.Equal(t, []Result{{1, 1}, {4, 0.5}}, got)
	require.Equal(t, Trace{Candidates: 5, Scored: 2, Missing: 3, Certified: true}, trace)

	require.False(t, index.Contains(2), "a document without vectors is none of this index")
	require.True(t, index.Contains(3), "only a deletion takes out what the source has lost")
}

func TestTheFirstDocumentDecidesTheDimensions(t *testing.T) {
	ctx := context.Background()
	index := newIndex(t, newMemory())
	require.NoError(t, index.Admit(ctx, 128))
	err := index.Admit(ctx, 64)
	require.ErrorIs(t, err, ErrDimension)
	require.ErrorContains(t, err, "64")
	require.ErrorContains(t, err, "128")
	require.ErrorIs(t, index.Add(ctx, documentsOf(64, 1)...), ErrDimension)
	require.False(t, index.Contains(1))
	require.NoError(t, index.Add(ctx, documentsOf(128, 1)...))
}

func TestOfManyFirstWritersOneDecides(t *testing.T) {
	index := newIndex(t, newMemory())
	var admitted sync.Map
	var writers sync.WaitGroup
	for dim := 1; dim <= 16; dim++ {
		for range 4 {
			writers.Go(func() {
				if index.Admit(context.Background(), dim) == nil {
					admitted.Store(dim, true)
				}
			})
		}
	}
	writers.Wait()
	var dims []int
	admitted.Range(func(dim, _ any) bool {
		dims = append(dims, dim.(int))
		return true
	})
	require.Len(t, dims, 1)
}

func TestALoadedIndexAsksTheSourceForItsDimensionsOnce(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	source.put(1, maxsim.Matrix{})
	source.put(3, matrix(2, 1, 0))
	index := newIndex(t, source, 1, 2, 3)
	require.Zero(t, source.reads.Load(), "opening reads nothing")

	for range 3 {
		dim, err := index.Dim(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, dim)
	}
	require.EqualValues(t, 3, source.reads.Load())
	require.False(t, index.Contains(1))
	require.ErrorIs(t, index.Admit(ctx, 3), ErrDimension)
	require.Zero(t, source.open.Load())
}

func TestAQueryOfOtherDimensionsIsRefused(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	source.put(1, matrix(2, 1, 0))
	index := newIndex(t, source)
	require.NoError(t, index.Add(ctx, source.documents(1)...))
	_, err := index.Search(ctx, pack(t, matrix(3, 1, 0, 0)), 1, SearchOptions{})
	require.ErrorIs(t, err, ErrDimension)
	require.ErrorContains(t, err, "the query has 3, the documents of the index have 2")
}

func TestARecallThatIsNoShareIsRefused(t *testing.T) {
	index := newIndex(t, newMemory())
	require.NoError(t, index.Add(context.Background(), documentsOf(2, 1)...))
	for _, recall := range []float64{1, 1.01, 99, -0.5, math.NaN(), math.Inf(1)} {
		_, err := index.Search(context.Background(), pack(t, matrix(2, 1, 0)), 1, SearchOptions{Recall: recall})
		require.ErrorContains(t, err, `a recall must be above 0 and below 1, got `+fmt.Sprint(recall))
		require.ErrorContains(t, err, `the precision "exact" for every result`)
	}
}

func TestScoreTakesAnyStoredDocument(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	source.put(1, matrix(2, 3, 0))
	source.put(2, maxsim.Matrix{})
	source.put(4, matrix(1, 3))
	index := newIndex(t, source)
	query := pack(t, matrix(2, 1, 0))

	score, err := index.Score(ctx, query, 1)
	require.NoError(t, err)
	require.InDelta(t, 3, score, 0)

	for _, id := range []uint64{2, 3} {
		_, err = index.Score(ctx, query, id)
		require.ErrorIs(t, err, ErrNotStored)
		require.ErrorContains(t, err, fmt.Sprintf("document %d", id))
	}
	_, err = index.Score(ctx, query, 4)
	require.ErrorIs(t, err, ErrDimension)
	require.Zero(t, source.open.Load())
}

func TestErrorsOfTheSourceReachTheCaller(t *testing.T) {
	ctx := context.Background()
	broken := errors.New("broken disk")
	query := pack(t, matrix(1, 1))
	calls := map[string]func(*Index) error{
		"search": func(x *Index) error { _, err := x.Search(ctx, query, 1, SearchOptions{}); return err },
		"score":  func(x *Index) error { _, err := x.Score(ctx, query, 1); return err },
		"admit":  func(x *Index) error { return x.Admit(ctx, 1) },
	}
	for name, call := range calls {
		t.Run(name+"/view", func(t *testing.T) {
			source := newMemory()
			source.viewErr = broken
			index := newIndex(t, source, 1)
			require.ErrorIs(t, call(index), broken)
		})
		t.Run(name+"/read", func(t *testing.T) {
			source := newMemory()
			source.readErr = broken
			index := newIndex(t, source, 1)
			err := call(index)
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "document 1")
			require.Zero(t, source.open.Load())
		})
	}
}

func TestASearchFailsWithTheErrorOfTheDocument(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	index := newIndex(t, source)
	for id := range uint64(100) {
		source.put(id, matrix(1, 1))
	}
	require.NoError(t, index.Add(ctx, source.documents(50)...))
	_, err := index.Search(ctx, pack(t, matrix(1, 1)), 1, SearchOptions{})
	require.NoError(t, err)

	source.readErr = errors.New("broken disk")
	_, err = index.Search(ctx, pack(t, matrix(1, 1)), 1, SearchOptions{})
	require.ErrorIs(t, err, source.readErr)
	require.ErrorContains(t, err, "document 50")
}

func TestASearchCanBeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	source := newMemory()
	index := newIndex(t, source)
	const documents = 1000
	for id := range uint64(documents) {
		source.put(id, matrix(1, 1))
		require.NoError(t, index.Add(ctx, source.documents(id)...))
	}
	source.onRead = func(uint64) { cancel() }
	_, err := index.Search(ctx, pack(t, matrix(1, 1)), 1, SearchOptions{})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, source.reads.Load(), int64(documents), "the rest was not read")
	require.Zero(t, source.open.Load())
}

// Random operations against a map and brute force.
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			ctx := context.Background()
			r := rand.New(rand.NewPCG(seed, 11))
			dim := 1 + r.IntN(40)
			source := newMemory()
			index := newIndex(t, source)
			live := map[uint64]bool{}
			var next uint64

			for range 300 {
				switch r.IntN(6) {
				case 0, 1, 2: // a new document
					source.put(next, randomMatrix(r, 1+r.IntN(12), dim))
					require.NoError(t, index.Add(ctx, source.documents(next)...))
					live[next] = true
					next++
				case 3: // a deletion
					id := r.Uint64N(next + 1)
					index.Delete(id)
					source.remove(id)
					delete(live, id)
				case 4: // a restart
					var ids []uint64
					for id := range source.stored {
						ids = append(ids, id)
					}
					index = newIndex(t, source, ids...)
				case 5: // a search
					query := pack(t, randomMatrix(r, 1+r.IntN(9), dim))
					options := SearchOptions{Trace: &Trace{}}
					if r.IntN(2) == 0 {
						filter := idSet{}
						for id := range next {
							filter[id] = r.IntN(3) == 0
						}
						options.Filter = filter
					}
					if r.IntN(3) == 0 {
						least := float32(r.NormFloat64())
						options.MinScore = &least
					}
					var ids []uint64
					for id := range live {
						ids = append(ids, id)
					}
					k := r.IntN(20)
					got, err := index.Search(ctx, query, k, options)
					require.NoError(t, err)
					want := source.bruteForce(query, ids, k, options.Filter, options.MinScore)
					require.Len(t, got, len(want))
					for i := range want {
						require.Equal(t, want[i], got[i])
					}
					require.True(t, options.Trace.Certified)
				}
			}
			require.Equal(t, len(live), index.Len())
			require.Zero(t, source.open.Load())
		})
	}
}

// Searches, additions and deletions at once; a search must find what was there
// before it began and was never deleted.
func TestConcurrentUse(t *testing.T) {
	ctx := context.Background()
	source := newMemory()
	index := newIndex(t, source)
	const stable = 50
	for id := range uint64(stable) {
		source.put(id, matrix(2, 1, float32(id)))
		require.NoError(t, index.Add(ctx, source.documents(id)...))
	}
	var users sync.WaitGroup
	for writer := range uint64(4) {
		users.Go(func() {
			for i := range uint64(100) {
				id := 1000*(writer+1) + i
				source.put(id, matrix(2, -1, -1))
				_ = index.Add(ctx, source.documents(id)...)
				if i%2 == 0 {
					source.remove(id)
					index.Delete(id)
				}
			}
		})
	}
	query := pack(t, matrix(2, 0, 1))
	for range 4 {
		users.Go(func() {
			for range 30 {
				got, err := index.Search(ctx, query, 3, SearchOptions{})
				if err != nil || len(got) != 3 || got[0] != (Result{stable - 1, stable - 1}) {
					t.Errorf("got %v, %v", got, err)
					return
				}
				index.IDs(func(uint64) bool { return true })
			}
		})
	}
	users.Wait()
	require.Equal(t, stable+4*50, index.Len())
	require.Zero(t, source.open.Load())
}

func TestADocumentThatIsDeletedWhileItIsReadStaysDeleted(t *testing.T) {
	source, r := newMemory(), rand.New(rand.NewPCG(91, 92))
	for id := range uint64(3) {
		source.put(id, randomMatrix(r, 3, 8))
	}
	x := newIndex(t, source, 0, 1, 2)
	_, err := x.Dim(context.Background()) // so that no document is read to find out
	require.NoError(t, err)
	source.onRead = func(id uint64) {
		if id == 1 {
			x.Delete(id)
		}
	}
	settle(t, x)
	require.Equal(t, []uint64{0, 2}, slices.Collect(x.IDs))
	require.False(t, x.Contains(1))
}

// settling is a source at which a search looks right after the background has done
// everything.
type settling struct {
	*memory
	before func()
}

func (s *settling) View() (View, error) {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.memory.View()
}

func TestASearchFindsWhatTheBackgroundReadsMeanwhile(t *testing.T) {
	source, r := &settling{memory: newMemory()}, rand.New(rand.NewPCG(93, 94))
	for id := range uint64(20) {
		source.put(id, randomMatrix(r, 3, 8))
	}
	x := newIndex(t, source, slices.Collect(maps.Keys(source.stored))...)
	_, err := x.Dim(context.Background())
	require.NoError(t, err)
	source.before = func() { settle(t, x) }
	requireBruteForce(t, source.memory, x, r)
	require.Nil(t, source.before)
	require.Zero(t, x.pending.left())
}
