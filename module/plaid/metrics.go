package plaid

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"weaviate-colpali/multivector"
)

// metrics is what one index counts for its [monitor]. A nil one, where monitoring
// is off, counts nothing. The series are looked up once: one that is used after it
// was removed, as by a search that outlives its shard, does not come back.
type metrics struct {
	monitor   *monitor
	shard     labels
	documents atomic.Pointer[multivector.Index] // nil until it is open

	// Weaviate's own.
	size, tombstones       prometheus.Gauge
	created, deleted       prometheus.Gauge
	createTime, deleteTime prometheus.Observer
	jobTime                map[multivector.Job]prometheus.Observer
	jobFailures            map[multivector.Job]prometheus.Counter
	damaged                prometheus.Counter
	searches               map[multivector.Precision]*searches
}

// searches counts those of one precision.
type searches struct {
	took                                  prometheus.Observer
	candidates, reranked, scored, missing prometheus.Counter
	certified, failures                   prometheus.Counter
}

// precisions is the label of each.
var precisions = map[multivector.Precision]string{
	multivector.Balanced: "balanced",
	multivector.Exact:    "exact",
	multivector.Fast:     "fast",
}

// Labels of Weaviate's series: the whole of an operation, and the opening of an
// index.
const (
	wholeStep     = "total"
	openOperation = "plaid_open"
)

// newMetrics is the series of a shard's index, nil where monitoring is off.
func newMetrics(shard Shard, logger logrus.FieldLogger) *metrics {
	if shard.Metrics == nil {
		return nil
	}
	m, err := monitorOf(shard.Metrics)
	if err != nil { // no reason to be without the index, too
		logger.WithField("action", "open_plaid_index").WithError(err).Error("the plaid index has no metrics")
		return nil
	}
	return m.enter(labels{vector{shard.Class, shard.TargetVector}, shard.Name})
}

// metricsOf is the series of an index.
func (m *monitor) metricsOf(shard labels) *metrics {
	stock := func(operation string) prometheus.Labels {
		return prometheus.Labels{"class_name": shard.class, "shard_name": shard.shard, "operation": operation}
	}
	step := func(operation string) prometheus.Labels {
		l := stock(operation)
		l["step"] = wholeStep
		return l
	}
	x := &metrics{
		monitor: m, shard: shard,
		size:        m.stock.VectorIndexSize.WithLabelValues(shard.class, shard.shard),
		tombstones:  m.stock.VectorIndexTombstones.WithLabelValues(shard.class, shard.shard),
		created:     m.stock.VectorIndexOperations.With(stock("create")),
		deleted:     m.stock.VectorIndexOperations.With(stock("delete")),
		createTime:  m.stock.VectorIndexDurations.With(step("create")),
		deleteTime:  m.stock.VectorIndexDurations.With(step("delete")),
		jobTime:     map[multivector.Job]prometheus.Observer{},
		jobFailures: map[multivector.Job]prometheus.Counter{},
		damaged:     m.damaged.With(shard.labels()),
		searches:    map[multivector.Precision]*searches{},
	}
	for _, job := range multivector.Jobs {
		x.jobTime[job] = m.stock.VectorIndexBackgroundOperationsDurations.With(stock(string(job)))
		x.jobFailures[job] = m.failures.MustCurryWith(shard.labels()).WithLabelValues(string(job))
	}
	for precision, name := range precisions {
		l := shard.labels()
		l["precision"] = name
		documents := m.documents.MustCurryWith(l)
		x.searches[precision] = &searches{
			took:       m.searches.With(l),
			candidates: documents.WithLabelValues("candidates"),
			reranked:   documents.WithLabelValues("reranked"),
			scored:     documents.WithLabelValues("scored"),
			missing:    documents.WithLabelValues("missing"),
			certified:  m.certified.With(l),
			failures:   m.searchFailures.With(l),
		}
	}
	return x
}

// added counts n documents that were added.
func (x *metrics) added(n int, began time.Time) {
	if x == nil || n == 0 {
		return
	}
	x.created.Add(float64(n))
	observeEach(x.createTime, n, began)
	x.show()
}

// removed counts n documents that were deleted.
func (x *metrics) removed(n int, began time.Time) {
	if x == nil || n == 0 {
		return
	}
	x.deleted.Add(float64(n))
	observeEach(x.deleteTime, n, began)
	x.show()
}

// observeEach is what an operation on n documents took of each, in Weaviate's unit.
func observeEach(o prometheus.Observer, n int, began time.Time) {
	each := milliseconds(time.Since(began)) / float64(n)
	for range n {
		o.Observe(each)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// show sets the series of Weaviate's that say how an index is. Of several indexes
// of a shard they show the one that changed last, whatever type it has.
func (x *metrics) show() {
	if x == nil {
		return
	}
	documents := x.documents.Load()
	if documents == nil {
		return
	}
	s := documents.Statistics()
	x.size.Set(float64(s.Documents))
	x.tombstones.Set(float64(s.Deleted))
}

// opened shows an index that opened.
func (x *metrics) opened(documents *multivector.Index, began time.Time) {
	if x == nil {
		return
	}
	x.monitor.stock.StartupDurations.WithLabelValues(openOperation, x.shard.class, x.shard.shard).
		Observe(milliseconds(time.Since(began)))
	x.documents.Store(documents)
	x.show()
	x.monitor.mu.Lock()
	defer x.monitor.mu.Unlock()
	x.monitor.indexes[documents] = x.shard
}

// closed removes what is shown of an index, or of one that did not open. It is
// called once.
func (x *metrics) closed() {
	if x != nil {
		x.monitor.leave(x.documents.Load(), x.shard)
	}
}

// searched counts a search. What its caller did wrong or gave up is not counted.
func (x *metrics) searched(precision multivector.Precision, began time.Time, trace multivector.Trace, err error) {
	if x == nil {
		return
	}
	s := x.searches[precision]
	switch {
	case err == nil:
	case errors.Is(err, multivector.ErrDimension), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return
	default:
		s.failures.Inc()
		return
	}
	s.took.Observe(time.Since(began).Seconds())
	s.candidates.Add(float64(trace.Candidates))
	s.reranked.Add(float64(trace.Reranked))
	s.scored.Add(float64(trace.Scored))
	s.missing.Add(float64(trace.Missing))
	if trace.Certified {
		s.certified.Inc()
	}
}

// JobEnded is told by the index.
func (x *metrics) JobEnded(job multivector.Job, took time.Duration, err error) {
	if x == nil {
		return
	}
	if err != nil {
		x.jobFailures[job].Inc()
		return
	}
	x.jobTime[job].Observe(milliseconds(took))
	x.show()
}

// DocumentsDamaged is told by the index.
func (x *metrics) DocumentsDamaged(n int) {
	if x != nil {
		x.damaged.Add(float64(n))
	}
}

var _ multivector.Observer = (*metrics)(nil)
