package metrics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

// running is a model with two calls of each kind.
type running struct{}

func (running) Model() vectorizer.Model {
	return vectorizer.Model{Name: "fake", ManifestHash: "ab", Provider: "CPUExecutionProvider", RuntimeVersion: "1.2.3"}
}

func (running) Queued(vectorizer.Kind) int { return 2 }

// exercised is metrics of which every series has a value.
func exercised(t *testing.T) *prometheus.Registry {
	t.Helper()
	x, registry := New(), prometheus.NewRegistry()
	require.NoError(t, x.Register(registry))
	x.Runs(running{})
	for _, kind := range vectorizer.Kinds {
		x.Waited(kind, time.Second)
		x.BatchRan(kind, 4, 4120)
		x.Embedded(kind, 3, nil, vectorizer.ErrBusy)
		x.Embedded(kind, 2, []vectorizer.Embedding{{}, {Err: processor.ErrNotImage}}, nil)
	}
	for _, stage := range vectorizer.Stages {
		x.StageRan(stage, time.Second)
		x.OutOfMemory(stage)
	}
	return registry
}

// The page for operators lists what there is, and nothing else.
func TestThePageOfMetricsHasThoseOfTheVectorizer(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	documented := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(" + prefix + "[a-z_]+)` \\| ([a-z]+) \\| ([^|]+) \\| ")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = m[2] + " " + m[3]
	}
	present := map[string]string{}
	families, err := exercised(t).Gather()
	require.NoError(t, err)
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		present[f.GetName()] = strings.ToLower(f.GetType().String()) + " " + strings.Join(labels, ", ")
	}
	require.Equal(t, present, documented)
	for _, stage := range vectorizer.Stages {
		require.Contains(t, string(page), "`"+string(stage)+"`")
	}
	for _, r := range reasons {
		require.Contains(t, string(page), "`"+r.name+"`")
	}
}

func TestFailuresAreCountedByReason(t *testing.T) {
	for want, err := range map[string]error{
		"busy": vectorizer.ErrBusy, "cancelled": context.DeadlineExceeded, "closed": vectorizer.ErrClosed, "query": vectorizer.ErrQuery,
		"image": processor.ErrUndecodable, "output": vectorizer.ErrOutput, "device": errors.New("device lost"),
	} {
		require.Equal(t, want, reasonOf(fmt.Errorf("page: %w", err)))
	}
	families, err := exercised(t).Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, f := range families {
		if f.GetName() != prefix+"failures_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			values[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
		}
	}
	require.Len(t, values, len(vectorizer.Kinds)*(len(reasons)+1), "every reason has a series before anything fails")
	maps.DeleteFunc(values, func(_ string, n float64) bool { return n == 0 })
	require.Equal(t, map[string]float64{"pages busy": 3, "pages image": 1, "queries busy": 3, "queries image": 1}, values)
}

func TestWithoutMonitoringNothingIsRegistered(t *testing.T) {
	require.NoError(t, New().Register(nil))
}
