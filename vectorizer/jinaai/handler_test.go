package jinaai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer"
)

// recorded is a request of Weaviate's module as module/stock_test.go recorded it, which fails when it changes.
func recorded(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return string(body)
}

func TestRequestsOfTheModule(t *testing.T) {
	for _, test := range []struct {
		name  string
		first []any
		kind  float64
	}{
		{"query", []any{float64(len("tractor engine")), 0.1}, 1},
		{"page", []any{float64(len("a page")), 0.1}, 2},
		{"query-v3", []any{float64(len("tractor engine")), 0.1}, 1},
		{"page-v3", []any{float64(len("a page")), 0.1}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHandler(&fakeEmbedder{})
			body := strings.Replace(recorded(t, test.name), "colqwen-v3", "fake-v1.3", 1)
			status, answer := post(t, h, body)
			require.Equal(t, http.StatusOK, status, answer)
			require.Equal(t, map[string]any{
				"object": "list", "model": "fake-v1.3",
				"data": []any{map[string]any{
					"object": "embedding", "index": 0.0, "embeddings": []any{test.first, []any{test.kind, 0.0}},
				}},
				"usage": map[string]any{"total_tokens": 2.0, "prompt_tokens": 2.0},
			}, answer)
		})
	}
}

func TestMixedInput(t *testing.T) {
	h := newHandler(&fakeEmbedder{})
	status, answer := post(t, h, `{"model":"fake-v1.3","return_multivector":true,"task":"retrieval.query","dimensions":2,"late_chunking":false,
		"input":["ab",{"image":"`+encoded("page")+`"},{"text":"abc"},{"image":"`+encoded("paper")+`"}]}`)
	require.Equal(t, http.StatusOK, status, answer)
	var got []float64
	for i, data := range answer["data"].([]any) {
		require.InDelta(t, i, data.(map[string]any)["index"], 0)
		got = append(got, data.(map[string]any)["embeddings"].([]any)[0].([]any)[0].(float64))
	}
	require.Equal(t, []float64{2, 4, 3, 5}, got)
	require.Equal(t, map[string]any{"total_tokens": 8.0, "prompt_tokens": 8.0}, answer["usage"])

	status, answer = post(t, h, `{"model":"fake-v1.3","return_multivector":true,"input":"alone"}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Len(t, answer["data"], 1)
}

func TestPagesAreReducedAndQueriesAreNot(t *testing.T) {
	h := newHandler(&fakeEmbedder{}, func(o *Options) { o.Keep.PoolFactor = 2 })
	_, answer := post(t, h, recorded(t, "page"))
	require.Equal(t, map[string]any{"total_tokens": 1.0, "prompt_tokens": 1.0}, answer["usage"])
	_, answer = post(t, h, recorded(t, "query"))
	require.Equal(t, map[string]any{"total_tokens": 2.0, "prompt_tokens": 2.0}, answer["usage"])
}

func TestModelNames(t *testing.T) {
	for model, accepted := range map[string]bool{
		"fake-v1.3":                             true,
		"fake-v1.3@abababababab":                true,
		"fake-v1.3@" + strings.Repeat("ab", 32): true,
		"fake-v1.3@abababababa":                 false, // 11 digits
		"fake-v1.3@abababababac":                false,
		"fake-v1.3@" + strings.Repeat("ab", 33): false,
		"fake-v1.3@":                            false,
		"fake":                                  false,
		"":                                      false,
		"jina-embeddings-v4":                    false,
	} {
		status, answer := post(t, newHandler(&fakeEmbedder{}), fmt.Sprintf(`{"model":%q,"return_multivector":true,"input":["a"]}`, model))
		require.Equal(t, accepted, status == http.StatusOK, "%s: %v", model, answer)
		if !accepted {
			require.Contains(t, answer["detail"], `write "model": "fake-v1.3"`)
		}
	}
}

func TestRefused(t *testing.T) {
	const head = `{"model":"fake-v1.3","return_multivector":true,`
	image := func(text string) string { return head + `"input":[{"image":"` + text + `"}]}` }
	for name, test := range map[string]struct{ body, want string }{
		"no JSON":               {`{"model":`, "not a request for embeddings"},
		"nothing":               {``, "not a request for embeddings"},
		"two documents":         {head + `"input":["a"]}{}`, "not a request for embeddings"},
		"a list":                {`[]`, "not a request for embeddings"},
		"no input":              {head + `"task":"retrieval.query"}`, "input is empty"},
		"null":                  {head + `"input":null}`, "it must be a string"},
		"empty input":           {head + `"input":[]}`, "input is empty"},
		"a number":              {head + `"input":["a",7]}`, "input 1: it must be a string"},
		"a list in the list":    {head + `"input":[["a"]]}`, "input 0: it must be a string"},
		"image is a number":     {head + `"input":[{"image":7}]}`, "input 0: it must be a string"},
		"too many":              {head + `"input":[` + strings.Repeat(`"a",`, maxInputs) + `"a"]}`, "more than 32 entries"},
		"a text to store":       {head + `"input":[{"text":"a"}]}`, "not in textFields"},
		"a text to store, v3":   {head + `"task":"retrieval.passage","input":[{"text":"a"}]}`, `the task "retrieval.passage"`},
		"an unknown task":       {head + `"task":"text-matching","input":["a"]}`, `the task "text-matching"`},
		"an empty query":        {head + `"input":[""]}`, "input 0: query refused"},
		"no image":              {head + `"input":[{}]}`, "input 0: it has no image"},
		"text and image":        {head + `"input":[{"text":"a","image":"YQ=="}]}`, "give it one of them"},
		"not base64":            {image("a page"), "input 0: image is not standard base64"},
		"a data URI":            {image("data:image/png;base64,YQ=="), "only what follows its comma"},
		"a large image":         {image(encoded(strings.Repeat("x", maxFakeImage+1))), "the limit is 1024: send a smaller image or raise COLPALI_MAX_IMAGE_BYTES"},
		"a broken image":        {image(encoded("broken")), "input 0: image cannot be decoded: broken page"},
		"single vectors":        {`{"model":"fake-v1.3","input":["a"]}`, "multi2multivec-jinaai"},
		"base64 vectors":        {head + `"embedding_type":"base64","input":["a"]}`, "gives float"},
		"other dimensions":      {head + `"dimensions":128,"input":["a"]}`, "dimensions is 128; vectors of fake-v1.3 have 2"},
		"vectors of any length": {head + `"normalized":false,"input":["a"]}`, "of length one"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := post(t, newHandler(&fakeEmbedder{}), test.body)
			require.Equal(t, http.StatusUnprocessableEntity, status, answer)
			require.Contains(t, answer["detail"], test.want)
		})
	}
}

func TestStatusOfFailures(t *testing.T) {
	for _, test := range []struct {
		failure error
		status  int
		again   string
	}{
		{fmt.Errorf("%w: 256 calls for queries are waiting", vectorizer.ErrBusy), http.StatusTooManyRequests, "1"},
		{vectorizer.ErrClosed, http.StatusServiceUnavailable, "1"},
		{context.Canceled, http.StatusServiceUnavailable, "1"},
		{errNaN, http.StatusInternalServerError, ""},
		{errors.New("device lost"), http.StatusInternalServerError, ""},
	} {
		h := newHandler(&fakeEmbedder{failure: test.failure})
		r := httptest.NewRequest(http.MethodPost, "/v1/embeddings", strings.NewReader(recorded(t, "query")))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, test.status, w.Code)
		require.Equal(t, test.again, w.Header().Get("Retry-After"))
		require.Contains(t, w.Body.String(), test.failure.Error())
	}
	status, answer := post(t, newHandler(&fakeEmbedder{}), strings.Replace(recorded(t, "page"), encoded("a page"), encoded("NaN"), 1))
	require.Equal(t, http.StatusInternalServerError, status, "a page that the model fails is not the client's fault")
	require.Contains(t, answer["detail"], "input 0: model output refused")
}

func TestOtherPathsAndMethods(t *testing.T) {
	h := newHandler(&fakeEmbedder{})
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{http.MethodPost, "/v1/v1/embeddings", http.StatusNotFound, "without a path"},
		{http.MethodGet, "/", http.StatusNotFound, "/v1/embeddings"},
		{http.MethodGet, "/v1/embeddings", http.StatusMethodNotAllowed, "takes POST"},
		{http.MethodPost, "/v1/models", http.StatusMethodNotAllowed, "takes GET"},
		{http.MethodGet, "/metrics", http.StatusNotFound, "nothing at"},
	} {
		status, answer := serve(t, h, httptest.NewRequest(test.method, test.path, nil))
		require.Equal(t, test.status, status, test.path)
		require.Contains(t, answer["detail"], test.want)
	}
	status, answer := serve(t, h, httptest.NewRequest(http.MethodGet, "/v1/models", nil))
	require.Equal(t, http.StatusOK, status)
	model := answer["data"].([]any)[0].(map[string]any)
	require.Equal(t, "fake-v1.3@abababababab", model["pinned"])
}

func TestReadyUntilItLeaves(t *testing.T) {
	h := newHandler(&fakeEmbedder{}, func(o *Options) { o.Key = "secret" }) // probes have no key
	get := func(path string) int {
		status, _ := serve(t, h, httptest.NewRequest(http.MethodGet, path, nil))
		return status
	}
	require.Equal(t, http.StatusNoContent, get("/.well-known/ready"))
	h.Leave()
	require.Equal(t, http.StatusServiceUnavailable, get("/.well-known/ready"))
	require.Equal(t, http.StatusNoContent, get("/.well-known/live"))
}

// A client that leaves takes its page along.
func TestCancelledClient(t *testing.T) {
	fake := &fakeEmbedder{entered: make(chan struct{})}
	server := httptest.NewServer(newHandler(fake))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1/embeddings", strings.NewReader(recorded(t, "page")))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	failed := make(chan error)
	go func() {
		response, err := server.Client().Do(r)
		if err == nil {
			err = response.Body.Close()
		}
		failed <- err
	}()
	<-fake.entered
	cancel()
	<-fake.entered // EmbedPages saw the end of its context
	require.ErrorIs(t, <-failed, context.Canceled)
}

// patient embeds until its context ends or a while has passed, and says whether it was let finish.
type patient struct {
	fakeEmbedder
	takes time.Duration
}

func (p *patient) EmbedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-time.After(p.takes):
		return p.fakeEmbedder.EmbedPages(ctx, pages)
	}
}

// An answer has its time from when it is there, whatever the model took and the connection answered before.
func TestWriteTimeoutIsOfEachAnswer(t *testing.T) {
	const timeout = 50 * time.Millisecond
	h := newHandler(&patient{takes: 4 * timeout})
	h.writeTimeout = timeout
	server := httptest.NewServer(h)
	defer server.Close()
	for range 2 {
		response, err := server.Client().Post(server.URL+"/v1/embeddings", "application/json", strings.NewReader(recorded(t, "page")))
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body) // so that the connection is used again
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		time.Sleep(2 * timeout)
		response, err = server.Client().Get(server.URL + "/.well-known/ready")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusNoContent, response.StatusCode)
	}
}

// The deadline for a body is over when the body is there: a page may take longer.
func TestReadTimeoutEndsWithTheBody(t *testing.T) {
	const timeout = 50 * time.Millisecond
	server := httptest.NewUnstartedServer(newHandler(&patient{takes: 4 * timeout}))
	server.Config.ReadTimeout = timeout
	server.Start()
	defer server.Close()
	response, err := server.Client().Post(server.URL+"/v1/embeddings", "application/json", strings.NewReader(recorded(t, "page")))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
}
