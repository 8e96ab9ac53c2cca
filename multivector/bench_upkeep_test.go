package multivector

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/workload"
)

// The benchmarks of this file measure what an index costs beside its searches, and
// how it bears changes. Each measures once: -benchtime 1x.

// trained is the usual limits, but for an index that trains with as few documents as
// a benchmark of some thousand pages has left.
func trained() limits {
	l := usual
	l.trainDocuments = min(l.trainDocuments, *pages/4)
	return l
}

// BenchmarkFilter asks among one page in a hundred, and among all.
func BenchmarkFilter(b *testing.B) {
	c := givenCorpus(b)
	x, _ := c.buildOf(b, b.TempDir(), c.ids(), trained())
	defer func() { require.NoError(b, x.Close(context.Background())) }()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	allowed := idSet{}
	for id := 0; id < *pages; id += 100 {
		allowed[uint64(id)] = true
	}
	for _, way := range []struct {
		name   string
		filter Filter
	}{{"all pages", nil}, {"1 % of the pages", allowed}} {
		b.Run(fmt.Sprintf("pages=%d/%s", *pages, way.name), func(b *testing.B) {
			var took durations
			for b.Loop() {
				for _, query := range c.queries {
					took.time(func() {
						_, err := x.Search(context.Background(), query, 10, SearchOptions{Filter: way.filter})
						require.NoError(b, err)
					})
				}
			}
			took.report(b, "")
		})
	}
}

// BenchmarkChanged deletes and then updates 30 % of the pages, and compares with
// what an index finds that was made of the remaining ones.
func BenchmarkChanged(b *testing.B) {
	c := givenCorpus(b)
	world := workload.New(1)
	for _, way := range []struct {
		name    string
		replace bool
	}{{"deleted", false}, {"updated", true}} {
		b.Run(fmt.Sprintf("pages=%d/30 %% %s", *pages, way.name), func(b *testing.B) {
			for b.Loop() {
				x, _ := c.buildOf(b, b.TempDir(), c.ids(), trained())
				g := x.generation
				var live []uint64
				for _, id := range c.ids() {
					if id%10 >= 3 {
						live = append(live, id)
						continue
					}
					x.Delete(id)
					if way.replace {
						other := id + uint64(*pages)
						c.source.put(other, world.Page(int(other)))
						require.NoError(b, x.Add(context.Background(), c.source.documents(other)...))
						live = append(live, other)
					}
				}
				settle(b, x)
				b.Logf("trained anew: %t; mean cosine %.3f of the training, %.3f since; margins %.3f", x.generation != g,
					g.codebook.MeanCosine(), g.since.sum/float64(max(1, g.since.documents)), x.tuning.margins(DefaultRecall, tuneRows))
				fresh, _ := c.buildOf(b, b.TempDir(), live, trained())
				b.ReportMetric(c.recall(b, x), "recall")
				b.ReportMetric(c.recall(b, fresh), "recall-fresh")
				b.ReportMetric(0, "ns/op")
				require.NoError(b, x.Discard())
				require.NoError(b, fresh.Discard())
			}
		})
	}
}

// BenchmarkDrift trains with pages of one world and adds as many of another one,
// which has not even the directions in common that pages vary in. It does so twice:
// without the background until all of them are there, and with it after each tenth.
func BenchmarkDrift(b *testing.B) {
	c := givenCorpus(b)
	half := *pages / 2
	other := workload.New(2)
	c.queries = c.queries[:0]
	for i := range *questions {
		world := other
		if i%2 == 0 {
			world = workload.New(1)
		}
		question, _ := world.Question(i, half)
		c.queries = append(c.queries, pack(b, question))
	}
	for i := half; i < *pages; i++ {
		c.source.put(uint64(i), other.Page(i-half))
	}
	b.Run(fmt.Sprintf("pages=%d", *pages), func(b *testing.B) {
		for b.Loop() {
			x, _ := c.buildOf(b, b.TempDir(), c.ids()[:half], trained())
			g := x.generation
			c.add(b, x, c.ids()[half:])
			b.ReportMetric(c.recall(b, x), "recall-without-background")
			start := time.Now()
			settle(b, x)
			b.Logf("mean cosine %.3f of the training, %.3f since; caught up in %.1f s", g.codebook.MeanCosine(),
				g.since.sum/float64(g.since.documents), time.Since(start).Seconds())
			require.NotSame(b, g, x.generation, "not trained anew")
			b.ReportMetric(c.recall(b, x), "recall-after")
			require.NoError(b, x.Discard())

			x, _ = c.buildOf(b, b.TempDir(), c.ids()[:half], trained())
			lowest := 1.0
			for batch := range slices.Chunk(c.ids()[half:], *pages/10) {
				c.add(b, x, batch)
				lowest = min(lowest, c.recall(b, x))
				settle(b, x)
			}
			b.ReportMetric(lowest, "recall-at-worst")
			b.ReportMetric(0, "ns/op")
			require.NoError(b, x.Discard())
		}
	})
}

