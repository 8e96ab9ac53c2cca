package multivector

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/format"
	"weaviate-colpali/multivector/internal/vfs/faultfs"
)

// worlds is how many times TestModelOnDisk begins anew, with 250 operations each.
var worlds = flag.Int("worlds", 40, "worlds of the model test, of 250 random operations each")

// damages is how many ways TestDamageIsNoticedAndMended damages each file.
var damages = flag.Int("damages", 40, "ways to damage each file")

// low makes everything happen among a few dozen documents.
var low = limits{
	rerankAll:      10,
	listShare:      3,
	fast:           4,
	balanced:       8,
	trainDocuments: 20,
	retrainGrowth:  3,
	driftCosine:    0.02,
	driftShare:     0.25,
	strangeCosine:  0.1,
	strangeShare:   0.1,
	centroids:      func(int) int { return 16 },
	sampleRows:     500,
	postings:       30,
	headDocuments:  8,
	headBytes:      1 << 20,
	mergeDocuments: 60,
	smallFiles:     3,
	deadShare:      0.2,
	rest:           time.Millisecond,
	longestRest:    4 * time.Millisecond,
}

// world is an index on a disk that can fail, beside what it must be like.
type world struct {
	t      *testing.T
	r      *rand.Rand
	dim    int
	disk   *faultfs.FS
	source *memory
	index  *Index
	next   uint64

	observer Observer
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 99))
	w := &world{t: t, r: r, dim: []int{8, 16, 5}[r.IntN(3)], disk: faultfs.New(), source: newMemory()}
	w.open()
	return w
}

// open opens the index as after a start: the source says what is stored.
func (w *world) open() {
	w.t.Helper()
	var err error
	w.index, err = Open(Options{
		Source: w.source, Stored: slices.Collect(maps.Keys(w.source.stored)), fs: w.disk, idle: true, limits: &low,
		Observer: w.observer,
	})
	require.NoError(w.t, err)
}

func (w *world) add(n int) {
	w.t.Helper()
	var ids []uint64
	for range n {
		w.source.put(w.next, randomMatrix(w.r, 1+w.r.IntN(9), w.dim))
		ids = append(ids, w.next)
		w.next++
	}
	require.NoError(w.t, w.index.Add(context.Background(), w.source.documents(ids...)...))
}

func (w *world) delete() {
	id := w.r.Uint64N(w.next + 1)
	w.source.remove(id)
	w.index.Delete(id)
}

// steps lets the background do some of what is due.
func (w *world) steps(n int) {
	for range n {
		if !w.index.step(context.Background()) {
			return
		}
	}
}

// check compares searches with brute force over what is stored, and the folder with what
// the index says of it.
func (w *world) check() {
	w.t.Helper()
	require.Equal(w.t, withoutCodebooks(w.index.Files()), w.lying(), "no file is missing or forgotten")
	live := slices.Collect(maps.Keys(w.source.stored))
	require.Equal(w.t, slices.Sorted(slices.Values(live)), slices.Collect(w.index.IDs))
	query, k := pack(w.t, randomMatrix(w.r, 1+w.r.IntN(6), w.dim)), 1+w.r.IntN(12)
	for _, filter := range []Filter{nil, w.filter()} {
		want := w.source.bruteForce(query, live, k, filter, nil)
		var trace Trace
		got, err := w.index.Search(context.Background(), query, k, SearchOptions{Filter: filter, Precision: Exact, Trace: &trace})
		require.NoError(w.t, err)
		require.Equal(w.t, want, got)
		require.True(w.t, trace.Certified)

		all := w.source.bruteForce(query, live, len(live), filter, nil)
		for _, precision := range []Precision{Balanced, Fast} {
			got, err = w.index.Search(context.Background(), query, k, SearchOptions{Filter: filter, Precision: precision, Trace: &trace})
			require.NoError(w.t, err)
			if trace.Certified {
				require.Equal(w.t, want, got)
			}
			// Whatever it found has its exact score.
			for _, result := range got {
				require.Contains(w.t, all, result)
			}
		}
	}
}

