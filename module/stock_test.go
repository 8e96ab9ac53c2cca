package module

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/modules/multi2multivec-jinaai/clients"
	stock "github.com/weaviate/weaviate/modules/multi2multivec-jinaai/vectorizer"
	"github.com/weaviate/weaviate/usecases/modules"

	"weaviate-colpali/vectorizer/jinaai"
)

// These tests drive Weaviate's own module multi2multivec-jinaai against the embedding server of people who
// cannot run ours. They hold the recorded requests in vectorizer/jinaai/testdata to what it sends.

var record = flag.Bool("record", false, "write the requests of Weaviate's module to vectorizer/jinaai/testdata")

const stockName = "multi2multivec-jinaai"

// stockModule is the vectorizer of Weaviate's module, and the body of its last request.
type stockModule struct {
	*stock.Vectorizer
	url  string
	body []byte
}

func newStock(t *testing.T, fake *fakeEmbedder, key string) *stockModule {
	t.Helper()
	logger, _ := logrustest.NewNullLogger()
	m := &stockModule{Vectorizer: stock.New(clients.New(key, 0, logger))}
	handler := jinaai.New(fake, jinaai.Options{Key: "secret", MaxImageBytes: 1 << 10, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if m.body, err = io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(m.body))
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// settings are those of a collection, whose model is called so.
func (m *stockModule) settings(model string) *modules.ClassBasedModuleConfig {
	class := pageClass(stockName, object{"imageFields": []any{"page"}, "model": model, "baseURL": m.url}, nil)
	return modules.NewClassBasedModuleConfig(class, stockName, "", vectorName, nil)
}

func (m *stockModule) page(t *testing.T, model, blob string) ([][]float32, error) {
	t.Helper()
	vectors, _, err := m.Object(t.Context(), &models.Object{Class: "Page", Properties: object{"title": "t", "page": blob}}, m.settings(model))
	return vectors, err
}

func TestStockModuleGetsVectors(t *testing.T) {
	m := newStock(t, &fakeEmbedder{}, "secret")
	vectors, err := m.page(t, "fake", encoded("a page"))
	require.NoError(t, err)
	require.Equal(t, vectorsOf([]byte("a page")), vectors)
	vectors, err = m.Texts(t.Context(), []string{"tractor engine"}, m.settings("fake@abababababab"))
	require.NoError(t, err)
	require.Equal(t, [][]float32{{7}, {6}}, vectors)
	vectors, err = m.VectorizeImage(t.Context(), "", encoded("an image"), m.settings("fake"))
	require.NoError(t, err)
	require.Equal(t, vectorsOf([]byte("an image")), vectors)
}

// What goes wrong is told to whoever imports or asks, by the text that Weaviate makes of it.
func TestStockModuleHearsWhatIsWrong(t *testing.T) {
	m := newStock(t, &fakeEmbedder{}, "secret")
	for _, test := range []struct{ model, blob, want string }{
		{"fake", encoded("broken"), "failed with status: 422 error: input 0: image cannot be decoded: broken page"},
		{"fake", "data:image/png;base64,YQ==", "422 error: input 0: image is a data: URI: send only what follows its comma"},
		{"fake", encoded(strings.Repeat("x", 1<<10+1)), "422 error: input 0: image has 1025 bytes, the limit is 1024"},
		{"jina-embeddings-v4", encoded("a page"), `write "model": "fake" into the collection's settings`},
	} {
		_, err := m.page(t, test.model, test.blob)
		require.ErrorContains(t, err, test.want)
	}
	_, err := m.Texts(t.Context(), []string{" "}, m.settings("fake"))
	require.ErrorContains(t, err, "query is empty")

	_, err = newStock(t, &fakeEmbedder{}, "guess").page(t, "fake", encoded("a page"))
	require.ErrorContains(t, err, "failed with status: 401 error: the key is missing or wrong")
	_, err = newStock(t, &fakeEmbedder{failure: errors.New("device lost")}, "secret").page(t, "fake", encoded("a page"))
	require.ErrorContains(t, err, "failed with status: 500 error: device lost")
}

func TestRecordedRequestsAreThoseOfTheStockModule(t *testing.T) {
	m := newStock(t, &fakeEmbedder{}, "secret")
	for name, send := range map[string]func(model string){
		// Refused or not, the request has been sent.
		"query": func(model string) { _, _ = m.Texts(t.Context(), []string{"tractor engine"}, m.settings(model)) },
		"page":  func(model string) { _, _ = m.page(t, model, encoded("a page")) },
	} {
		for suffix, model := range map[string]string{"": "fake-v1.3", "-v3": "colqwen-v3"} { // v3 in a name makes the client send more
			send(model)
			file := filepath.Join("..", "vectorizer", "jinaai", "testdata", name+suffix+".json")
			var body bytes.Buffer
			require.NoError(t, json.Indent(&body, m.body, "", "  "))
			body.WriteByte('\n')
			if *record {
				require.NoError(t, os.WriteFile(file, body.Bytes(), 0o600))
			}
			recorded, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(recorded), body.String(), "record anew: go test ./module -run Recorded -record")
		}
	}
}
