package multivector

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/workload"
)

// pages and questions are the size of the benchmark. 10,000 pages take 6 GB of
// memory and some minutes to make.
var (
	pages     = flag.Int("pages", 2000, "pages of the benchmark's index")
	questions = flag.Int("questions", 100, "questions that the benchmark asks")
)

// corpus is made-up pages (package workload), stored as Weaviate stores them.
type corpus struct {
	source  *memory
	queries []*maxsim.Query
}

func makeCorpus(b *testing.B) corpus {
	b.Helper()
	world := workload.New(1)
	c := corpus{source: newMemory()}
	var workers sync.WaitGroup
	var next sync.Mutex
	page := 0
	for range runtime.NumCPU() {
		workers.Go(func() {
			for {
				next.Lock()
				i := page
				page++
				next.Unlock()
				if i >= *pages {
					return
				}
				c.source.put(uint64(i), world.Page(i))
			}
		})
	}
	workers.Wait()
	for i := range *questions {
		question, _ := world.Question(i, *pages)
		c.queries = append(c.queries, pack(b, question))
	}
	return c
}

// build makes an index of all pages, as usual.
func (c corpus) build(b *testing.B, dir string) *Index {
	b.Helper()
	return c.buildOf(b, dir, c.ids(), usual)
}

// buildOf adds pages and waits for the background.
func (c corpus) buildOf(b *testing.B, dir string, ids []uint64, limits limits) *Index {
	b.Helper()
	x, err := Open(Options{Source: c.source, Dir: dir, idle: true, limits: &limits})
	require.NoError(b, err)
	start := time.Now()
	c.add(b, x, ids)
	added := time.Since(start)
	settle(b, x)
	b.Logf("added at %.2f ms a page, then %.1f s in the background; %d bytes a page on disk; margin %.3f",
		added.Seconds()*1e3/float64(len(ids)), (time.Since(start) - added).Seconds(), sizeOf(b, dir)/len(ids), x.tuning.margin(DefaultRecall, 0))
	return x
}

// add adds pages, in batches as Weaviate does.
func (c corpus) add(b *testing.B, x *Index, ids []uint64) {
	b.Helper()
	for batch := range slices.Chunk(ids, 50) {
		require.NoError(b, x.Add(context.Background(), c.source.documents(batch...)...))
	}
}

// ids is all pages.
func (c corpus) ids() []uint64 {
	ids := make([]uint64, *pages)
	for i := range ids {
		ids[i] = uint64(i)
	}
	return ids
}

func sizeOf(b *testing.B, dir string) int {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(b, err)
	size := 0
	for _, file := range files {
		info, err := os.Stat(file)
		require.NoError(b, err)
		size += int(info.Size())
	}
	return size
}

// BenchmarkPages asks questions planted on made-up pages, on one thread, at each
// precision and of plain float32 beside them. Recall is the share of brute force's
// best documents that were found.
func BenchmarkPages(b *testing.B) {
	c := makeCorpus(b)
	x := c.build(b, b.TempDir())
	defer func() { require.NoError(b, x.Close(context.Background())) }()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))

	search := func(options SearchOptions) func(query *maxsim.Query, k int) []Result {
		return func(query *maxsim.Query, k int) []Result {
			results, err := x.Search(context.Background(), query, k, options)
			require.NoError(b, err)
			return results
		}
	}
	exact := make([][]Result, len(c.queries))
	for i, query := range c.queries {
		exact[i] = search(SearchOptions{Precision: Exact})(query, 100)
	}
	for _, way := range []struct {
		name   string
		k      int
		search func(query *maxsim.Query, k int) []Result
	}{
		{"precision=fast", 10, search(SearchOptions{Precision: Fast})},
		{"precision=balanced", 10, search(SearchOptions{})},
		{"precision=balanced", 100, search(SearchOptions{})},
		{"precision=exact", 10, search(SearchOptions{Precision: Exact})},
		{"float32 of every page", 10, c.float32},
	} {
		b.Run(fmt.Sprintf("pages=%d/k=%d/%s", *pages, way.k, way.name), func(b *testing.B) {
			var took []time.Duration
			found, wanted := 0, 0
			for i := 0; b.Loop(); i++ {
				n := i % len(c.queries)
				start := time.Now()
				results := way.search(c.queries[n], way.k)
				took = append(took, time.Since(start))
				for _, want := range exact[n][:min(way.k, len(exact[n]))] {
					wanted++
					if slices.ContainsFunc(results, func(r Result) bool { return r.ID == want.ID }) {
						found++
					}
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(found)/float64(wanted), "recall")
			b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// float32 is brute force: what every page scores, without an index.
func (c corpus) float32(query *maxsim.Query, k int) []Result {
	best := newTop(k)
	for id, page := range c.source.stored {
		best.offer(Result{ID: id, Score: query.Score(page)})
	}
	return best.sorted()
}
