package explain_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tailor-platform/graphql"
	"github.com/tailor-platform/graphql/language/ast"
	"github.com/weaviate/weaviate/adapters/repos/db/helpers"
	"github.com/weaviate/weaviate/entities/additional"
	"github.com/weaviate/weaviate/entities/dto"
	"github.com/weaviate/weaviate/entities/searchparams"

	"weaviate-colpali/module/explain"
)

func argument(name string, value ast.Value) *ast.Argument {
	return ast.NewArgument(&ast.Argument{Name: ast.NewName(&ast.Name{Value: name}), Value: value})
}

func text(value string) ast.Value { return ast.NewStringValue(&ast.StringValue{Value: value}) }
func number(value string) ast.Value {
	return ast.NewIntValue(&ast.IntValue{Value: value})
}

var images = map[string]string{"v": "page", "w": "scan"}

func TestRequest(t *testing.T) {
	r := explain.NewRequest([]*ast.Argument{
		argument("query", text("a bee")), argument("targetVector", text("w")), argument("token", number("3")),
		argument("width", number("2048")), argument("format", ast.NewEnumValue(&ast.EnumValue{Value: explain.SVG})),
	}, images)
	require.NoError(t, r.Check(explain.MaxPictures))
	require.Equal(t, "a bee", r.Query)
	require.Equal(t, 3, r.Token)
	require.Equal(t, 2048, r.Width)
	require.Equal(t, explain.SVG, r.Format)
	require.Equal(t, []string{"scan"}, r.GetPropertiesToExtract())
	target, err := r.Target(dto.GetParams{})
	require.NoError(t, err)
	require.Equal(t, "w", target)

	plain := explain.NewRequest(nil, images)
	require.NoError(t, plain.Check(explain.MaxObjects))
	require.Equal(t, explain.AllTokens, plain.Token)
	require.Equal(t, []string{"page", "scan"}, plain.GetPropertiesToExtract())
}