// lying is the names of the files that lie in the folder, but for those that were set aside.
func (w *world) lying() []string {
	w.t.Helper()
	names, err := w.disk.List(".")
	require.NoError(w.t, err)
	return withoutCodebooks(slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) == damagedSuffix }))
}

// withoutCodebooks leaves out what stays for documents in memory, too.
func withoutCodebooks(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) == "."+string(format.KindCodebook) })
}

func (w *world) filter() Filter {
	filter := idSet{}
	for id := range w.next {
		filter[id] = w.r.IntN(3) == 0
	}
	return filter
}

// do is one random operation.
func (w *world) do() {
	w.t.Helper()
	switch w.r.IntN(11) {
	case 0, 1, 2:
		w.add(1 + w.r.IntN(4))
	case 3:
		w.delete()
	case 4, 5:
		w.steps(1 + w.r.IntN(3))
	case 6:
		w.check()
	case 7:
		w.repeat()
	case 8: // a restart
		require.NoError(w.t, w.index.Close(context.Background()))
		w.open()
	case 9: // a power cut
		w.disk = w.disk.Crash(w.r)
		w.open()
	case 10: // a power cut while files are written
		w.disk.FailFrom(1+w.r.IntN(12), errDisk)
		w.add(4)
		w.steps(5)
		w.disk = w.disk.Crash(w.r)
		w.open()
	}
}

// repeat adds what was added before, as a queue does after a crash.
func (w *world) repeat() {
	for id := range w.source.stored {
		require.NoError(w.t, w.index.Add(context.Background(), w.source.documents(id)...))
		return
	}
}

// Random operations, restarts and power cuts. After each, the index is what is
// stored.
func TestModelOnDisk(t *testing.T) {
	for seed := range uint64(*worlds) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(t, seed)
			for range 250 {
				w.do()
			}
			w.check()
			w.steps(100)
			w.check()
		})
	}
}

// Weaviate may shut a shard down while a backup has its files.
func TestAnIndexWhoseFilesAreHeldCanBeClosed(t *testing.T) {
	ctx := context.Background()
	for _, end := range map[string]func(x *Index) error{
		"close":   func(x *Index) error { return x.Close(ctx) },
		"discard": (*Index).Discard,
	} {
		x, err := Open(Options{Source: newMemory(), Dir: t.TempDir()})
		require.NoError(t, err)
		x.Hold()
		require.NoError(t, x.Add(ctx, documentsOf(2, 1)...)) // wakes the worker
		require.NoError(t, end(x))
		x.Resume()
		require.ErrorIs(t, x.Add(ctx, documentsOf(2, 2)...), ErrClosed)
	}
}

var errDisk = errors.New("the disk failed")

// Every operation on files fails once, at every point of a workload.
func TestEveryOperationOnFilesFails(t *testing.T) {
	workload := func(w *world) {
		for range 30 {
			w.add(2)
			w.delete()
			w.steps(2)
		}
		w.steps(50)
		require.NoError(w.t, errOrFault(w.index.Close(context.Background())))
	}
	count := newWorld(t, 7)
	workload(count)
	operations := count.disk.Operations()
	require.Greater(t, operations, 100)
	for n := 1; n <= operations; n++ {
		w := newWorld(t, 7)
		w.disk.FailAt(n, errDisk)
		workload(w)
		w.disk.FailAt(0, nil)
		w.open()
		w.check()
		w.steps(100)
		w.check()
	}
}

func errOrFault(err error) error {
	if errors.Is(err, errDisk) {
		return nil
	}
	return err
}

