package acceptance

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// scrape reads all series of a server.
func (n *node) scrape(t *testing.T) map[string]float64 {
	t.Helper()
	return scrape(t, "http://"+n.Metrics, "")
}

// scrape reads all series, by name and labels as Prometheus writes them.
func scrape(t *testing.T, url, key string) map[string]float64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	series := map[string]float64{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		line := lines.Text()
		if end := strings.LastIndex(line, " "); end > 0 && line[0] != '#' {
			value, err := strconv.ParseFloat(line[end+1:], 64)
			require.NoError(t, err, line)
			series[line[:end]] = value
		}
	}
	return series
}

// of is the series of a collection and, as documented, of this index, whatever shard it has.
func of(series map[string]float64, class string) map[string]float64 {
	shard := regexp.MustCompile(`shard_name="[^"]*"`)
	found := map[string]float64{}
	for name, value := range series {
		if strings.HasPrefix(name, "vector_index_") && strings.Contains(name, `class_name="`+class+`"`) {
			found[shard.ReplaceAllString(name, `shard_name=""`)] = value
		}
	}
	return found
}

// TestMetrics: Prometheus sees what is imported, searched and deleted, by the names that docs/metrics.md
// promises, and nothing of a collection that is gone.
func TestMetrics(t *testing.T) {
	n := start(t, server.Options{Env: map[string]string{"PROMETHEUS_MONITORING_ENABLED": "true"}})
	const class, count = "Metrics", 40
	collection := matrixCollection(class)
	require.NoError(t, n.rest.Schema().ClassCreator().WithClass(collection).Do(t.Context()))
	n.imports(t, matrixObjects(class, count, 80))
	require.NoError(t, n.rest.Data().Deleter().WithClassName(class).WithID(uuid(7).String()).Do(t.Context()))
	n.settle(t)
	near := query{nearVector: n.vector(ownVector, randomMatrix(seeded(81), 4, matrixDim)), limit: 5}
	for range 3 {
		require.Len(t, n.search(t, class, near), 5) // over GraphQL and over gRPC
	}

	shown := of(n.scrape(t), class)
	const index, search = `{class_name="Metrics",shard_name="",target_vector="own"}`, `{class_name="Metrics",precision="balanced",target_vector="own"}`
	for name, want := range map[string]float64{
		"vector_index_plaid_documents" + index:               count - 1,
		"vector_index_plaid_documents_waiting" + index:       0,
		"vector_index_plaid_documents_in_memory" + index:     count - 1,
		"vector_index_plaid_documents_deleted" + index:       1,
		"vector_index_plaid_files_set_aside" + index:         0,
		"vector_index_plaid_search_seconds_count" + search:   6,
		"vector_index_plaid_search_certified_total" + search: 6,
		"vector_index_plaid_search_failures_total" + search:  0,
		`vector_index_plaid_search_documents_total{class_name="Metrics",precision="balanced",stage="candidates",target_vector="own"}`: 6 * (count - 1),
		`vector_index_plaid_background_failures_total{class_name="Metrics",operation="read",target_vector="own"}`:                     0,
		`vector_index_size{class_name="Metrics",shard_name=""}`:                                                                       count - 1,
		`vector_index_tombstones{class_name="Metrics",shard_name=""}`:                                                                 1,
		`vector_index_operations{class_name="Metrics",operation="create",shard_name=""}`:                                              count,
		`vector_index_operations{class_name="Metrics",operation="delete",shard_name=""}`:                                              1,
	} {
		require.Contains(t, shown, name)
		require.InDelta(t, want, shown[name], 0, name)
	}

	// A restart writes what was in memory, and begins to count anew.
	require.NoError(t, n.Stop())
	require.NoError(t, n.Restart())
	require.Len(t, n.search(t, class, near), 5)
	shown = of(n.scrape(t), class)
	require.InDelta(t, count-1, shown["vector_index_plaid_documents"+index], 0)
	require.InDelta(t, 0, shown["vector_index_plaid_documents_in_memory"+index], 0)
	require.InDelta(t, 1, shown["vector_index_plaid_files"+index], 0)
	require.InDelta(t, onDisk(t, n), shown["vector_index_plaid_file_bytes"+index], 0)
	require.InDelta(t, 2, shown["vector_index_plaid_search_seconds_count"+search], 0)

	require.NoError(t, n.rest.Schema().ClassDeleter().WithClassName(class).Do(t.Context()))
	require.Empty(t, of(n.scrape(t), class), "the collection is gone")
}

