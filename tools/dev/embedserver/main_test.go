package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/jinaai"
)

func TestListenWantsAKeyBeyondLoopback(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		listener, err := listen(address, "")
		require.NoError(t, err)
		require.NoError(t, listener.Close())
	}
	for _, address := range []string{":0", "0.0.0.0:0"} {
		_, err := listen(address, "")
		require.ErrorContains(t, err, "set COLPALI_EMBED_KEY")
		listener, err := listen(address, "secret")
		require.NoError(t, err)
		require.NoError(t, listener.Close())
	}
	_, err := listen("127.0.0.1:port", "")
	require.ErrorContains(t, err, "-listen")
}

// slow embeds once it is let go.
type slow struct{ began, goOn chan struct{} }

func (s slow) EmbedPages(context.Context, [][]byte) ([]vectorizer.Embedding, error) { return nil, nil }

func (s slow) EmbedQueries(context.Context, []string) ([]vectorizer.Embedding, error) {
	close(s.began)
	<-s.goOn
	return []vectorizer.Embedding{{Vectors: [][]float32{{1}}}}, nil
}

func (s slow) Model() vectorizer.Model { return vectorizer.Model{Name: "slow", Dim: 1} }

// A request that is under way when the server is asked to end gets its answer.
func TestServeLetsRequestsFinish(t *testing.T) {
	listener, err := listen("127.0.0.1:0", "")
	require.NoError(t, err)
	embedder := slow{make(chan struct{}), make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, listener, jinaai.New(embedder, jinaai.Options{MaxImageBytes: 1 << 10, Log: slog.New(slog.DiscardHandler)}))
	}()
	status := make(chan int, 1)
	go func() {
		body := strings.NewReader(`{"model":"slow","return_multivector":true,"input":["a"]}`)
		response, err := http.Post("http://"+listener.Addr().String()+"/v1/embeddings", "application/json", body)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		response.Body.Close()
		status <- response.StatusCode
	}()
	<-embedder.began
	stop()
	close(embedder.goOn)
	require.Equal(t, http.StatusOK, <-status)
	require.NoError(t, <-ended)
}
