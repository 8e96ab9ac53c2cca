package module

import (
	"context"
	"fmt"
	"strings"

	"github.com/tailor-platform/graphql/language/ast"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/modulecapabilities"
	"github.com/weaviate/weaviate/entities/moduletools"
	"github.com/weaviate/weaviate/entities/search"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"

	"weaviate-colpali/config"
	"weaviate-colpali/maxsim"
	"weaviate-colpali/module/explain"
	"weaviate-colpali/vectorizer"
)

// AdditionalProperties adds _additional { colpali(...) } to GraphQL: why a page matches, and where.
func (m *Module) AdditionalProperties() map[string]modulecapabilities.AdditionalProperty {
	return map[string]modulecapabilities.AdditionalProperty{
		explain.Property: {
			GraphQLNames:           []string{explain.Property},
			GraphQLFieldFunction:   explain.Field,
			GraphQLExtractFunction: explainRequest,
			SearchFunctions: modulecapabilities.AdditionalSearch{
				ExploreGet:  m.explainResults,
				ExploreList: m.explainResults,
			},
		},
	}
}

func explainRequest(arguments []*ast.Argument, class *models.Class) any {
	images := map[string]string{}
	for name, vector := range class.VectorConfig {
		vectorizers, _ := vector.Vectorizer.(map[string]any)
		for _, module := range names() {
			raw, _ := vectorizers[module].(map[string]any)
			if settings, err := config.ParseVectorizer(raw); err == nil {
				images[name] = settings.ImageField
			}
		}
	}
	return explain.NewRequest(arguments, images)
}

// explainResults adds the property to the results of a query.
func (m *Module) explainResults(ctx context.Context, results []search.Result, params any, _ *int,
	_ map[string]any, _ moduletools.ClassConfig,
) ([]search.Result, error) {
	request, ok := params.(*explain.Request)
	if !ok {
		return nil, fmt.Errorf("_additional { %s }: unexpected parameters of type %T", explain.Property, params)
	}
	if err := request.Check(len(results)); err != nil {
		return nil, refused(err)
	}
	e, err := m.explainer(ctx, request)
	if err != nil {
		return nil, err
	}
	for i := range results {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		explained, err := e.explain(results[i])
		if err != nil {
			return nil, fmt.Errorf("object %s: %w", results[i].ID, err)
		}
		if results[i].AdditionalProperties == nil {
			results[i].AdditionalProperties = models.AdditionalProperties{}
		}
		results[i].AdditionalProperties[explain.Property] = explained
	}
	return results, nil
}

// explainer explains the results of one query.
type explainer struct {
	request  *explain.Request
	vector   string // the named one
	rows     [][]float32
	query    *maxsim.Query
	tokens   []vectorizer.Token // empty for a query that is given as vectors
	cut      int                // tokens that the model did not take
	searched *explain.Search
	model    model
	maxBytes int64
}

func (m *Module) explainer(ctx context.Context, request *explain.Request) (*explainer, error) {
	session := explain.From(ctx)
	if session == nil {
		return nil, fmt.Errorf("_additional { %s } is for Get queries", explain.Property)
	}
	vector, err := request.Target(session.Params)
	if err != nil {
		return nil, refused(err)
	}
	loaded, err := m.running()
	if err != nil {
		return nil, err
	}
	e := &explainer{request: request, vector: vector, model: loaded, maxBytes: m.settings.MaxImageBytes}
	if done, ok := explain.Searched(ctx); ok {
		e.searched = &done
	}
	if err := m.ask(ctx, e, session); err != nil {
		return nil, err
	}
	if request.Token >= len(e.rows) {
		return nil, refused(fmt.Errorf("%w: token is %d, the query has tokens 0 to %d", explain.ErrRequest, request.Token, len(e.rows)-1))
	}
	matrix, err := maxsim.FromRows(e.rows)
	if err != nil {
		return nil, refused(fmt.Errorf("%w: query: %w", explain.ErrRequest, err))
	}
	e.query, err = maxsim.NewQuery(matrix)
	return e, err
}

// ask finds what is to be explained, and its vectors: those of the search where it is the same text.
func (m *Module) ask(ctx context.Context, e *explainer, session *explain.Session) error {
	text := e.request.Query
	if text == "" {
		if near := session.Params.NearVector; near != nil {
			rows, ok := vectorFor(near.Vectors, near.TargetVectors, e.vector)
			if ok {
				e.rows = rows
				return nil
			}
		}
		text = searchedText(session)
	}
	if text == "" {
		return refused(fmt.Errorf("%w: there is no text to explain: say query, or search by nearText or hybrid", explain.ErrRequest))
	}
	kept, _ := session.Embedded(text)
	embedding, ok := kept.(vectorizer.Embedding)
	if !ok {
		var err error
		if embedding, err = m.embedText(ctx, text); err != nil {
			return fmt.Errorf("_additional { %s }: query: %w", explain.Property, err)
		}
	}
	e.rows, e.tokens, e.cut = embedding.Vectors, embedding.Tokens, embedding.Cut
	return nil
}

// searchedText is the text that a query searched for, "" if none.
func searchedText(session *explain.Session) string {
	params := session.Params
	if near, ok := params.ModuleParams[nearText.Name].(*nearText.NearTextParams); ok {
		return strings.Join(near.Values, " ")
	}
	if params.HybridSearch != nil {
		return params.HybridSearch.Query
	}
	if params.KeywordRanking != nil {
		return params.KeywordRanking.Query
	}
	return ""
}

// vectorFor is the query's multi-vector for a named vector.
func vectorFor(vectors []models.Vector, targets []string, name string) ([][]float32, bool) {
	for i, vector := range vectors {
		if len(vectors) == 1 || i < len(targets) && targets[i] == name {
			rows, ok := vector.([][]float32)
			return rows, ok
		}
	}
	return nil, false
}
