// Package stand is a stand-in for a server: it keeps objects in a map, and misbehaves as a test asks it to.
package stand

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Server is the stand-in. Its fields may be set before the first request.
type Server struct {
	URL string
	// Modules of /v1/meta.
	Modules map[string]any
	// DropPlaid makes it return schemas without multivector.plaid, as a stock server does.
	DropPlaid bool
	// Batch, if it is set, may answer a batch itself, by returning true. n counts batches from 1.
	Batch func(n int, w http.ResponseWriter, objects []Object) bool

	mu      sync.Mutex
	classes map[string]map[string]any
	objects map[string]Object
	batches []int // objects in each
	writes  int
}

// Object as it was sent.
type Object struct {
	Class, ID, Tenant string
	Properties        map[string]any
}

// New starts a stand-in that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{
		Modules: map[string]any{"multi2multivec-colpali": map[string]any{}},
		classes: map[string]map[string]any{},
		objects: map[string]Object{},
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// Objects that are stored, by id.
func (s *Server) Objects() map[string]Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.objects)
}

// Batches are the numbers of objects in the batches so far.
func (s *Server) Batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches)
}

// Writes counts requests that could change something.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Classes are the names of the collections.
func (s *Server) Classes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.classes))
}

// Store keeps objects, as a batch that Batch answers itself may do.
func (s *Server) Store(objects ...Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		s.objects[o.ID] = o
	}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodGet && r.URL.Path != "/v1/graphql" {
		s.mu.Lock()
		s.writes++
		s.mu.Unlock()
	}
	switch name := strings.TrimPrefix(r.URL.Path, "/v1/schema/"); {
	case r.URL.Path == "/v1/meta":
		answer(w, map[string]any{"version": "1.39.3", "modules": s.Modules})
	case r.URL.Path == "/v1/schema":
		s.create(body)
	case name != r.URL.Path:
		s.class(w, r.Method, name)
	case r.URL.Path == "/v1/graphql":
		s.held(w, body)
	case r.URL.Path == "/v1/batch/objects":
		s.batch(w, body)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) create(body []byte) {
	var class map[string]any
	if json.Unmarshal(body, &class) != nil {
		return
	}
	if s.DropPlaid {
		for _, v := range class["vectorConfig"].(map[string]any) {
			delete(v.(map[string]any)["vectorIndexConfig"].(map[string]any)["multivector"].(map[string]any), "plaid")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.classes[class["class"].(string)] = class
}

func (s *Server) class(w http.ResponseWriter, method, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	class, ok := s.classes[name]
	switch {
	case !ok:
		http.Error(w, "no such class", http.StatusNotFound)
	case method == http.MethodDelete:
		delete(s.classes, name)
	default:
		answer(w, class)
	}
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func (s *Server) held(w http.ResponseWriter, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []any{}
	for _, id := range uuid.FindAllString(string(body), -1) {
		if _, ok := s.objects[id]; ok {
			found = append(found, map[string]any{"_additional": map[string]any{"id": id}})
		}
	}
	answer(w, map[string]any{"data": map[string]any{"Get": map[string]any{"Page": found}}})
}

func (s *Server) batch(w http.ResponseWriter, body []byte) {
	var sent struct{ Objects []Object }
	if err := json.Unmarshal(body, &sent); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.batches = append(s.batches, len(sent.Objects))
	n := len(s.batches)
	s.mu.Unlock()
	if s.Batch != nil && s.Batch(n, w, sent.Objects) {
		return
	}
	s.Store(sent.Objects...)
	Answer(w, make([]string, len(sent.Objects))...)
}

// Answer is the answer to a batch: why each object was refused, or nothing.
func Answer(w http.ResponseWriter, reasons ...string) {
	results := make([]any, len(reasons))
	for i, reason := range reasons {
		results[i] = map[string]any{"result": map[string]any{"status": "SUCCESS"}}
		if reason != "" {
			failed := []any{map[string]any{"message": reason}}
			results[i] = map[string]any{"result": map[string]any{"status": "FAILED", "errors": map[string]any{"error": failed}}}
		}
	}
	answer(w, results)
}

func answer(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what)
}
