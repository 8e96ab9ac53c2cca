package module

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/moduletools"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

// fakeEmbedder embeds a page as one vector with its length and a query as one
// vector per word. It fails pages that say "broken", and everything while
// failure is set.
type fakeEmbedder struct {
	mu      sync.Mutex
	calls   [][][]byte // the pages of each call
	queries []string
	closed  int
	failure error
}

// fakeQueryWords is how many words of a query the fake takes.
const fakeQueryWords = 4

// fakeManifest is the hash of the fake's manifest.
var fakeManifest = strings.Repeat("ab", 32)

// errBroken is of a kind that is the client's fault.
var errBroken = fmt.Errorf("%w: broken page", processor.ErrUndecodable)

func (f *fakeEmbedder) EmbedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, pages)
	if err := errors.Join(f.failure, ctx.Err()); err != nil {
		return nil, err
	}
	out := make([]vectorizer.Embedding, len(pages))
	for i, page := range pages {
		if bytes.Contains(page, []byte("broken")) {
			out[i].Err = errBroken
			continue
		}
		out[i].Vectors = vectorsOf(page)
	}
	return out, nil
}

func (f *fakeEmbedder) EmbedQueries(ctx context.Context, queries []string) ([]vectorizer.Embedding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, queries...)
	if err := errors.Join(f.failure, ctx.Err()); err != nil {
		return nil, err
	}
	out := make([]vectorizer.Embedding, len(queries))
	for i, query := range queries {
		words := strings.Fields(query)
		out[i].Cut = max(0, len(words)-fakeQueryWords)
		for _, word := range words[:min(len(words), fakeQueryWords)] {
			out[i].Vectors = append(out[i].Vectors, []float32{float32(len(word))})
			out[i].Tokens = append(out[i].Tokens, vectorizer.Token{Text: word, Prompt: word == "<bos>"})
		}
		if out[i].Vectors == nil {
			out[i].Err = errors.New("query is empty")
		}
	}
	return out, nil
}

func (f *fakeEmbedder) Queued(vectorizer.Kind) int { return 2 }

func (f *fakeEmbedder) Model() vectorizer.Model {
	return vectorizer.Model{
		Name: "fake", Family: "colpali", Dim: 1, VectorsPerPage: 1, Precision: "float32",
		ManifestHash: fakeManifest, Provider: "CPUExecutionProvider",
		Library: "/secret/lib/libonnxruntime.so", RuntimeVersion: "1.2.3",
	}
}

// Layout says that all bytes of a page but the first are patches, two in a row.
func (f *fakeEmbedder) Layout(page []byte) (vectorizer.Layout, error) {
	layout := vectorizer.Layout{Grid: vectorizer.Grid{Width: 2, Height: 2}, Vectors: 5}
	for patch := range 4 {
		layout.Rows = append(layout.Rows, 1+patch)
	}
	return layout, nil
}

func (f *fakeEmbedder) DecodePage(page []byte) (*processor.RGB, error) {
	return processor.DecodeImage(page, processor.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 20})
}

func (f *fakeEmbedder) Close() error {
	f.closed++
	return nil
}

func vectorsOf(page []byte) [][]float32 { return [][]float32{{float32(len(page))}} }

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// started returns an initialised module that runs a fake, and what it logged.
func started(t *testing.T, fake *fakeEmbedder) (*Module, *logrustest.Hook) {
	t.Helper()
	m := New()
	m.open = func(context.Context, config.Runtime, vectorizer.Observer) (model, error) {
		return model{Embedder: fake, demo: true}, nil
	}
	params, logged := initParams()
	require.NoError(t, m.Init(t.Context(), params))
	return m, logged
}

func initParams() (moduletools.ModuleInitParams, *logrustest.Hook) {
	logger, hook := logrustest.NewNullLogger()
	logger.SetLevel(logrus.InfoLevel)
	return moduletools.NewInitParams(nil, nil, nil, logger, nil), hook
}
