// Package metrics shows Prometheus what a vectorizer does, under whatever server it runs.
package metrics

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

// prefix begins the names of the vectorizer's series, as vector_index_plaid_ those of the index.
const prefix = "vectorizer_colpali_"

// latencyBuckets are those of Weaviate, in seconds, so that one panel fits all.
var latencyBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100}

// Metrics is what Prometheus sees of the vectorizer. It counts whether or not anybody reads it.
type Metrics struct {
	waited, items, tokens, stages *prometheus.HistogramVec
	failures, outOfMemory         *prometheus.CounterVec
	model                         *prometheus.GaugeVec
	queued                        *queued
}

// New returns metrics that are at 0.
func New() *Metrics {
	histogram := func(name, help string, buckets []float64, label string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, []string{label})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	}
	x := &Metrics{
		waited: histogram("queue_wait_seconds", "How long batches waited for a device", latencyBuckets, "kind"),
		items:  histogram("batch_items", "Pages or queries in a batch", prometheus.ExponentialBuckets(1, 2, 7), "kind"),
		tokens: histogram("batch_tokens", "Tokens in a batch, padding included", prometheus.ExponentialBuckets(16, 2, 13), "kind"),
		stages: histogram("stage_seconds", "Duration of a stage: decode of one page, the others of a batch", latencyBuckets, "stage"),

		failures:    counter("failures_total", "Pages and queries that got no vectors", "kind", "reason"),
		outOfMemory: counter("out_of_memory_total", "Batches that did not fit into the device's memory and were halved", "stage"),
		model: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "model_info", Help: "1 for the model that runs, and what it runs on",
		}, []string{"model", "manifest", "provider", "onnxruntime"}),
		queued: &queued{desc: prometheus.NewDesc(prefix+"queue_length", "Calls that run or wait for a device", []string{"kind"}, nil)},
	}
	x.begin()
	return x
}

// begin has every series at 0 from the start: increase() does not see the step from no series to 1.
func (x *Metrics) begin() {
	for _, kind := range vectorizer.Kinds {
		for _, perKind := range []*prometheus.HistogramVec{x.waited, x.items, x.tokens} {
			perKind.WithLabelValues(kind.String())
		}
		for _, r := range reasons {
			x.failures.WithLabelValues(kind.String(), r.name)
		}
		x.failures.WithLabelValues(kind.String(), otherReason)
	}
	for _, stage := range vectorizer.Stages {
		x.stages.WithLabelValues(string(stage))
	}
	for _, stage := range []vectorizer.Stage{vectorizer.StageVision, vectorizer.StageText} {
		x.outOfMemory.WithLabelValues(string(stage))
	}
}

// Register shows the metrics to a registry, nil where monitoring is off.
func (x *Metrics) Register(registry prometheus.Registerer) error {
	if registry == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{x.waited, x.items, x.tokens, x.stages, x.failures, x.outOfMemory, x.model, x.queued} {
		if err := registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Running is what the metrics ask a [vectorizer.Vectorizer].
type Running interface {
	Model() vectorizer.Model
	Queued(of vectorizer.Kind) int
}

// Runs shows what runs, and from when on there is a queue to be seen.
func (x *Metrics) Runs(loaded Running) {
	running := loaded.Model()
	x.model.WithLabelValues(running.Name, running.ManifestHash, running.Provider, running.RuntimeVersion).Set(1)
	x.queued.of = loaded.Queued
}

// Waited implements [vectorizer.Observer].
func (x *Metrics) Waited(of vectorizer.Kind, took time.Duration) {
	x.waited.WithLabelValues(of.String()).Observe(took.Seconds())
}

// BatchRan implements [vectorizer.Observer].
func (x *Metrics) BatchRan(of vectorizer.Kind, items, tokens int) {
	x.items.WithLabelValues(of.String()).Observe(float64(items))
	x.tokens.WithLabelValues(of.String()).Observe(float64(tokens))
}

// StageRan implements [vectorizer.Observer].
func (x *Metrics) StageRan(stage vectorizer.Stage, took time.Duration) {
	x.stages.WithLabelValues(string(stage)).Observe(took.Seconds())
}

// OutOfMemory implements [vectorizer.Observer].
func (x *Metrics) OutOfMemory(stage vectorizer.Stage) {
	x.outOfMemory.WithLabelValues(string(stage)).Inc()
}

var _ vectorizer.Observer = (*Metrics)(nil)

// reasons are the kinds of failures, the first that fits counts.
var reasons = []struct {
	name string
	of   []error
}{
	{"busy", []error{vectorizer.ErrBusy}},
	{"cancelled", []error{context.Canceled, context.DeadlineExceeded}},
	{"closed", []error{vectorizer.ErrClosed}},
	{"query", []error{vectorizer.ErrQuery}},
	{"image", []error{processor.ErrTooLarge, processor.ErrNotImage, processor.ErrUndecodable}},
	{"output", []error{vectorizer.ErrOutput}},
}

const otherReason = "device"

func reasonOf(err error) string {
	for _, r := range reasons {
		if slices.ContainsFunc(r.of, func(kind error) bool { return errors.Is(err, kind) }) {
			return r.name
		}
	}
	return otherReason
}

// Embedded counts what a call for n pages or queries did not give.
func (x *Metrics) Embedded(of vectorizer.Kind, n int, embeddings []vectorizer.Embedding, err error) {
	if err != nil {
		x.failures.WithLabelValues(of.String(), reasonOf(err)).Add(float64(n))
		return
	}
	for _, e := range embeddings {
		if e.Err != nil {
			x.failures.WithLabelValues(of.String(), reasonOf(e.Err)).Inc()
		}
	}
}

// queued asks how long the queues are when Prometheus does.
type queued struct {
	desc *prometheus.Desc
	of   func(vectorizer.Kind) int
}

// Describe implements [prometheus.Collector].
func (q *queued) Describe(descs chan<- *prometheus.Desc) { descs <- q.desc }

// Collect implements [prometheus.Collector].
func (q *queued) Collect(series chan<- prometheus.Metric) {
	if q.of == nil {
		return
	}
	for _, kind := range vectorizer.Kinds {
		series <- prometheus.MustNewConstMetric(q.desc, prometheus.GaugeValue, float64(q.of(kind)), kind.String())
	}
}
