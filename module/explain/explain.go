// Package explain lets a query ask why its results match: _additional { colpali(...) }.
//
// Weaviate gives an additional property the results and nothing of how they were found. So the patched
// explorer calls [Begin], which has the results come with the vectors that the property needs, and puts
// a [Session] into the query's context; the index and the client of other nodes' shards report to it.
package explain

import (
	"context"
	"slices"
	"sync"

	"github.com/weaviate/weaviate/entities/dto"
)

// Property is the name of the additional property.
const Property = "colpali"

// Search is what one search of one shard did.
type Search struct {
	Candidates int // live pages that passed the filter
	Centroids  int // of the tables that were scanned
	Scanned    int // pages whose centroids were looked up there
	Reranked   int // pages scored by 8-bit codes
	Scored     int // pages scored with their stored vectors
	Certified  bool
}

// Session is one query that asks for the property.
type Session struct {
	Params dto.GetParams

	mu       sync.Mutex
	embedded map[string]any
	total    Search
	shards   int
	remote   bool
}

type sessionKey struct{}

// Begin is called with every query before it runs. One that asks for the property gets a session, and
// results that bring the multi-vectors to explain.
func Begin(ctx context.Context, params dto.GetParams) (context.Context, dto.GetParams) {
	request, ok := params.AdditionalProperties.ModuleParams[Property].(*Request)
	if !ok {
		return ctx, params
	}
	session := &Session{Params: params}
	for _, vector := range request.needs(params) {
		if !slices.Contains(params.AdditionalProperties.Vectors, vector) {
			// Appending could write into the array of another query's parameters.
			params.AdditionalProperties.Vectors = append(slices.Clone(params.AdditionalProperties.Vectors), vector)
		}
	}
	return context.WithValue(ctx, sessionKey{}, session), params
}

// From returns the session of a context, nil where no one asks.
func From(ctx context.Context) *Session {
	session, _ := ctx.Value(sessionKey{}).(*Session)
	return session
}

// Keep keeps what a query's text was embedded as, so that nobody embeds it again. It is of the module's
// type, which the index, that imports this package, need not know.
func Keep(ctx context.Context, text string, embedding any) {
	session := From(ctx)
	if session == nil {
		return
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	if session.embedded == nil {
		session.embedded = map[string]any{}
	}
	session.embedded[text] = embedding
}

// Embedded is what was kept of a text.
func (s *Session) Embedded(text string) (_ any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	embedding, ok := s.embedded[text]
	return embedding, ok
}

// Report adds what a search of a shard of this node did.
func Report(ctx context.Context, s Search) {
	session := From(ctx)
	if session == nil {
		return
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	certified := s.Certified && (session.shards == 0 || session.total.Certified)
	session.total = Search{
		Candidates: session.total.Candidates + s.Candidates,
		Centroids:  session.total.Centroids + s.Centroids,
		Scanned:    session.total.Scanned + s.Scanned,
		Reranked:   session.total.Reranked + s.Reranked,
		Scored:     session.total.Scored + s.Scored,
		Certified:  certified,
	}
	session.shards++
}

// ReportRemote notes that a shard of another node was asked, which tells its results and no more.
func ReportRemote(ctx context.Context) {
	if session := From(ctx); session != nil {
		session.mu.Lock()
		session.remote = true
		session.mu.Unlock()
	}
}

// Searched is what the searches of the query did together. ok is false where that is not known: no
// multi-vector index was asked, or one of another node.
func (s *Session) Searched() (_ Search, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total, s.shards > 0 && !s.remote
}
