package plaid_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/usecases/monitoring"

	plaidconfig "weaviate-colpali/config/plaid"
	"weaviate-colpali/module/plaid"
)

// monitored is monitoring that is on: our series in a registry of the test's own,
// Weaviate's in the one of the process.
func monitored(group bool) (*monitoring.PrometheusMetrics, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	stock := *monitoring.GetMetrics()
	stock.Registerer, stock.Group = registry, group
	return &stock, registry
}

// openAs opens an index with metrics.
func (s *shard) openAs(class, name, vector string, metrics *monitoring.PrometheusMetrics, precision string) *plaid.Index {
	s.t.Helper()
	index, err := plaid.Open(ctx, plaid.Shard{
		Store: s.store, TargetVector: vector, Class: class, Name: name, Logger: s.logger, Metrics: metrics,
		Dir: filepath.Join(s.indexes, class, name, vector+plaid.DirSuffix), Config: plaidconfig.Config{Precision: precision},
		ReadOnly: s.readOnly.Load, AllocChecker: s.memory,
	})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, index.Shutdown(ctx)) })
	return index
}

// A family is all series of a name.
type family struct {
	kind   string
	labels []string           // names, sorted
	series map[string]float64 // by labels; of a histogram or a summary, how many were observed
}

// gather reads what a registry shows, of the collections whose names begin with
// class.
func gather(t *testing.T, g prometheus.Gatherer, class string) map[string]family {
	t.Helper()
	gathered, err := g.Gather()
	require.NoError(t, err)
	families := map[string]family{}
	for _, f := range gathered {
		for _, m := range f.GetMetric() {
			var names, values []string
			of := false
			for _, l := range m.GetLabel() {
				names = append(names, l.GetName())
				values = append(values, l.GetValue())
				of = of || l.GetName() == "class_name" && strings.HasPrefix(l.GetValue(), class)
			}
			if !of {
				continue
			}
			if _, ok := families[f.GetName()]; !ok {
				families[f.GetName()] = family{strings.ToLower(f.GetType().String()), names, map[string]float64{}}
			}
			families[f.GetName()].series[strings.Join(values, " ")] = m.GetGauge().GetValue() + m.GetCounter().GetValue() +
				float64(m.GetHistogram().GetSampleCount()+m.GetSummary().GetSampleCount())
		}
	}
	return families
}

// add stores and adds n documents.
func (s *shard) add(index *plaid.Index, n int) {
	s.t.Helper()
	r := rand.New(rand.NewPCG(uint64(n), 7))
	for id := range n {
		rows := randomRows(r, 3, 8)
		s.put(byte(id), uint64(id), colpali(rows...))
		require.NoError(s.t, index.AddMulti(ctx, uint64(id), rows))
	}
}

func TestMetricsShowWhatTheIndexDoes(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	index := s.openAs("Counted", "one", "colpali", metrics, plaidconfig.Exact)
	s.add(index, 5)
	require.NoError(t, index.DeleteMulti(3))
	for range 3 {
		search(t, index, randomRows(rand.New(rand.NewPCG(1, 1)), 2, 8), 2, nil)
	}
	_, _, err := index.SearchByMultiVector(ctx, [][]float32{{1}}, 2, nil)
	require.Error(t, err, "a query of one dimension")

	ours := gather(t, registry, "Counted")
	for name, want := range map[string]map[string]float64{
		"vector_index_plaid_documents":           {"Counted one colpali": 4},
		"vector_index_plaid_documents_waiting":   {"Counted one colpali": 0},
		"vector_index_plaid_documents_in_memory": {"Counted one colpali": 4},
		"vector_index_plaid_documents_deleted":   {"Counted one colpali": 1},
		"vector_index_plaid_files":               {"Counted one colpali": 0},
		"vector_index_plaid_search_seconds": {
			"Counted balanced colpali": 0, "Counted exact colpali": 3, "Counted fast colpali": 0,
		},
	} {
		require.Equal(t, want, ours[name].series, name)
	}
	documents := ours["vector_index_plaid_search_documents_total"].series
	require.InDelta(t, 12, documents["Counted exact candidates colpali"], 0)
	require.InDelta(t, 12, documents["Counted exact reranked colpali"], 0)
	require.GreaterOrEqual(t, documents["Counted exact scored colpali"], 6.0)
	require.InDelta(t, 3, ours["vector_index_plaid_search_certified_total"].series["Counted exact colpali"], 0)
	require.InDelta(t, 0, ours["vector_index_plaid_search_failures_total"].series["Counted exact colpali"], 0)

	stock := gather(t, prometheus.DefaultGatherer, "Counted")
	for name, want := range map[string]map[string]float64{
		"vector_index_size":         {"Counted one": 4},
		"vector_index_tombstones":   {"Counted one": 1},
		"vector_index_operations":   {"Counted create one": 5, "Counted delete one": 1},
		"vector_index_durations_ms": {"Counted create one total": 5, "Counted delete one total": 1},
		"startup_durations_ms":      {"Counted plaid_open one": 1},
	} {
		require.Equal(t, want, stock[name].series, name)
	}
}