// BenchmarkOpen opens an index that was closed, whose files the system has in
// memory, and one that is new.
func BenchmarkOpen(b *testing.B) {
	c := givenCorpus(b)
	dir, ctx, few := b.TempDir(), context.Background(), trained()
	x, _ := c.buildOf(b, dir, c.ids(), trained())
	want, err := x.Search(ctx, c.queries[0], 10, SearchOptions{Precision: Exact})
	require.NoError(b, err)
	require.NoError(b, x.Close(ctx))

	b.Run(fmt.Sprintf("pages=%d", *pages), func(b *testing.B) {
		var open, exact durations
		var heap, codebook float64
		for b.Loop() {
			x = nil
			before := heapInUse()
			open.time(func() { x, err = Open(Options{Source: c.source, Stored: c.ids(), Dir: dir, idle: true, limits: &few}) })
			require.NoError(b, err)
			exact.time(func() {
				found, err := x.Search(ctx, c.queries[0], 10, SearchOptions{Precision: Exact})
				require.NoError(b, err)
				require.Equal(b, want, found)
			})
			heap = heapInUse() - before
			before = heapInUse()
			g, err := x.files.openGeneration(x.generation.file)
			require.NoError(b, err)
			codebook = heapInUse() - before
			runtime.KeepAlive(g)
			require.NoError(b, x.Close(ctx))
		}
		per10k := 10_000 / float64(*pages)
		b.ReportMetric(slices.Min(open).Seconds()*per10k, "open-s/10k-pages")
		b.ReportMetric(slices.Min(exact).Seconds()*per10k, "first-answer-s/10k-pages")
		b.ReportMetric((heap-codebook)/float64(*pages), "heap-B/page")
		b.ReportMetric(codebook/1e6, "codebook-MB")
		b.ReportMetric(float64(sizeOf(b, dir))/float64(*pages)/1e3, "disk-kB/page")
		b.ReportMetric(0, "ns/op")
	})
	b.Run("empty", func(b *testing.B) {
		const indexes = 100
		parent := b.TempDir()
		for b.Loop() {
			opened := make([]*Index, indexes)
			before, start := heapInUse(), time.Now()
			for i := range opened {
				opened[i], err = Open(Options{Source: newMemory(), Dir: fmt.Sprintf("%s/%d", parent, i)})
				require.NoError(b, err)
			}
			took := time.Since(start)
			b.ReportMetric(took.Seconds()*1e3/indexes, "open-ms")
			b.ReportMetric((heapInUse()-before)/indexes, "heap-B")
			b.ReportMetric(0, "ns/op")
			for i, x := range opened {
				require.NoError(b, x.Discard())
				require.NoError(b, os.Remove(fmt.Sprintf("%s/%d", parent, i)))
			}
		}
	})
}

// BenchmarkWaits searches and adds while nothing else goes on, and while the index
// trains, gives codes to its documents, tunes, and writes its files anew. All of it
// shares the machine's cores.
func BenchmarkWaits(b *testing.B) {
	c := givenCorpus(b)
	ctx := context.Background()
	x, _ := c.buildOf(b, b.TempDir(), c.ids(), trained())
	next := uint64(*pages)
	// during measures until done is closed.
	during := func(name string, done <-chan struct{}) {
		var searches, adds durations
		var longest time.Duration
		var why string // what the longest search did
		var both sync.WaitGroup
		both.Go(func() {
			for i := 0; !closed(done); i++ {
				var trace Trace
				searches.time(func() {
					_, err := x.Search(ctx, c.queries[i%len(c.queries)], 10, SearchOptions{Trace: &trace})
					require.NoError(b, err)
				})
				if took := searches[len(searches)-1]; took > longest {
					longest, why = took, fmt.Sprintf("%+v; %+v", trace, x.Statistics())
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
		both.Go(func() {
			for !closed(done) {
				c.source.alias(next, next%uint64(*pages))
				documents := c.source.documents(next)
				next++
				adds.time(func() { require.NoError(b, x.Add(ctx, documents...)) })
				time.Sleep(20 * time.Millisecond)
			}
		})
		both.Wait()
		b.Run(fmt.Sprintf("pages=%d/%s", *pages, name), func(b *testing.B) {
			searches.report(b, "search-")
			adds.report(b, "add-")
			b.Logf("the longest of %d searches: %v, %s", len(searches), longest, why)
		})
	}
	during("at rest", background(func() { time.Sleep(5 * time.Second) }))

	during("training", background(func() {
		require.NoError(b, x.newGeneration(ctx, x.everyPart(), *pages))
		for x.step(ctx) {
		}
	}))
	x.Delete(c.ids()[:*pages/3]...)
	during("merging", background(func() {
		for x.step(ctx) {
		}
	}))
	require.NoError(b, x.Discard())
}

// everyPart is the parts that there are now.
func (x *Index) everyPart() []*part {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Clone(x.parts)
}

// alias stores a page a second time, without a copy of it.
func (m *memory) alias(id, of uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stored[id], m.records[id] = m.stored[of], m.records[of]
}

// background does something, and says when it is done.
func background(do func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	return done
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// recall is the share of the ten best pages that balanced searches find.
func (c corpus) recall(b *testing.B, x *Index) float64 {
	b.Helper()
	const k = 10
	found, wanted := 0, 0
	for _, query := range c.queries {
		exact, err := x.Search(context.Background(), query, k, SearchOptions{Precision: Exact})
		require.NoError(b, err)
		results, err := x.Search(context.Background(), query, k, SearchOptions{})
		require.NoError(b, err)
		for _, want := range exact {
			wanted++
			if slices.ContainsFunc(results, func(r Result) bool { return r.ID == want.ID }) {
				found++
			}
		}
	}
	return float64(found) / float64(wanted)
}

// durations is how long something took, each time.
type durations []time.Duration

func (d *durations) time(do func()) {
	start := time.Now()
	do()
	*d = append(*d, time.Since(start))
}

func (d durations) report(b *testing.B, what string) {
	b.Helper()
	slices.Sort(d)
	for name, at := range map[string]int{"p50-ms": len(d) / 2, "p99-ms": len(d) * 99 / 100, "max-ms": len(d) - 1} {
		b.ReportMetric(d[at].Seconds()*1e3, what+name)
	}
	b.ReportMetric(0, "ns/op")
}

// heapInUse is the bytes of what can be reached.
func heapInUse() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools and finalizers kept goes in the second
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
