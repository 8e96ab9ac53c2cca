package jinaai

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"weaviate-colpali/vectorizer"
)

// Embedder is what the protocol needs of [vectorizer.Vectorizer].
type Embedder interface {
	EmbedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error)
	EmbedQueries(ctx context.Context, queries []string) ([]vectorizer.Embedding, error)
	Model() vectorizer.Model
}

// Options of a [Handler].
type Options struct {
	// Key is the bearer token that requests must bring; "" lets in everybody.
	Key string
	// MaxImageBytes bounds one page image, after base64.
	MaxImageBytes int64
	// Memory bounds what the requests that are being read and answered take together, in bytes.
	Memory int64
	// Keep is which vectors of a page are sent. A query by an image has those, too: the module asks for both alike.
	Keep vectorizer.Reduction
	// Metrics answers GET /metrics; nil: nobody does.
	Metrics http.Handler
	Log     *slog.Logger
}

const (
	// besideImage is room for everything of a request that is not its images.
	besideImage = 1 << 20
	// copies is how often a body is in memory at most: as it came, as the decoder's window and text of its input,
	// and as decoded images.
	copies = 4
	// writeTimeout bounds how long a client may take to read an answer of some megabytes.
	writeTimeout = time.Minute
	// tryAgain is the Retry-After of a busy server, in seconds: a page takes about one.
	tryAgain = "1"
)

// Handler speaks the protocol. It is safe for concurrent use.
type Handler struct {
	embedder Embedder
	options  Options
	maxBody  int64
	// memory is Options.Memory bytes, shared by all requests.
	memory       *semaphore.Weighted
	writeTimeout time.Duration
	leaves       atomic.Bool
	routes       *http.ServeMux
}

// New returns a handler that embeds with e.
func New(e Embedder, o Options) *Handler {
	h := &Handler{
		embedder: e, options: o, writeTimeout: writeTimeout,
		maxBody: int64(base64.StdEncoding.EncodedLen(int(o.MaxImageBytes))) + besideImage,
		routes:  http.NewServeMux(),
	}
	// The largest request that is allowed must fit.
	h.memory = semaphore.NewWeighted(max(o.Memory, copies*h.maxBody))
	h.routes.HandleFunc("/.well-known/live", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	h.routes.HandleFunc("/.well-known/ready", h.ready)
	h.routes.Handle("/v1/embeddings", h.guarded(http.MethodPost, h.embeddings))
	h.routes.Handle("/v1/models", h.guarded(http.MethodGet, h.models))
	if o.Metrics != nil {
		h.routes.Handle("/metrics", h.guarded(http.MethodGet, o.Metrics.ServeHTTP))
	}
	h.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, refuse(http.StatusNotFound, "there is nothing at %.100q; baseURL is this server's address without a path, "+
			"and embeddings are at /v1/embeddings", r.URL.Path))
	})
	return h
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.allowTime(w)
	h.routes.ServeHTTP(w, r)
}

// allowTime gives an answer its time from now on. A connection keeps the deadline of its last answer, so each
// request sets its own.
func (h *Handler) allowTime(w http.ResponseWriter) {
	// Recorders of tests cannot have a deadline.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		h.options.Log.Error("no deadline for an answer", "error", err)
	}
}

// Leave makes the server say that it is not ready, so that nobody sends it more.
func (h *Handler) Leave() { h.leaves.Store(true) }

func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	if h.leaves.Load() {
		h.fail(w, r, refuse(http.StatusServiceUnavailable, "the server is shutting down"))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handler) models(w http.ResponseWriter, r *http.Request) {
	running := h.embedder.Model()
	h.write(w, r, http.StatusOK, map[string]any{"object": "list", "data": []any{map[string]any{
		"object": "model", "id": running.Name, "pinned": running.Name + "@" + running.ManifestHash[:manifestDigits],
		"family": running.Family, "manifest": running.ManifestHash, "dimensions": running.Dim,
		"vectorsPerPage": running.VectorsPerPage, "provider": running.Provider, "onnxruntime": running.RuntimeVersion,
	}}})
}

func (h *Handler) embeddings(w http.ResponseWriter, r *http.Request) {
	if err := h.measure(r); err != nil {
		h.fail(w, r, err)
		return
	}
	memory := copies * r.ContentLength
	if !h.memory.TryAcquire(memory) {
		h.fail(w, r, refuse(http.StatusTooManyRequests, "%w: the requests under way take all memory that there is for them; "+
			"try again later, or raise COLPALI_MAX_IMAGE_MEMORY", vectorizer.ErrBusy))
		return
	}
	defer h.memory.Release(memory)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.fail(w, r, refuse(http.StatusBadRequest, "the body ended early: %w", err))
		return
	}
	answer, err := h.answer(r.Context(), body)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.write(w, r, http.StatusOK, answer)
}

// fail answers with an error in the form that the module passes on to its client.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", tryAgain)
	}
	if r.Context().Err() == nil { // else the client has gone
		level := slog.LevelInfo
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		h.options.Log.Log(r.Context(), level, "refused", "status", status, "error", err)
	}
	h.write(w, r, status, map[string]string{"detail": err.Error()})
}

func (h *Handler) write(w http.ResponseWriter, r *http.Request, status int, document any) {
	h.allowTime(w) // the model may have taken longer
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(document); err != nil && r.Context().Err() == nil {
		h.options.Log.Info("an answer did not get through", "error", err)
	}
}