func TestMetricsOfFailures(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	for id := range 4 {
		s.put(byte(id), uint64(id), colpali([]float32{1, 2}))
	}
	s.close()
	s.open()
	index := s.openAs("Failing", "one", "colpali", metrics, plaidconfig.Balanced)
	s.close()
	_, _, err := index.SearchByMultiVector(ctx, [][]float32{{1, 2}}, 2, nil)
	require.Error(t, err)
	require.InDelta(t, 1, gather(t, registry, "Failing")["vector_index_plaid_search_failures_total"].series["Failing balanced colpali"], 0)
	s.open()
}

func TestBackgroundWorkIsCounted(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	for id := range 4 {
		s.put(byte(id), uint64(id), colpali([]float32{1, 2}))
	}
	s.openAs("Working", "one", "colpali", metrics, plaidconfig.Balanced)
	require.Eventually(t, func() bool {
		return gather(t, prometheus.DefaultGatherer, "Working")["vector_index_background_operations_durations_ms"].series["Working read one"] == 1
	}, time.Minute, 10*time.Millisecond)
	jobs := []string{"code", "compare", "list", "merge", "read", "train", "tune", "write"}
	failures := gather(t, registry, "Working")["vector_index_plaid_background_failures_total"].series
	require.Len(t, failures, len(jobs))
	for _, job := range jobs {
		require.InDelta(t, 0, failures["Working "+job+" colpali"], 0, "a series that is not there alarms nobody")
	}
}

func TestSeriesGoWithTheirIndex(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	one := s.openAs("Leaving", "one", "colpali", metrics, "")
	two := s.openAs("Leaving", "two", "colpali", metrics, "")
	other := s.openAs("Leaving", "one", "other", metrics, "")
	of := func(name string) []string {
		return slices.Sorted(maps.Keys(gather(t, registry, "Leaving")["vector_index_plaid_"+name].series))
	}
	require.Equal(t, []string{"Leaving one colpali", "Leaving one other", "Leaving two colpali"}, of("documents"))
	require.Equal(t, []string{"Leaving colpali", "Leaving other"}, of("damaged_documents_total"))
	require.Len(t, of("search_seconds"), 6)

	require.NoError(t, one.Shutdown(ctx))
	require.NoError(t, one.Shutdown(ctx))
	require.Equal(t, []string{"Leaving one other", "Leaving two colpali"}, of("documents"))
	require.Len(t, of("damaged_documents_total"), 2)
	require.Len(t, of("search_seconds"), 6, "the other shard searches, too")

	require.NoError(t, two.Drop(ctx, true))
	require.Equal(t, []string{"Leaving one other"}, of("documents"))
	require.Len(t, of("search_seconds"), 3)

	again := s.openAs("Leaving", "one", "colpali", metrics, "")
	require.NoError(t, one.Drop(ctx, false))
	require.Equal(t, []string{"Leaving one colpali", "Leaving one other"}, of("documents"), "an old index takes nothing of its successor")
	require.Len(t, of("search_seconds"), 6)

	require.NoError(t, again.Drop(ctx, false))
	require.NoError(t, other.Drop(ctx, false))
	_, _, _ = again.SearchByMultiVector(ctx, [][]float32{{1}}, 1, nil) // a search that comes late
	require.Empty(t, gather(t, registry, "Leaving"))
}

// A shard may be opened again before the index that it had has gone.
func TestAnIndexThatIsOpenTwiceIsShownOnce(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	before := s.openAs("Twice", "one", "colpali", metrics, "")
	s.add(before, 3)
	after := s.openAs("Twice", "one", "colpali", metrics, "")
	documents := func() map[string]float64 { return gather(t, registry, "Twice")["vector_index_plaid_documents"].series }
	require.Equal(t, map[string]float64{"Twice one colpali": 6}, documents())
	require.NoError(t, before.Shutdown(ctx))
	require.Equal(t, map[string]float64{"Twice one colpali": 3}, documents())
	search(t, after, randomRows(rand.New(rand.NewPCG(1, 1)), 1, 8), 1, nil)
	require.InDelta(t, 1, gather(t, registry, "Twice")["vector_index_plaid_search_seconds"].series["Twice balanced colpali"], 0)
}

func TestGroupedMetricsAreOfAllIndexes(t *testing.T) {
	metrics, registry := monitored(true)
	s := newShard(t)
	one := s.openAs("Together", "one", "colpali", metrics, plaidconfig.Fast)
	s.add(one, 3)
	two := s.openAs("Apart", "two", "colpali", metrics, plaidconfig.Fast)
	require.Empty(t, gather(t, registry, "Together"))
	all := gather(t, registry, "n/a")
	require.Equal(t, map[string]float64{"n/a n/a n/a": 6}, all["vector_index_plaid_documents"].series)
	require.Len(t, all["vector_index_plaid_search_seconds"].series, 3)
	search(t, two, randomRows(rand.New(rand.NewPCG(1, 1)), 1, 8), 1, nil)
	require.NoError(t, one.Shutdown(ctx))
	require.NoError(t, two.Shutdown(ctx))
	left := gather(t, registry, "n/a")
	require.NotContains(t, left, "vector_index_plaid_documents")
	require.InDelta(t, 1, left["vector_index_plaid_search_seconds"].series["n/a fast n/a"], 0, "what was counted stays counted")
}

