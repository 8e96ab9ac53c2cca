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
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/workload"
)

// pages and questions are the size of the benchmark. 10,000 pages take 11 GB of
// memory and some minutes to make.
var (
	pages     = flag.Int("pages", 2000, "pages of the benchmark's index")
	questions = flag.Int("questions", 100, "questions that the benchmark asks")
	corpusDir = flag.String("corpus", "", "folder to read documents and questions from, instead of making pages up")
	saveDir   = flag.String("save", "", "folder to write the made-up pages and questions to, instead of measuring")
)

// givenCorpus is the one that the flags ask for.
func givenCorpus(b *testing.B) corpus {
	b.Helper()
	c := corpus{}
	if *corpusDir != "" {
		c = readCorpus(b, *corpusDir)
	} else {
		c = makeCorpus(b)
	}
	c.documents = len(c.source.stored)
	for _, question := range c.questions {
		c.queries = append(c.queries, pack(b, question))
	}
	return c
}

// makeCorpus makes pages up (package workload).
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
		c.questions = append(c.questions, question)
	}
	return c
}

// built is what an index took to make.
type built struct {
	seconds      float64
	disk, memory int // bytes a document; memory without the mapped files
}

// build makes an index of all documents, as usual.
func (c corpus) build(b *testing.B, dir string) (*Index, built) {
	b.Helper()
	return c.buildOf(b, dir, c.ids(), usual)
}

// buildOf adds documents and waits for the background.
func (c corpus) buildOf(b *testing.B, dir string, ids []uint64, limits limits) (*Index, built) {
	b.Helper()
	before := heapInUse()
	x, err := Open(Options{Source: c.source, Dir: dir, idle: true, limits: &limits})
	require.NoError(b, err)
	start := time.Now()
	c.add(b, x, ids)
	added := time.Since(start)
	settle(b, x)
	took := built{seconds: time.Since(start).Seconds(), disk: sizeOf(b, dir) / len(ids)}
	b.Logf("added at %.2f ms a document, then %.1f s in the background; %d bytes a document on disk; margins %.3f",
		added.Seconds()*1e3/float64(len(ids)), took.seconds-added.Seconds(), took.disk, x.margins(DefaultRecall, tuneRows))
	took.memory = int(max(0, heapInUse()-before)) / len(ids)
	return x, took
}

// add adds documents, in batches as Weaviate does.
func (c corpus) add(b *testing.B, x *Index, ids []uint64) {
	b.Helper()
	for batch := range slices.Chunk(ids, 50) {
		require.NoError(b, x.Add(context.Background(), c.source.documents(batch...)...))
	}
}

// ids is all documents.
func (c corpus) ids() []uint64 {
	ids := make([]uint64, c.documents)
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

// BenchmarkPages asks questions about made-up pages, or about what -corpus holds: of the
// index at each precision and of brute force beside it. Recall is the share of brute
// force's best k that were found; times are of one search on one thread, and qps-2t is
// what two threads get done that search at once.
func BenchmarkPages(b *testing.B) {
	c := givenCorpus(b)
	if *saveDir != "" {
		c.save(b, *saveDir)
		b.Skipf("saved to %s", *saveDir)
	}
	x, took := c.build(b, b.TempDir())
	defer func() { require.NoError(b, x.Close(context.Background())) }()

	search := func(options SearchOptions) searcher {
		return func(query *maxsim.Query, k int) []Result {
			results, err := x.Search(context.Background(), query, k, options)
			require.NoError(b, err)
			return results
		}
	}
	exact := c.exactly(b)
	b.Run("build", func(b *testing.B) {
		b.ReportMetric(took.seconds, "build-s")
		b.ReportMetric(float64(took.disk), "disk-B/doc")
		b.ReportMetric(float64(took.memory), "memory-B/doc")
		b.ReportMetric(0, "ns/op")
	})
	for _, way := range []struct {
		name   string
		search searcher
	}{
		{"fast", search(SearchOptions{Precision: Fast})},
		{"balanced", search(SearchOptions{})},
		{"balanced at recall 0.999", search(SearchOptions{Recall: 0.999})},
		{"exact", search(SearchOptions{Precision: Exact})},
		{"int8 brute force", c.int8()},
		{"float32 brute force", c.float32},
	} {
		for _, k := range []int{10, 100} {
			b.Run(fmt.Sprintf("documents=%d/k=%d/%s", len(c.source.stored), k, way.name), func(b *testing.B) {
				way.search.measure(b, c.queries, exact, k)
			})
		}
	}
}

// searcher finds the best k for a query.
type searcher func(query *maxsim.Query, k int) []Result

func (search searcher) measure(b *testing.B, queries []*maxsim.Query, exact [][]uint64, k int) {
	var took []time.Duration
	found, wanted := 0, 0
	threads := runtime.GOMAXPROCS(1)
	for i := 0; b.Loop(); i++ {
		n := i % len(queries)
		start := time.Now()
		results := search(queries[n], k)
		took = append(took, time.Since(start))
		for _, want := range exact[n][:min(k, len(exact[n]))] {
			wanted++
			if slices.ContainsFunc(results, func(r Result) bool { return r.ID == want }) {
				found++
			}
		}
	}
	b.StopTimer()
	runtime.GOMAXPROCS(threads)
	var all time.Duration
	for _, t := range took {
		all += t
	}
	slices.Sort(took)
	b.ReportMetric(float64(found)/float64(wanted), "recall")
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
	b.ReportMetric(float64(len(took))/all.Seconds(), "qps")
	b.ReportMetric(search.together(queries, k), "qps-2t")
	b.ReportMetric(0, "ns/op")
}

// together is how many searches a second two threads get done, over two seconds or all
// queries, whatever takes longer.
func (search searcher) together(queries []*maxsim.Query, k int) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var next atomic.Int64
	var threads sync.WaitGroup
	start := time.Now()
	for range 2 {
		threads.Go(func() {
			for n := next.Add(1); int(n) <= len(queries) || time.Since(start) < 2*time.Second; n = next.Add(1) {
				search(queries[int(n)%len(queries)], k)
			}
		})
	}
	threads.Wait()
	return float64(next.Load()-2) / time.Since(start).Seconds()
}