func TestRequestRefuses(t *testing.T) {
	png := ast.NewEnumValue(&ast.EnumValue{Value: explain.PNG})
	for name, c := range map[string]struct {
		arguments []*ast.Argument
		objects   int
		says      string
	}{
		"a width of nothing":   {[]*ast.Argument{argument("width", number("0"))}, 1, "width must be a number from 1 to 2048"},
		"a huge width":         {[]*ast.Argument{argument("width", number("99999"))}, 1, "width must be a number from 1 to 2048"},
		"a width out of range": {[]*ast.Argument{argument("width", number("99999999999999999999"))}, 1, "width must be"},
		"a negative token":     {[]*ast.Argument{argument("token", number("-2"))}, 1, "token must be"},
		"a variable":           {[]*ast.Argument{argument("query", ast.NewVariable(&ast.Variable{Name: ast.NewName(nil)}))}, 1, "as a literal"},
		"too many pictures":    {[]*ast.Argument{argument("format", png)}, explain.MaxPictures + 1, "the limit is 20"},
		"too many objects":     {nil, explain.MaxObjects + 1, "the limit is 100"},
	} {
		err := explain.NewRequest(c.arguments, images).Check(c.objects)
		require.ErrorIs(t, err, explain.ErrRequest, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestTarget(t *testing.T) {
	near := func(targets ...string) dto.GetParams {
		return dto.GetParams{NearVector: &searchparams.NearVector{TargetVectors: targets}}
	}
	plain := explain.NewRequest(nil, images)
	target, err := plain.Target(near("w"))
	require.NoError(t, err)
	require.Equal(t, "w", target, "the one that is searched")
	for name, params := range map[string]dto.GetParams{"both are searched": near("v", "w"), "none is": {}} {
		_, err = plain.Target(params)
		require.ErrorContains(t, err, "name one of the vectors [v, w] as targetVector", name)
	}
	_, err = explain.NewRequest([]*ast.Argument{argument("targetVector", text("x"))}, images).Target(near("v"))
	require.ErrorContains(t, err, `targetVector "x" is no vector of this module`)

	only := explain.NewRequest(nil, map[string]string{"v": "page"})
	target, err = only.Target(near("words"))
	require.NoError(t, err)
	require.Equal(t, "v", target, "the collection's only one, though another module's is searched")
}

func TestBeginBringsTheVectors(t *testing.T) {
	shared := make([]string, 1, 4)
	shared[0] = "other"
	params := dto.GetParams{AdditionalProperties: additional.Properties{
		Vectors: shared, ModuleParams: map[string]any{explain.Property: explain.NewRequest(nil, images)},
	}}
	ctx, changed := explain.Begin(t.Context(), params)
	require.Equal(t, []string{"other", "v", "w"}, changed.AdditionalProperties.Vectors)
	require.Equal(t, []string{"other"}, params.AdditionalProperties.Vectors)
	require.Empty(t, shared[:2][1], "the caller's array is not written into")
	require.NotNil(t, explain.From(ctx))
	require.True(t, changed.AdditionalProperties.QueryProfile)

	ctx, unchanged := explain.Begin(t.Context(), dto.GetParams{})
	require.Empty(t, unchanged.AdditionalProperties.Vectors)
	require.Nil(t, explain.From(ctx))
	explain.Report(ctx, explain.Search{}) // nobody asks
	explain.Keep(ctx, "text", 1)
}

func begun(t *testing.T) (context.Context, *explain.Session) {
	t.Helper()
	ctx, _ := explain.Begin(t.Context(), dto.GetParams{AdditionalProperties: additional.Properties{
		ModuleParams: map[string]any{explain.Property: explain.NewRequest(nil, images)},
	}})
	return ctx, explain.From(ctx)
}

// shard runs a search of a shard as Weaviate does: with details of its own, which end in the profile.
func shard(ctx context.Context, name, kind string, reports ...explain.Search) {
	details := helpers.InitSlowQueryDetails(ctx)
	for _, report := range reports {
		explain.Report(details, report)
	}
	helpers.AddShardQueryProfile(ctx, name, "node1", kind, 0, helpers.ExtractSlowQueryDetails(details))
}

func TestReportsAddUp(t *testing.T) {
	ctx, _ := begun(t)
	_, ok := explain.Searched(ctx)
	require.False(t, ok, "no shard was asked")
	shard(ctx, "words", "keyword")
	_, ok = explain.Searched(ctx)
	require.False(t, ok, "no index was asked")
	shard(ctx, "a", "vector", explain.Search{Candidates: 5, Centroids: 1, Scanned: 2, Reranked: 3, Scored: 4, Certified: true})
	shard(ctx, "b", "vector",
		explain.Search{Candidates: 50, Centroids: 10, Scanned: 20, Reranked: 30, Scored: 40, Certified: true},
		explain.Search{Candidates: 500, Certified: true})
	total, ok := explain.Searched(ctx)
	require.True(t, ok)
	require.Equal(t, explain.Search{Candidates: 555, Centroids: 11, Scanned: 22, Reranked: 33, Scored: 44, Certified: true}, total)

	other, _ := begun(t)
	shard(other, "c", "vector", explain.Search{Candidates: 1}, explain.Search{Certified: true})
	sent, err := json.Marshal(helpers.ExtractQueryProfiles(other))
	require.NoError(t, err)
	var received []helpers.ShardQueryProfile
	require.NoError(t, json.Unmarshal(sent, &received))
	helpers.AddRemoteQueryProfiles(ctx, received)
	total, ok = explain.Searched(ctx)
	require.True(t, ok)
	require.Equal(t, 556, total.Candidates, "another node's shard tells, too")
	require.False(t, total.Certified, "one index's answer is not certified")

	received[0].Searches["vector"].Details["plaid_searches"] = "[7]"
	helpers.AddRemoteQueryProfiles(ctx, received)
	_, ok = explain.Searched(ctx)
	require.False(t, ok, "nobody can say who does not understand all")
}

func TestKept(t *testing.T) {
	ctx, session := begun(t)
	_, ok := session.Embedded("bee")
	require.False(t, ok)
	explain.Keep(ctx, "bee", 7)
	kept, ok := session.Embedded("bee")
	require.True(t, ok)
	require.Equal(t, 7, kept)
}

// The resolver finds a field of the result by its name: each field that the schema declares must be one.
func TestFieldsAreThoseOfTheResult(t *testing.T) {
	score := 0.5
	result := &explain.Result{Score: score, Searched: &explain.Search{Certified: true}, Tokens: make([]explain.Token, 1), Map: &explain.Map{}}
	field := explain.Field("Page")
	requireResolved(t, field.Type.(*graphql.Object), result)
	require.Contains(t, field.Args, "query")
	require.NotEqual(t, explain.Field("Other").Type.Name(), field.Type.Name(), "types of GraphQL are global")
}

func requireResolved(t *testing.T, object *graphql.Object, source any) {
	t.Helper()
	for name, field := range object.Fields() {
		value, err := graphql.DefaultResolveFn(graphql.ResolveParams{Source: source, Info: graphql.ResolveInfo{FieldName: name}})
		require.NoError(t, err)
		switch of := field.Type.(type) {
		case *graphql.Object:
			requireResolved(t, of, value)
		case *graphql.List:
			if element, ok := of.OfType.(*graphql.Object); ok {
				requireResolved(t, element, value.([]explain.Token)[0])
			}
		case *graphql.Scalar:
			if name == "score" || name == "certified" || name == "width" {
				require.NotNil(t, value, name)
			}
		}
		require.True(t, hasField(source, name), "%T has no field for %s", source, name)
	}
}

func hasField(source any, name string) bool {
	of := reflect.Indirect(reflect.ValueOf(source)).Type()
	_, ok := of.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
	return ok
}
