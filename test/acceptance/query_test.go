package acceptance

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/filters"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/graphql"
	"github.com/weaviate/weaviate/entities/models"
)

// query is one search in terms of the Go client. Every search is run twice, over GraphQL and over
// gRPC, which are separate paths through the server.
type query struct {
	nearText   *graphql.NearTextArgumentBuilder
	nearImage  *graphql.NearImageArgumentBuilder
	nearObject *graphql.NearObjectArgumentBuilder
	nearVector *graphql.NearVectorArgumentBuilder
	hybrid     *graphql.HybridArgumentBuilder
	where      *filters.WhereBuilder
	limit      int
	offset     int
	tenant     string
}

// hit is one result of a search.
type hit struct {
	ID       string
	Title    string
	Distance float64 // -MaxSim; not set by hybrid searches
	Score    float64 // of hybrid searches
}

func (n *node) text(words string) *graphql.NearTextArgumentBuilder {
	return n.rest.GraphQL().NearTextArgBuilder().WithConcepts([]string{words})
}

func (n *node) image(blob string) *graphql.NearImageArgumentBuilder {
	return n.rest.GraphQL().NearImageArgBuilder().WithImage(blob)
}

func (n *node) object(id string) *graphql.NearObjectArgumentBuilder {
	return n.rest.GraphQL().NearObjectArgBuilder().WithID(id)
}

func (n *node) vector(target string, m matrix) *graphql.NearVectorArgumentBuilder {
	return n.rest.GraphQL().NearVectorArgBuilder().WithVector(m).WithTargetVectors(target)
}

// search runs q both ways, requires the two answers to be the same, and returns it.
func (n *node) search(t *testing.T, class string, q query) []hit {
	t.Helper()
	overGraphQL, err := n.searchGraphQL(t, class, q)
	require.NoError(t, err)
	overGRPC, err := n.searchGRPC(t, class, q)
	require.NoError(t, err)
	require.Equal(t, overGraphQL, overGRPC, "GraphQL and gRPC answer differently")
	return overGraphQL
}

// refused runs q both ways, requires both to fail with a text that holds every one of want, and the
// server to live on.
func (n *node) refused(t *testing.T, class string, q query, want ...string) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, string, query) ([]hit, error){
		"GraphQL": n.searchGraphQL, "gRPC": n.searchGRPC,
	} {
		hits, err := run(t, class, q)
		require.Error(t, err, "%s answered %v", name, hits)
		for _, part := range want {
			require.ErrorContains(t, err, part, name)
		}
	}
	n.requireReady(t)
}

func (n *node) requireReady(t *testing.T) {
	t.Helper()
	ready, err := n.rest.Misc().ReadyChecker().Do(t.Context())
	require.NoError(t, err, n.LogTail())
	require.True(t, ready)
}

func (n *node) searchGraphQL(t *testing.T, class string, q query) ([]hit, error) {
	t.Helper()
	get := n.rest.GraphQL().Get().WithClassName(class).WithFields(
		graphql.Field{Name: "title"},
		graphql.Field{Name: "_additional", Fields: []graphql.Field{{Name: "id"}, {Name: "distance"}, {Name: "score"}}})
	if q.nearText != nil {
		get.WithNearText(q.nearText)
	}
	if q.nearImage != nil {
		get.WithNearImage(q.nearImage)
	}
	if q.nearObject != nil {
		get.WithNearObject(q.nearObject)
	}
	if q.nearVector != nil {
		get.WithNearVector(q.nearVector)
	}
	if q.hybrid != nil {
		get.WithHybrid(q.hybrid)
	}
	if q.where != nil {
		get.WithWhere(q.where)
	}
	if q.limit != 0 {
		get.WithLimit(q.limit)
	}
	if q.offset != 0 {
		get.WithOffset(q.offset)
	}
	if q.tenant != "" {
		get.WithTenant(q.tenant)
	}
	response, err := get.Do(t.Context())
	if err != nil {
		return nil, err
	}
	var data struct {
		Get map[string][]struct {
			Title      string `json:"title"`
			Additional struct {
				ID       string  `json:"id"`
				Distance float32 `json:"distance"` // so that it has the digits of gRPC
				Score    string  `json:"score"`
			} `json:"_additional"`
		}
	}
	if err := decode(response, &data); err != nil {
		return nil, err
	}
	hits := []hit{}
	for _, row := range data.Get[class] {
		h := hit{ID: row.Additional.ID, Title: row.Title, Distance: float64(row.Additional.Distance)}
		if q.hybrid != nil {
			score, err := strconv.ParseFloat(row.Additional.Score, 32)
			require.NoError(t, err)
			h.Score = score
		}
		hits = append(hits, h)
	}
	return hits, nil
}

func (n *node) searchGRPC(t *testing.T, class string, q query) ([]hit, error) {
	t.Helper()
	results, err := n.grpc.Experimental().Search().WithCollection(class).
		WithNearText(q.nearText).WithNearImage(q.nearImage).WithNearObject(q.nearObject).
		WithNearVector(q.nearVector).WithHybrid(q.hybrid).WithWhere(q.where).
		WithLimit(q.limit).WithOffset(q.offset).WithTenant(q.tenant).
		WithProperties("title").
		WithMetadata(&graphql.Metadata{ID: true, Distance: true, Score: true}).
		Do(t.Context())
	if err != nil {
		return nil, err
	}
	hits := []hit{}
	for _, row := range results {
		h := hit{ID: row.ID, Distance: float64(row.Metadata.Distance)}
		h.Title, _ = row.Properties["title"].(string)
		if q.hybrid != nil {
			h.Score = float64(row.Metadata.Score)
		}
		hits = append(hits, h)
	}
	return hits, nil
}

// decode turns the answer to a GraphQL query into data; errors inside the answer become one error.
func decode(response *models.GraphQLResponse, data any) error {
	var failures []error
	for _, failure := range response.Errors {
		failures = append(failures, errors.New(failure.Message))
	}
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	text, err := json.Marshal(response.Data)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, data)
}

func ids(hits []hit) []string {
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	return ids
}

func titles(hits []hit) []string {
	titles := make([]string, len(hits))
	for i, h := range hits {
		titles[i] = h.Title
	}
	return titles
}
