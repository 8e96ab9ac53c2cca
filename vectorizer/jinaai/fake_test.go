package jinaai

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

// fakeEmbedder embeds a text and a page as one vector of its length and one of 1 or 2, what it is.
type fakeEmbedder struct {
	mu      sync.Mutex
	queries []string
	failure error
	// entered, where it is set, is told of each call of EmbedPages, which then waits for its context's end.
	entered chan struct{}
}

var errNaN = fmt.Errorf("%w: a vector is not finite", vectorizer.ErrOutput)

func (f *fakeEmbedder) EmbedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error) {
	if f.entered != nil {
		f.entered <- struct{}{}
		<-ctx.Done()
		f.entered <- struct{}{}
		return nil, context.Cause(ctx)
	}
	all := make([]vectorizer.Embedding, len(pages))
	for i, page := range pages {
		all[i].Vectors = [][]float32{{float32(len(page)), 0.1}, {2, 0}}
		switch {
		case bytes.Contains(page, []byte("broken")):
			all[i] = vectorizer.Embedding{Err: fmt.Errorf("%w: broken page", processor.ErrUndecodable)}
		case bytes.Contains(page, []byte("NaN")):
			all[i] = vectorizer.Embedding{Err: errNaN}
		}
	}
	return all, f.failure
}

func (f *fakeEmbedder) EmbedQueries(_ context.Context, queries []string) ([]vectorizer.Embedding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, queries...)
	all := make([]vectorizer.Embedding, len(queries))
	for i, query := range queries {
		all[i].Vectors = [][]float32{{float32(len(query)), 0.1}, {1, 0}}
		if query == "" {
			all[i] = vectorizer.Embedding{Err: fmt.Errorf("%w: it is empty", vectorizer.ErrQuery)}
		}
	}
	return all, f.failure
}

func (f *fakeEmbedder) Model() vectorizer.Model {
	return vectorizer.Model{Name: "fake-v1.3", Dim: 2, ManifestHash: strings.Repeat("ab", 32)}
}

// maxFakeImage is the limit of the tests' handlers, in bytes.
const maxFakeImage = 1 << 10

func newHandler(e Embedder, change ...func(*Options)) *Handler {
	o := Options{MaxImageBytes: maxFakeImage, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	return New(e, o)
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// post sends a body as the module does, and returns the status and the document that came back.
func post(t *testing.T, h http.Handler, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/embeddings", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return serve(t, h, r)
}

func serve(t *testing.T, h http.Handler, r *http.Request) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	if len(text) == 0 {
		return w.Code, nil
	}
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var document map[string]any
	require.NoError(t, json.Unmarshal(text, &document), "%s", text)
	return w.Code, document
}
