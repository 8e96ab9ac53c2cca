package multivector

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
	"weaviate-colpali/multivector/internal/workload"
)

func TestPostingsAreTheDocumentsOfEachCentroid(t *testing.T) {
	r := rand.New(rand.NewPCG(81, 82))
	for _, centroids := range []int{16, 1<<16 + 1} { // narrow ids and wide ones
		c := newCoded(&generation{centroids: maxsim.Int8Matrix{Dim: 1, Codes: make([]uint8, centroids), Scales: make([]float32, centroids)}})
		want, without := map[uint32][]uint16{}, []uint16(nil)
		for row := range 300 {
			var ids []uint32
			for range r.IntN(20) { // some have none
				ids = append(ids, r.Uint32N(uint32(centroids)))
			}
			slices.Sort(ids)
			ids = slices.Compact(ids)
			for _, id := range ids {
				want[id] = append(want[id], uint16(row))
			}
			if len(ids) == 0 {
				without = append(without, uint16(row))
			}
			c.add(codebook.Codes{IDs: ids})
		}
		lists := c.list()
		require.NotEmpty(t, without)
		require.Equal(t, without, lists.strangers)
		for _, row := range without {
			marked := sieve{lists: lists}.mark(make([]uint64, 5))
			require.NotZero(t, marked[row/64]>>(row%64)&1, "nothing is known of it, so it is not left out")
		}
		for id := range uint32(centroids) {
			require.Len(t, lists.of(id), len(want[id]))
			if len(want[id]) > 0 {
				require.Equal(t, want[id], lists.of(id))
			}
		}
	}
}

func TestPartsThatAreWorthListing(t *testing.T) {
	g := &generation{centroids: maxsim.Int8Matrix{Dim: 1, Codes: make([]uint8, 8), Scales: make([]float32, 8)}}
	documents := func(n, ids int) *coded {
		c := newCoded(g)
		for range n {
			c.add(codebook.Codes{IDs: make([]uint32, ids)})
		}
		return c
	}
	require.False(t, documents(7, 1).worthListing(), "more starts than rows")
	require.True(t, documents(8, 1).worthListing())
	require.True(t, documents(math.MaxUint16+1, 1).worthListing())
	require.False(t, documents(math.MaxUint16+2, 1).worthListing(), "a row has no number of two bytes")
}

// listed is made-up pages (package workload), and an index of them that has postings.
type listed struct {
	world  *workload.World
	source *memory
	index  *Index
}

const listedPages = 300

func newListed(t *testing.T) listed {
	t.Helper()
	some := usual
	some.rerankAll, some.balanced, some.fast, some.trainDocuments, some.postings = 20, 40, 40, 100, 100
	some.centroids = func(int) int { return 1024 }
	some.sampleRows, some.headDocuments, some.mergeDocuments, some.smallFiles = 16<<10, 100, 100, 100
	l := listed{world: workload.New(3), source: newMemory()}
	for i := range listedPages {
		page := l.world.Page(i)
		page.Data = page.Data[:min(len(page.Data), 300*page.Dim)]
		l.source.put(uint64(i), page)
	}
	var err error
	l.index, err = Open(Options{Source: l.source, Dir: t.TempDir(), idle: true, limits: &some})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.index.Close(context.Background())) })
	for first := uint64(0); first < listedPages; first += 50 {
		require.NoError(t, l.index.Add(context.Background(), l.source.documents(first, first+1)...))
		for id := first + 2; id < first+50; id += 4 {
			require.NoError(t, l.index.Add(context.Background(), l.source.documents(id, id+1, id+2, id+3)...))
		}
	}
	settle(t, l.index)
	require.Positive(t, l.index.lists())
	return l
}

// lists is how many parts have postings.
func (x *Index) lists() int {
	n := 0
	for _, p := range x.parts {
		if c := p.coded.Load(); c != nil && c.postings.Load() != nil {
			n++
		}
	}
	return n
}

// scanAll takes the postings away.
func (x *Index) scanAll() {
	for _, p := range x.parts {
		p.coded.Load().postings.Store(nil)
	}
}

func (l listed) questions(t *testing.T, n int) []*maxsim.Query {
	t.Helper()
	var queries []*maxsim.Query
	for i := range n {
		question, _ := l.world.Question(i, listedPages)
		queries = append(queries, pack(t, maxsim.Matrix{Data: question.Data[:4*question.Dim], Dim: question.Dim}))
	}
	return queries
}

