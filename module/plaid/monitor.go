package plaid

import (
	"maps"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/weaviate/weaviate/usecases/monitoring"

	"weaviate-colpali/multivector"
)

// prefix begins the names of our own series. Where one of Weaviate's means the
// same, that one is used.
const prefix = "vector_index_plaid_"

// A gauge is one figure of [multivector.Statistics]: a series, and a field in logs.
type gauge struct {
	name, help string
	of         func(multivector.Statistics) float64
}

var gauges = []gauge{
	{
		"documents", "Documents that searches find",
		func(s multivector.Statistics) float64 { return float64(s.Documents) },
	},
	{
		"documents_waiting", "Documents that the index has not read from the object store yet: searches score their stored vectors",
		func(s multivector.Statistics) float64 { return float64(s.Waiting) },
	},
	{
		"documents_in_memory", "Documents in no file of the index yet: a crash makes the index read them from the object store again",
		func(s multivector.Statistics) float64 { return float64(s.InMemory) },
	},
	{
		"documents_uncoded", "Documents without centroids of the newest training: searches look closely at more of them",
		func(s multivector.Statistics) float64 { return float64(s.Uncoded) },
	},
	{
		"documents_deleted", "Deleted documents that take room in the index until files are merged",
		func(s multivector.Statistics) float64 { return float64(s.Deleted) },
	},
	{
		"documents_trained", "Documents that there were at the newest training",
		func(s multivector.Statistics) float64 { return float64(s.Trained) },
	},
	{
		"centroids", "Centroids of the newest training, 0 before the first",
		func(s multivector.Statistics) float64 { return float64(s.Centroids) },
	},
	{
		"drift", "How much smaller the mean cosine of documents to their centroids has become since the training",
		func(s multivector.Statistics) float64 { return s.Drift },
	},
	{
		"margin", "How far below the last result the centroids' estimate of a document may lie that a balanced search for the default recall, with 16 query vectors or more, looks at, as a share of the largest score; 0: not found out",
		func(s multivector.Statistics) float64 { return s.Margin },
	},
	{
		"files", "Files of the index",
		func(s multivector.Statistics) float64 { return float64(s.Files) },
	},
	{
		"file_bytes", "Bytes of the files of the index",
		func(s multivector.Statistics) float64 { return float64(s.FileBytes) },
	},
	{
		"files_set_aside", "Damaged files that lay beside those of the index when it was opened",
		func(s multivector.Statistics) float64 { return float64(s.SetAside) },
	},
}

// labels say which indexes a series is of.
type labels struct {
	vector
	shard string
}

// vector is what all shards of a collection share. What happens is counted by it:
// a histogram of searches for each of 10,000 tenants would be 500,000 series.
type vector struct{ class, target string }

// grouped is the labels of all indexes together, where PROMETHEUS_MONITORING_GROUP
// is set.
var grouped = labels{vector{"n/a", "n/a"}, "n/a"}

func (v vector) labels() prometheus.Labels {
	return prometheus.Labels{"class_name": v.class, "target_vector": v.target}
}

// monitor shows the open indexes to one Prometheus registry. How they are it asks
// them when the registry is read, so that what it shows is neither old nor left
// behind by an index that is gone.
type monitor struct {
	stock *monitoring.PrometheusMetrics
	descs []*prometheus.Desc // of gauges

	// Of what happens.
	failures, damaged                    *prometheus.CounterVec
	searches                             *prometheus.HistogramVec
	documents, certified, searchFailures *prometheus.CounterVec

	mu      sync.Mutex
	indexes map[*multivector.Index]labels
	users   map[vector]int // how many of the indexes count in the same series
}

var (
	monitors   = map[prometheus.Registerer]*monitor{}
	monitorsMu sync.Mutex
)

// monitorOf is the monitor of a registry.
func monitorOf(stock *monitoring.PrometheusMetrics) (*monitor, error) {
	monitorsMu.Lock()
	defer monitorsMu.Unlock()
	if m, ok := monitors[stock.Registerer]; ok {
		return m, nil
	}
	m := newMonitor(stock)
	for _, c := range []prometheus.Collector{m, m.failures, m.damaged, m.searches, m.documents, m.certified, m.searchFailures} {
		if err := stock.Registerer.Register(c); err != nil {
			return nil, err
		}
	}
	monitors[stock.Registerer] = m
	return m, nil
}

func newMonitor(stock *monitoring.PrometheusMetrics) *monitor {
	m := &monitor{stock: stock, indexes: map[*multivector.Index]labels{}, users: map[vector]int{}}
	for _, g := range gauges {
		names := []string{"class_name", "shard_name", "target_vector"}
		m.descs = append(m.descs, prometheus.NewDesc(prefix+g.name, g.help, names, nil))
	}
	names := func(more ...string) []string { return append([]string{"class_name", "target_vector"}, more...) }
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, names(more...))
	}
	m.failures = counter("background_failures_total", "Background work that failed and will be tried again", "operation")
	m.damaged = counter("damaged_documents_total", "Documents whose codes a search found damaged")

	m.searches = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: prefix + "search_seconds", Help: "Duration of searches in one shard",
		Buckets: monitoring.LatencyBuckets,
	}, names("precision"))
	m.documents = counter("search_documents_total", "Documents that searches looked at, by how closely", "precision", "stage")
	m.certified = counter("search_certified_total", "Searches whose answer is certain to equal brute force", "precision")
	m.searchFailures = counter("search_failures_total", "Searches that failed, not counting what their callers did wrong", "precision")
	return m
}

// enter makes the series of an index that is about to be opened, to be closed.
func (m *monitor) enter(of labels) *metrics {
	if m.stock.Group {
		of = grouped
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[of.vector]++
	return m.metricsOf(of)
}

// leave removes the series of an index that is closed, but for those that other
// indexes share. Series of all indexes together stay: a counter that fell would say
// that the server had started anew.
func (m *monitor) leave(documents *multivector.Index, of labels) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.indexes, documents)
	if m.users[of.vector]--; m.users[of.vector] > 0 || of == grouped {
		return
	}
	delete(m.users, of.vector)
	m.searches.DeletePartialMatch(of.labels())
	for _, counted := range []*prometheus.CounterVec{m.failures, m.damaged, m.documents, m.certified, m.searchFailures} {
		counted.DeletePartialMatch(of.labels())
	}
}

// Describe implements [prometheus.Collector].
func (m *monitor) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		descs <- d
	}
}

// Collect implements [prometheus.Collector]. Indexes of the same labels are shown
// as one: all of them where they are grouped, and for a moment the old and the new
// one of a shard that is opened again.
func (m *monitor) Collect(series chan<- prometheus.Metric) {
	m.mu.Lock()
	indexes := maps.Clone(m.indexes)
	m.mu.Unlock()
	together := map[labels]multivector.Statistics{}
	for x, of := range indexes {
		together[of] = together[of].Plus(x.Statistics())
	}
	for of, statistics := range together {
		for i, g := range gauges {
			series <- prometheus.MustNewConstMetric(m.descs[i], prometheus.GaugeValue, g.of(statistics),
				of.class, of.shard, of.target)
		}
	}
}
