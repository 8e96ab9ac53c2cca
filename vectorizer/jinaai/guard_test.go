package jinaai

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKey(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	h := newHandler(&fakeEmbedder{}, func(o *Options) { o.Key, o.Metrics = "secret", metrics })
	for authorization, accepted := range map[string]bool{
		"Bearer secret": true, "": false, "Bearer ": false, "Bearer secre": false, "Bearer secrets": false, "Bearer SECRET": false,
	} {
		for path, method := range map[string]string{
			"/v1/embeddings": http.MethodPost, "/v1/models": http.MethodGet, "/metrics": http.MethodGet,
		} {
			r := httptest.NewRequest(method, path, strings.NewReader(recorded(t, "query")))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", authorization)
			status, answer := serve(t, h, r)
			require.Equal(t, accepted, status != http.StatusUnauthorized, "%q %s: %v", authorization, path, answer)
			if !accepted {
				require.Contains(t, answer["detail"], "COLPALI_EMBED_KEY")
				require.NotContains(t, answer["detail"], "secret")
			}
		}
	}
}

func TestBodiesAreMeasuredBeforeTheyAreRead(t *testing.T) {
	h := newHandler(&fakeEmbedder{})
	send := func(change func(*http.Request)) (int, map[string]any) {
		r := httptest.NewRequest(http.MethodPost, "/v1/embeddings", unread{t})
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = 100
		change(r)
		return serve(t, h, r)
	}
	status, answer := send(func(r *http.Request) { r.ContentLength = h.maxBody + 1 })
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Contains(t, answer["detail"], "raise COLPALI_MAX_IMAGE_BYTES")
	status, _ = send(func(r *http.Request) { r.ContentLength = -1 })
	require.Equal(t, http.StatusLengthRequired, status)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		status, _ = send(func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		require.Equal(t, http.StatusUnsupportedMediaType, status, kind)
	}

	// The largest image that is allowed goes through, and needs all of the memory that this handler has.
	largest := `{"model":"fake-v1.3","return_multivector":true,"input":[{"image":"` + encoded(strings.Repeat("x", maxFakeImage)) + `"}]}`
	status, answer = post(t, h, largest+strings.Repeat(" ", int(h.maxBody)-len(largest)))
	require.Equal(t, http.StatusOK, status, answer)
	require.True(t, h.memory.TryAcquire(copies*h.maxBody), "a request gives its memory back")
	status, answer = post(t, h, recorded(t, "query"))
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Contains(t, answer["detail"], "try again later")
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, http.ErrBodyReadAfterClose
}

func TestBodyThatEndsEarly(t *testing.T) {
	server := httptest.NewServer(newHandler(&fakeEmbedder{}))
	defer server.Close()
	r := httptest.NewRequest(http.MethodPost, "/v1/embeddings", &failing{strings.NewReader(`{"model"`)})
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = 100
	status, answer := serve(t, newHandler(&fakeEmbedder{}), r)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, answer["detail"], "ended early")
}

type failing struct{ *strings.Reader }

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil {
		err = http.ErrHandlerTimeout
	}
	return n, err
}

func FuzzRequest(f *testing.F) {
	for _, name := range []string{"query", "page", "query-v3", "page-v3"} {
		f.Add([]byte(recorded(f, name)))
	}
	f.Add([]byte(`{"model":"fake-v1.3","return_multivector":true,"input":["a",{"text":""},{"image":"YQ=="},null]}`))
	f.Add([]byte(`{"input":[[[[[[[[`))
	f.Add([]byte(`{"INPUT":"a","input":{"Image":"YQ"}}`))
	running := (&fakeEmbedder{}).Model()
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parse(bytes.Clone(body))
		if err != nil || r.check(running) != nil {
			return
		}
		w, err := r.sort(maxFakeImage)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(r.Input), maxInputs)
		require.Len(t, r.Input, len(w.queries)+len(w.pages))
		require.Len(t, w.queryAt, len(w.queries))
		require.Len(t, w.pageAt, len(w.pages))
		for i, at := range w.pageAt {
			require.LessOrEqual(t, len(w.pages[i]), maxFakeImage)
			require.Equal(t, r.Input[at].image, encoded(string(w.pages[i])))
		}
	})
}