// taken is a registry in which somebody else has every name.
type taken struct{ prometheus.Registerer }

func (taken) Register(prometheus.Collector) error { return errors.New("taken") }

func TestAnIndexOpensWithoutMetricsWhereTheyCannotBeRegistered(t *testing.T) {
	metrics, registry := monitored(false)
	metrics.Registerer = taken{registry}
	s := newShard(t)
	logger, logged := logrustest.NewNullLogger()
	s.logger = logger
	index := s.openAs("Nameless", "one", "colpali", metrics, "")
	require.Equal(t, "the plaid index has no metrics", logged.AllEntries()[0].Message)
	s.add(index, 3)
	search(t, index, randomRows(rand.New(rand.NewPCG(1, 1)), 1, 8), 1, nil)
	require.Empty(t, gather(t, registry, "Nameless"))
}

func TestAnIndexThatDoesNotOpenLeavesNoSeries(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	folder := filepath.Join(s.indexes, "a file")
	require.NoError(t, os.WriteFile(folder, nil, 0o600))
	_, err := plaid.Open(ctx, plaid.Shard{
		Store: s.store, TargetVector: "colpali", Class: "Unopened", Name: "one", Logger: s.logger, Metrics: metrics, Dir: folder,
		AllocChecker: s.memory,
	})
	require.Error(t, err)
	require.Empty(t, gather(t, registry, "Unopened"))
}

// The page for operators lists what there is, and nothing else.
func TestThePageOfMetricsIsCurrent(t *testing.T) {
	metrics, registry := monitored(false)
	s := newShard(t)
	index := s.openAs("Page", "one", "colpali", metrics, "")
	s.add(index, 1)

	page, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\| ([^|]+) \\| ")
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		if strings.HasPrefix(m[1], "vectorizer_") {
			continue // the vectorizer's own test looks at those
		}
		documented[m[1]] = m[2] + " " + m[3]
	}
	present := map[string]string{}
	for _, g := range []prometheus.Gatherer{registry, prometheus.DefaultGatherer} {
		for name, f := range gather(t, g, "Page") {
			present[name] = fmt.Sprintf("%s %s", f.kind, strings.Join(f.labels, ", "))
		}
	}
	// The object store of the test counts, too.
	maps.DeleteFunc(present, func(name, _ string) bool { return strings.HasPrefix(name, "lsm_") })
	require.Equal(t, present, documented)

	// What it says to be woken by is there, too.
	for _, name := range regexp.MustCompile("vector_index_plaid_[a-z_]+").FindAllString(string(page), -1) {
		require.Contains(t, present, strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"))
	}
	for _, field := range slices.Collect(maps.Keys(plaid.Totals())) {
		require.Contains(t, string(page), "`"+field+"`")
	}
}

func TestTotalsAreOfOpenIndexes(t *testing.T) {
	before := plaid.Totals()
	s := newShard(t)
	index := s.openIndex() // without monitoring
	s.add(index, 3)
	during := plaid.Totals()
	require.Equal(t, before["indexes"].(int)+1, during["indexes"])
	require.Equal(t, before["documents"].(int)+3, during["documents"])
	require.NoError(t, index.Shutdown(ctx))
	require.Equal(t, before, plaid.Totals())
	require.ElementsMatch(t, []string{"indexes", "documents", "documentsWaiting", "fileBytes", "filesSetAside"},
		slices.Collect(maps.Keys(before)), "no names: everybody may read it")
}

func TestTheLogTellsOfLargeIndexesAndOfDamage(t *testing.T) {
	s := newShard(t)
	logger, logged := logrustest.NewNullLogger()
	logger.SetLevel(logrus.DebugLevel)
	s.logger = logger
	index := s.openIndex()
	require.NoError(t, index.Shutdown(ctx))
	require.Len(t, logged.AllEntries(), 2)
	for i, action := range []string{"open_plaid_index", "shutdown_plaid_index"} {
		entry := logged.AllEntries()[i]
		require.Equal(t, logrus.DebugLevel, entry.Level, "there may be thousands of small ones")
		require.Equal(t, action, entry.Data["action"])
		require.Equal(t, "shard", entry.Data["shard"])
		require.Contains(t, entry.Data, "file_bytes")
	}

	logged.Reset()
	require.NoError(t, os.WriteFile(filepath.Join(s.indexes, "vectors_colpali"+plaid.DirSuffix, "00000001.vectors"), []byte("no"), 0o600))
	require.NoError(t, s.openIndex().Shutdown(ctx))
	opened := logged.AllEntries()[1]
	require.Equal(t, "opened plaid index", opened.Message)
	require.Equal(t, logrus.InfoLevel, opened.Level)
	require.InDelta(t, 1, opened.Data["files_set_aside"], 0)
}
