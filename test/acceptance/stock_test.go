package acceptance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"

	"weaviate-colpali/test/acceptance/server"
)

// The module of a published Weaviate that gets its vectors from our embedding server, and the key that both know.
const (
	stockVectorizer = "multi2multivec-jinaai"
	stockKey        = "a key of the tests"
)

// stockCollection is pageCollection for a Weaviate without our module, whose vectors come from baseURL.
func stockCollection(name, model, baseURL string, index object) *models.Class {
	class := collection(name, pageVector, object{stockVectorizer: object{
		"imageFields": []any{"page"}, "model": model, "baseURL": baseURL,
	}})
	return with(class, func(vector *models.VectorConfig) { vector.VectorIndexConfig = object{"multivector": index} })
}

// TestStockWeaviate: the published server and our embedding server give what our server gives.
func TestStockWeaviate(t *testing.T) {
	ours := shared(t)
	ours.create(t, pageCollection("Stock"))
	ours.imports(t, pageObjects(t, "Stock"))
	want := ours.stored(t, "Stock", pageVector, "")
	model := ours.model(t)

	baseURL := server.StartEmbedder(t, stockKey)
	n := start(t, server.Options{Binary: server.Stock(t), Env: map[string]string{
		"ENABLE_MODULES": stockVectorizer, "JINAAI_APIKEY": stockKey,
	}})
	for class, index := range map[string]object{
		"StockHNSW":   {"enabled": true},
		"StockMuvera": {"enabled": true, "muvera": object{"enabled": true}},
	} {
		t.Run(class, func(t *testing.T) {
			n.create(t, stockCollection(class, model.Name, baseURL, index))
			n.imports(t, pageObjects(t, class))
			documents := n.stored(t, class, pageVector, "")
			requireSameVectors(t, want, documents)
			for _, s := range samples {
				hits := n.search(t, class, query{nearText: n.text(s.question), limit: 3})
				// Neither index compares all pages, but eight are few.
				requireExact(t, queryVectors(t, baseURL, model.Name, s.question), documents, 3, hits)
				require.Equal(t, ids(ours.search(t, "Stock", query{nearText: n.text(s.question), limit: 3})), ids(hits))
			}
			image := n.search(t, class, query{nearImage: n.image(samplePage(t, 1)), limit: 1})
			require.Equal(t, uuid(1).String(), image[0].ID)
			hybrid := n.rest.GraphQL().HybridArgumentBuilder().WithQuery("museum").WithAlpha(0.5)
			require.Contains(t, titles(n.search(t, class, query{hybrid: hybrid, limit: 3})), "museum")
		})
	}
	requireMoved(t, nil, scrape(t, baseURL, stockKey), map[string]float64{
		`vectorizer_colpali_batch_items_sum{kind="pages"}`: float64(2 * (len(samples) + 2)), // nearImage over GraphQL and gRPC
	}, `vectorizer_colpali_batch_items_sum{kind="queries"}`, "process_resident_memory_bytes")
	t.Run("what is wrong is told", func(t *testing.T) { testStockFailures(t, n, model.Name, baseURL) })
}

// testStockFailures: whoever imports or asks hears from the embedding server through Weaviate.
func testStockFailures(t *testing.T, n *node, model, baseURL string) {
	const class = "StockFailures"
	n.create(t, stockCollection(class, model, baseURL, object{"enabled": true}))
	failures := batch(t, n.grpc,
		pageObject(class, 0, "fine", samplePage(t, 0)),
		pageObject(class, 1, "no image", "dGV4dA=="),
		pageObject(class, 2, "half an image", samplePage(t, 2)[:400]))
	require.Empty(t, failures[0])
	require.Contains(t, failures[1], "status: 422 error: input 0: not a supported image")
	require.Contains(t, failures[2], "status: 422 error: input 0: image cannot be decoded")
	require.Len(t, n.stored(t, class, pageVector, ""), 1)
	n.refused(t, class, query{nearText: n.text(" "), limit: 1}, "status: 422 error: input 0: query refused", "at least one word")

	stranger, err := newNode(n.Server, map[string]string{"X-Jinaai-Api-Key": "a guess"})
	require.NoError(t, err)
	stranger.refused(t, class, query{nearText: n.text("tractor"), limit: 1}, "status: 401", "COLPALI_EMBED_KEY")

	const other = "StockOther"
	n.create(t, stockCollection(other, model+"@000000000000", baseURL, object{"enabled": true}))
	n.refused(t, other, query{nearText: n.text("tractor"), limit: 1}, "does not run here")
	require.Contains(t, batch(t, n.grpc, pageObject(other, 0, "page", samplePage(t, 0)))[0], "does not run here")
}

// requireSameVectors allows the last digits to differ: pages go through the model in batches of other sizes.
func requireSameVectors(t *testing.T, want, got map[string]matrix) {
	t.Helper()
	require.Len(t, got, len(want))
	for id := range want {
		require.Len(t, got[id], len(want[id]))
		for i, row := range want[id] {
			require.InDeltaSlice(t, row, got[id][i], 1e-6)
		}
	}
}

// queryVectors asks the embedding server as the module does.
func queryVectors(t *testing.T, baseURL, model, text string) matrix {
	t.Helper()
	body, err := json.Marshal(object{"model": model, "input": []string{text}, "return_multivector": true})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, baseURL+"/v1/embeddings", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+stockKey)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	var answer struct{ Data []struct{ Embeddings matrix } }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return answer.Data[0].Embeddings
}