func (l listed) ask(t *testing.T, query *maxsim.Query, options SearchOptions) ([]Result, Trace) {
	t.Helper()
	var trace Trace
	options.Trace = &trace
	results, err := l.index.Search(context.Background(), query, 4, options)
	require.NoError(t, err)
	return results, trace
}

func TestSearchesWithPostings(t *testing.T) {
	l := newListed(t)
	queries := l.questions(t, 30)
	type answer struct {
		results []Result
		trace   Trace
	}
	var exact [][]Result
	var sifted []answer
	fewer, scanned := 0, 0
	for _, query := range queries {
		results, _ := l.ask(t, query, SearchOptions{Precision: Exact})
		exact = append(exact, results)
		found, trace := l.ask(t, query, SearchOptions{Precision: Fast})
		sifted = append(sifted, answer{found, trace})
		require.False(t, trace.Certified)
		require.Equal(t, listedPages, trace.Candidates)
		if scanned += trace.Scanned; trace.Scanned < listedPages {
			fewer++
		}
	}
	for i, query := range queries { // deterministic
		found, trace := l.ask(t, query, SearchOptions{Precision: Fast})
		require.Equal(t, answer{found, trace}, sifted[i])
	}
	require.Greater(t, fewer, len(queries)/2, "most are sifted")

	l.index.scanAll()
	want, withPostings, without := 0, 0, 0
	for i, query := range queries {
		found, trace := l.ask(t, query, SearchOptions{Precision: Fast})
		require.Equal(t, listedPages, trace.Scanned)
		want += len(exact[i])
		withPostings += common(exact[i], sifted[i].results)
		without += common(exact[i], found)
	}
	t.Logf("%d of %d searches sifted, %.2f scanned; found %d of %d, without postings %d",
		fewer, len(queries), float64(scanned)/float64(listedPages*len(queries)), withPostings, want, without)
	require.GreaterOrEqual(t, withPostings, without-want/100)
}

func common(a, b []Result) int {
	n := 0
	for _, r := range a {
		if slices.Contains(b, r) {
			n++
		}
	}
	return n
}

func TestPostingsKeepToDeletesAndFilters(t *testing.T) {
	l := newListed(t)
	most := idSet{}
	for id := range uint64(listedPages) {
		most[id] = id%5 != 0
	}
	sifted := 0
	for _, query := range l.questions(t, 30) {
		results, _ := l.ask(t, query, SearchOptions{Precision: Fast})
		deleted := results[0].ID
		l.index.Delete(deleted)
		results, trace := l.ask(t, query, SearchOptions{Precision: Fast, Filter: most})
		require.Len(t, results, 4)
		for _, r := range results {
			require.NotEqual(t, deleted, r.ID)
			require.True(t, most[r.ID])
		}
		if trace.Scanned < trace.Candidates {
			sifted++
		}

		few := idSet{}
		for id := range uint64(50) {
			few[id] = !most[id] || id%2 == 0
		}
		_, trace = l.ask(t, query, SearchOptions{Precision: Fast, Filter: few})
		require.True(t, trace.Scanned == 0 || trace.Scanned == trace.Candidates, "nothing to win where few are left")
	}
	require.Positive(t, sifted)
}

func TestATrainingDropsPostings(t *testing.T) {
	ctx := context.Background()
	l := newListed(t)
	x, before := l.index, l.index.lists()
	require.NoError(t, x.newGeneration(ctx, x.parts, listedPages))
	for range x.parts {
		_, err := x.recodeNext(ctx)
		require.NoError(t, err)
	}
	require.Zero(t, x.lists())
	results, trace := l.ask(t, l.questions(t, 1)[0], SearchOptions{Precision: Fast})
	require.Len(t, results, 4)
	require.Equal(t, listedPages, trace.Scanned)
	settle(t, x)
	require.Equal(t, before, x.lists(), "and they are made anew")
}

func TestASmallIndexHasNoPostings(t *testing.T) {
	l := newListed(t)
	l.index.scanAll()
	l.index.limits.postings = listedPages + 1
	settle(t, l.index)
	require.Zero(t, l.index.lists())
}