// Every kind of file is damaged in many ways. The index notices, goes on exactly,
// and mends itself.
func TestDamageIsNoticedAndMended(t *testing.T) {
	built := newWorld(t, 3)
	for range 30 {
		built.add(2)
		built.steps(3)
	}
	require.NoError(t, built.index.Close(context.Background()))
	names, err := built.disk.List(".")
	require.NoError(t, err)
	kinds := map[string]bool{}
	for _, name := range names {
		kinds[path.Ext(name)] = true
	}
	require.Equal(t, map[string]bool{".vectors": true, ".codes": true, ".codebook": true, ".tuning": true}, kinds)

	for _, name := range names {
		file, err := built.disk.Open(name)
		require.NoError(t, err)
		for i := range *damages {
			r := rand.New(rand.NewPCG(uint64(i), 5))
			w := *built
			w.r, w.disk = r, built.disk.Crash(r) // all is synced: a plain copy
			if i%3 == 0 {
				require.NoError(t, w.disk.Truncate(name, r.Int64N(file.Size())))
			} else {
				require.NoError(t, w.disk.Flip(name, r.Int64N(file.Size()), r.IntN(8)))
			}
			w.t = t
			w.open()
			w.check()
			w.steps(100)
			w.check()
			require.Zero(t, w.index.pending.left(), "%s, damage %d: all is made anew", name, i)
			require.NoError(t, w.index.Close(context.Background()))
			w.open()
			w.check()
		}
	}
}

// Each training leaves a codebook of megabytes, of which one is needed.
func TestAReplacedCodebookIsRemovedWhenNoPartHasItsCodes(t *testing.T) {
	w := newWorld(t, 77)
	first := uint64(0)
	for range 200 {
		w.add(4)
		for w.index.step(context.Background()) {
			if g := w.index.generation; first == 0 && g != nil {
				first = g.file
			}
			numbers, _, err := w.index.files.list()
			require.NoError(t, err)
			needed := map[uint64]bool{}
			if g := w.index.generation; g != nil {
				needed[g.file] = true
			}
			for _, p := range w.index.parts {
				if c := p.coded.Load(); c != nil {
					needed[c.generation.file] = true
				}
			}
			require.ElementsMatch(t, slices.Collect(maps.Keys(needed)), numbers[format.KindCodebook])
		}
	}
	require.Greater(t, w.index.generation.file, first, "trained anew")
	w.check()
}

// An Add that began before a training ends after the codebook that it used is gone.
func TestCodesOfARemovedCodebookAreNotWritten(t *testing.T) {
	w := newWorld(t, 78)
	w.add(20)
	w.steps(100)
	old := w.index.generation
	require.NotNil(t, old)
	w.add(1)
	late := w.index.parts[len(w.index.parts)-1]
	require.Same(t, old, late.coded.Load().generation)
	require.NoError(t, w.index.newGeneration(context.Background(), w.index.everyPart(), 20))
	w.steps(100)
	require.Zero(t, old.file)

	w.source.put(w.next, randomMatrix(w.r, 3, w.dim))
	documents := w.source.documents(w.next)
	w.next++
	p := newPart(&inMemory{ids: []uint64{documents[0].ID}, vectors: []maxsim.Int8Matrix{maxsim.Quantize(documents[0].Vectors)}}, 0)
	c, _, err := old.code(context.Background(), p, -math.MaxFloat32)
	require.NoError(t, err)
	require.NoError(t, w.index.setCodes(p, c))
	require.NoError(t, w.index.append(p))
	_, err = w.index.write(context.Background(), []*part{p})
	require.NoError(t, err)
	require.NoError(t, w.index.Close(context.Background()))
	w.open()
	require.Zero(t, w.index.Statistics().SetAside)
	w.check()
}

// stuck is documents whose memory is given back when somebody allows it.
type stuck struct {
	documents
	allowed, closed chan struct{}
}

func (s stuck) Close() error {
	<-s.allowed
	close(s.closed)
	return nil
}

func TestWhoLetsGoOfAMergedFileLastDoesNotWaitForItsMemory(t *testing.T) {
	x, err := Open(Options{Source: newMemory(), idle: true, limits: &low})
	require.NoError(t, err)
	m := &inMemory{ids: []uint64{1}, vectors: []maxsim.Int8Matrix{maxsim.Quantize(randomMatrix(rand.New(rand.NewPCG(1, 2)), 3, 8))}}
	old := stuck{m, make(chan struct{}), make(chan struct{})}
	p := newPart(old, 0)
	require.NoError(t, x.append(p))
	search := x.acquire()
	x.replace([]*part{p}, newPart(m, 0))
	search.release()
	require.Equal(t, 1, x.Len())
	close(old.allowed)
	<-old.closed
}