// TestVectorizerMetrics: Prometheus sees what the model does for imports and searches, and what it refuses.
func TestVectorizerMetrics(t *testing.T) {
	n := start(t, server.Options{Env: map[string]string{"PROMETHEUS_MONITORING_ENABLED": "true"}})
	const class = "VectorizerMetrics"
	n.create(t, pageCollection(class))
	before := n.scrape(t)
	n.imports(t, pageObjects(t, class))
	require.NotEmpty(t, batch(t, n.rest, pageObject(class, 20, "no image", "dGV4dA=="))[0])
	n.search(t, class, query{nearText: n.text("tractor"), limit: 1}) // over GraphQL and over gRPC
	n.refused(t, class, query{nearText: n.text(" "), limit: 1}, "query refused")
	requireMoved(t, before, n.scrape(t), map[string]float64{
		`vectorizer_colpali_batch_items_sum{kind="pages"}`:                 float64(len(samples)),
		`vectorizer_colpali_batch_items_sum{kind="queries"}`:               2,
		`vectorizer_colpali_stage_seconds_count{stage="decode"}`:           float64(len(samples)),
		`vectorizer_colpali_failures_total{kind="pages",reason="image"}`:   1,
		`vectorizer_colpali_failures_total{kind="queries",reason="query"}`: 2,
		`vectorizer_colpali_failures_total{kind="pages",reason="busy"}`:    0,
		`vectorizer_colpali_queue_length{kind="pages"}`:                    0,
		`vectorizer_colpali_queue_wait_seconds_count{kind="queries"}`:      2,
	}, "vectorizer_colpali_queue_wait_seconds_count{kind=\"pages\"}", "vectorizer_colpali_batch_tokens_sum{kind=\"pages\"}",
		"vectorizer_colpali_batch_tokens_sum{kind=\"queries\"}", "vectorizer_colpali_stage_seconds_sum{stage=\"vision\"}",
		"vectorizer_colpali_stage_seconds_sum{stage=\"text\"}")
}

// requireMoved wants series to have grown by so much, and those named behind to have grown.
func requireMoved(t *testing.T, before, after, by map[string]float64, grown ...string) {
	t.Helper()
	for name, want := range by {
		require.Contains(t, after, name)
		require.InDelta(t, want, after[name]-before[name], 1e-9, name)
	}
	for _, name := range grown {
		require.Greater(t, after[name], before[name], name)
	}
}

// onDisk is the bytes of all files of indexes.
func onDisk(t *testing.T, n *node) (bytes int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(n.Dir, "data", "*", "*", "*.plaid.d", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		info, err := os.Stat(name)
		require.NoError(t, err)
		bytes += info.Size()
	}
	return bytes
}

// TestGroupedMetrics: with PROMETHEUS_MONITORING_GROUP there is one series for all collections.
func TestGroupedMetrics(t *testing.T) {
	n := start(t, server.Options{Env: map[string]string{
		"PROMETHEUS_MONITORING_ENABLED": "true", "PROMETHEUS_MONITORING_GROUP": "true",
	}})
	n.create(t, matrixCollection("GroupedOne"))
	n.create(t, matrixCollection("GroupedTwo"))
	n.imports(t, matrixObjects("GroupedOne", 10, 82))
	n.imports(t, matrixObjects("GroupedTwo", 5, 83))
	series := n.scrape(t)
	require.Empty(t, of(series, "GroupedOne"))
	require.InDelta(t, 15, of(series, "n/a")[`vector_index_plaid_documents{class_name="n/a",shard_name="",target_vector="n/a"}`], 0)
}

// TestMetaOfIndexes: /v1/meta tells how large the indexes are together, and names none.
func TestMetaOfIndexes(t *testing.T) {
	n := start(t, server.Options{})
	index := func() (totals map[string]float64) {
		var meta struct {
			Modules map[string]struct {
				Index map[string]float64 `json:"index"`
			} `json:"modules"`
		}
		n.get(t, "/meta", &meta)
		return meta.Modules[vectorizer].Index
	}
	require.Equal(t, map[string]float64{"indexes": 0, "documents": 0, "documentsWaiting": 0, "fileBytes": 0, "filesSetAside": 0}, index())
	n.create(t, matrixCollection("MetaOne"))
	n.create(t, matrixCollection("MetaTwo"))
	n.imports(t, matrixObjects("MetaOne", 10, 84))
	n.imports(t, matrixObjects("MetaTwo", 5, 85))
	totals := index()
	require.InDelta(t, 2, totals["indexes"], 0)
	require.InDelta(t, 15, totals["documents"], 0)
	require.InDelta(t, 0, totals["documentsWaiting"], 0)
}