// popular is made-up codes: centroids in groups of 64 that lie side by side, of groups
// as popular as Zipf's law has words, so that the nearest of a query are as popular as
// each other, as they are in package workload.
type popular struct {
	r          *rand.Rand
	centroids  maxsim.Matrix
	byDraw     []uint32 // a centroid, as often as it is popular
	generation *generation
}

const (
	popularGroup = 64
	popularIDs   = 110 // of a page
	popularPart  = 16 << 10
)

func newPopular(centroids int) *popular {
	p := &popular{r: rand.New(rand.NewPCG(83, 84)), byDraw: make([]uint32, 1<<20)}
	groups := randomMatrix(p.r, centroids/popularGroup, workload.Dim)
	p.centroids = randomMatrix(p.r, centroids, workload.Dim)
	for c := range centroids {
		for d, x := range groups.Row(c / popularGroup) {
			p.centroids.Row(c)[d] = 0.5*p.centroids.Row(c)[d] + x
		}
	}
	p.generation = &generation{centroids: maxsim.Quantize(p.centroids)}
	law := rand.NewZipf(p.r, 1.01, 50, uint64(centroids/popularGroup-1))
	for i := range p.byDraw {
		p.byDraw[i] = uint32(law.Uint64())*popularGroup + p.r.Uint32N(popularGroup)
	}
	return p
}

func (p *popular) draw() uint32 { return p.byDraw[p.r.Uint32()>>12] }

// candidates is so many documents, in parts as merging makes them.
func (p *popular) candidates(b *testing.B, documents int) candidates {
	b.Helper()
	var all candidates
	for first := 0; first < documents; first += popularPart {
		m, rows, c := &inMemory{}, []uint32{}, newCoded(p.generation)
		for row := range min(popularPart, documents-first) {
			ids := make([]uint32, popularIDs)
			for i := range ids {
				ids[i] = p.draw()
			}
			slices.Sort(ids)
			c.add(codebook.Codes{IDs: slices.Compact(ids)})
			m.ids, rows = append(m.ids, uint64(first+row)), append(rows, uint32(row))
		}
		require.NoError(b, c.check())
		part := newPart(m, 0)
		part.coded.Store(c)
		all.parts = append(all.parts, rowsOf{part, rows})
	}
	return all
}

// query is 20 rows near 8 centroids that documents have: in package workload, too, rows
// share more than half of their nearest centroids.
func (p *popular) query(b *testing.B) *maxsim.Query {
	b.Helper()
	m := randomMatrix(p.r, 20, workload.Dim)
	var near []int
	for range 8 {
		near = append(near, int(p.draw()))
	}
	for i := range m.Rows() {
		for d, x := range p.centroids.Row(near[i%len(near)]) {
			m.Row(i)[d] = 0.3*m.Row(i)[d] + x
		}
	}
	return pack(b, m)
}

// BenchmarkPostings makes shortlists of made-up codes on one thread, by scanning all
// and with postings. It takes 1.5 GB of memory and a minute to make them. The rows of a
// question lie near 8 centroids, as words do in a line; of questions whose rows have
// nothing in common, postings leave out too little, and win nothing.
func BenchmarkPostings(b *testing.B) {
	for _, size := range []struct{ documents, centroids int }{{1 << 17, 1 << 16}, {1 << 20, 1 << 16}} {
		p := newPopular(size.centroids)
		all := p.candidates(b, size.documents)
		var queries []*maxsim.Query
		for range 8 {
			queries = append(queries, p.query(b))
		}
		run := func(way string, n int) {
			b.Run(fmt.Sprintf("documents=%d/n=%d/%s", size.documents, n, way), func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
				var trace Trace
				for i := 0; b.Loop(); i++ {
					all.shortlist(queries[i%len(queries)], n, &trace)
				}
				b.ReportMetric(float64(trace.Scanned)/float64(size.documents)/float64(b.N), "scanned")
				b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms")
				b.ReportMetric(0, "ns/op")
			})
		}
		for _, n := range []int{400, size.documents / 10} {
			run("scan", n)
		}
		for _, p := range all.parts {
			c := p.coded.Load()
			c.postings.Store(c.list())
		}
		for _, n := range []int{400, size.documents / 10} {
			run("postings", n)
		}
	}
}
