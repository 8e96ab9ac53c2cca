package plaid_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/entities/schema/config"
	"google.golang.org/grpc/metadata"

	plaidconfig "weaviate-colpali/config/plaid"
	"weaviate-colpali/module/plaid"
	"weaviate-colpali/multivector"
)

// overHTTP is the context of a request with the header, as Weaviate makes it.
func overHTTP(values ...string) context.Context {
	return context.WithValue(ctx, plaid.PrecisionHeader, values) //nolint:staticcheck // as Weaviate does
}

func overGRPC(value string) context.Context {
	return metadata.NewIncomingContext(ctx, metadata.Pairs("x-colpali-precision", value))
}

// withPlaid is a config with a plaid block, as that of patched Weaviate.
type withPlaid struct {
	config.VectorIndexConfig
	block plaidconfig.Config
}

func (c withPlaid) PlaidConfig() plaidconfig.Config { return c.block }

// detail is what a search of one query says about itself.
func detail(ctx context.Context, t *testing.T, index *plaid.Index, query [][]float32, k int, name string) any {
	t.Helper()
	ctx = helpers.InitSlowQueryDetails(ctx)
	_, _, err := index.SearchByMultiVector(ctx, query, k, nil)
	require.NoError(t, err)
	return helpers.ExtractSlowQueryDetails(ctx)[name]
}

// used is the precision that a search says it had.
func used(ctx context.Context, t *testing.T, index *plaid.Index) any {
	t.Helper()
	return detail(ctx, t, index, [][]float32{{1, 0}}, 1, "plaid_precision")
}

func TestAQueryMayAskForAnotherPrecision(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1, 0}))
	index := s.openIndex()
	require.Equal(t, plaidconfig.Balanced, used(ctx, t, index))
	require.NoError(t, index.UpdateUserConfig(withPlaid{block: plaidconfig.Config{Enabled: true, Precision: plaidconfig.Fast}}, func() {}))
	require.Equal(t, plaidconfig.Fast, used(ctx, t, index))
	require.Equal(t, plaidconfig.Fast, used(overHTTP(""), t, index), "an empty header asks for nothing")
	for _, precision := range plaidconfig.Precisions {
		require.Equal(t, precision, used(overHTTP(precision), t, index))
		require.Equal(t, precision, used(overGRPC(precision), t, index))
	}
}

func TestAWrongPrecisionIsRefused(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1, 0}))
	index := s.openIndex()
	for _, ctx := range []context.Context{overHTTP("best"), overGRPC("best"), overHTTP("Exact"), overHTTP("fast, exact")} {
		_, _, err := index.SearchByMultiVector(ctx, [][]float32{{1, 0}}, 1, nil)
		require.ErrorIs(t, err, plaid.ErrPrecision)
		_, _, err = index.SearchByMultiVectorDistance(ctx, [][]float32{{1, 0}}, 0, 1, nil)
		require.ErrorIs(t, err, plaid.ErrPrecision)
		request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
		require.ErrorIs(t, plaid.ForwardPrecision(ctx, request), plaid.ErrPrecision, "no other node is asked")
		require.Empty(t, request.Header)
	}
	_, _, err := index.SearchByMultiVector(overHTTP("best"), [][]float32{{1, 0}}, 1, nil)
	require.EqualError(t, err, `wrong precision: the header X-Colpali-Precision must be one of fast, balanced, exact, `+
		`got "best": leave it out for the collection's own`)
}

// A query that comes to one node over HTTP or gRPC searches shards of other nodes.
func TestPrecisionTravelsToAnotherNode(t *testing.T) {
	s := newShard(t)
	s.put(1, 0, colpali([]float32{1, 0}))
	index := s.openIndex()
	var got any
	var headers http.Header
	node := httptest.NewServer(plaid.ReceivePrecision(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		headers = r.Header.Clone()
		got = used(r.Context(), t, index)
	})))
	defer node.Close()
	ask := func(ctx context.Context) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, node.URL, nil)
		require.NoError(t, err)
		require.NoError(t, plaid.ForwardPrecision(ctx, request))
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
	for _, ctx := range []context.Context{overHTTP("exact"), overGRPC("exact")} {
		ask(context.WithValue(ctx, "X-Openai-Api-Key", []string{"secret"})) //nolint:staticcheck // as Weaviate does
		require.Equal(t, plaidconfig.Exact, got)
		require.NotContains(t, headers, "X-Openai-Api-Key", "nothing else travels")
	}
	ask(ctx)
	require.Equal(t, plaidconfig.Balanced, got)
	require.NotContains(t, headers, plaid.PrecisionHeader)
}

// The more results a balanced search is to find, the more documents it looks at, of as
// many as make the index train its centroids.
func TestTheRecallOfTheCollectionDecidesHowFarABalancedSearchLooks(t *testing.T) {
	s := newShard(t)
	r := rand.New(rand.NewPCG(91, 92))
	documents := make([][][]float32, 2100)
	for id := range documents {
		var key uuid.UUID
		binary.BigEndian.PutUint64(key[8:], uint64(id))
		documents[id] = randomRows(r, 3, 8)
		s.putObject(key, uint64(id), colpali(documents[id]...))
	}
	metrics, _ := monitored(false)
	index := s.openAs("Recalling", "one", "colpali", metrics, "")
	require.Eventually(t, func() bool {
		durations := gather(t, prometheus.DefaultGatherer, "Recalling")["vector_index_background_operations_durations_ms"]
		return durations.series["Recalling tune one"] == 1
	}, time.Minute, 10*time.Millisecond)

	queries := documents[:20]
	reranked := func(ctx context.Context, recall float64) (sum int) {
		block := plaidconfig.Config{Enabled: true, Recall: recall}
		require.NoError(t, index.UpdateUserConfig(withPlaid{block: block}, func() {}))
		for _, query := range queries {
			sum += detail(ctx, t, index, query, 1, "plaid_reranked").(int)
		}
		return sum
	}
	require.Equal(t, len(documents), detail(ctx, t, index, queries[0], 1, "plaid_scanned"), "too few for postings")
	require.LessOrEqual(t, reranked(ctx, plaidconfig.MinRecall), reranked(ctx, 0))
	require.Less(t, reranked(ctx, 0), reranked(ctx, plaidconfig.MaxRecall))
	require.Less(t, reranked(ctx, plaidconfig.MaxRecall), len(queries)*len(documents), "still no exact search")
	require.Equal(t, reranked(ctx, plaidconfig.DefaultRecall), reranked(ctx, 0))
	require.InDelta(t, plaidconfig.DefaultRecall, multivector.DefaultRecall, 0)
	for _, precision := range []string{plaidconfig.Fast, plaidconfig.Exact} {
		ctx := overHTTP(precision)
		require.Equal(t, reranked(ctx, plaidconfig.MinRecall), reranked(ctx, plaidconfig.MaxRecall), precision)
	}
}
