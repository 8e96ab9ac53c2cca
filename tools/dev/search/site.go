package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"runtime"
	"time"

	"weaviate-colpali/tools/dev/rest"
)

//go:embed static
var static embed.FS

const (
	// maxAskedBytes bounds what the page sends: a question, which Weaviate bounds at 16 KB by default, and names.
	maxAskedBytes = 64 << 10
	// askTimeout bounds what Weaviate may take for all of it.
	askTimeout = 60 * time.Second
)

// site is the page and the few questions that it may ask of Weaviate.
type site struct {
	weaviate  *rest.Client
	url       string // where that is, to tell the user
	preferred string // the collection to begin with
	patience  time.Duration
	decoding  chan struct{} // holds one element for each page that is being decoded
}

func newSite(weaviate *rest.Client, url, preferred string) *site {
	return &site{
		weaviate: weaviate, url: url, preferred: preferred,
		patience: askTimeout, decoding: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
}

// handler serves the site at an address of loopback, host:port.
func (s *site) handler(address string) http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.Handle("POST /api/collections", endpoint(s, s.collections))
	mux.Handle("POST /api/tenants", endpoint(s, s.tenants))
	mux.Handle("POST /api/search", endpoint(s, s.search))
	mux.Handle("POST /api/map", endpoint(s, s.similarities))
	mux.Handle("POST /api/page", endpoint(s, s.page))
	return guarded(address, mux)
}

// picture is an answer that is a PNG; all others are JSON.
type picture []byte

// endpoint answers one kind of question.
func endpoint[Asked, Answer any](s *site, answer func(context.Context, Asked) (Answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, err := read[Asked](w, r)
		if err != nil {
			s.writeError(w, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.patience)
		defer cancel()
		answered, err := answer(ctx, asked)
		if err != nil {
			s.writeError(w, err)
			return
		}
		write(w, http.StatusOK, answered)
	})
}

func read[Asked any](w http.ResponseWriter, r *http.Request) (asked Asked, err error) {
	// A form of another site can send text, not JSON: a browser would first ask whether it may.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return asked, &failure{status: http.StatusUnsupportedMediaType, Title: "Only JSON is read here"}
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAskedBytes))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&asked)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return asked, &failure{
			status: http.StatusRequestEntityTooLarge, Title: "The question is too long",
			Detail: fmt.Sprintf("It has more than %d bytes.", tooLarge.Limit), Remedy: "Ask something shorter.",
		}
	}
	if err != nil {
		return asked, notUnderstood(err.Error())
	}
	return asked, nil
}

func (s *site) writeError(w http.ResponseWriter, err error) {
	f := s.explain(err)
	write(w, f.status, f)
}

func write(w http.ResponseWriter, status int, answer any) {
	body, isPicture := answer.(picture)
	kind := "image/png"
	if !isPicture {
		kind = "application/json"
		var err error
		if body, err = json.Marshal(answer); err != nil {
			panic(err) // answers are of plain types
		}
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that is gone needs no answer
}
