// Package explain lets a query ask why its results match: _additional { colpali(...) }.
//
// Weaviate gives an additional property the results and nothing of how they were found. So the patched
// explorer calls [Begin], which has the results come with the vectors that the property needs, and puts
// a [Session] into the query's context. What the index does it reports to Weaviate's query profile, which
// comes from the shards of other nodes, too.
package explain

import (
	"context"
	"slices"
	"sync"

	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/entities/dto"
)

// Property is the name of the additional property.
const Property = "colpali"

// Session is one query that asks for the property.
type Session struct {
	Params dto.GetParams

	mu       sync.Mutex
	embedded map[string]any
}

type sessionKey struct{}

// Begin is called with every query before it runs. One that asks for the property gets a session, a query
// profile, and results that bring the multi-vectors to explain.
func Begin(ctx context.Context, params dto.GetParams) (context.Context, dto.GetParams) {
	request, ok := params.AdditionalProperties.ModuleParams[Property].(*Request)
	if !ok {
		return ctx, params
	}
	session := &Session{Params: params}
	params.AdditionalProperties.QueryProfile = true
	ctx = helpers.InitQueryProfileCollector(ctx)
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
