package acceptance

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/filters"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/graphql"
	"github.com/weaviate/weaviate/entities/models"
)

func TestPageSearch(t *testing.T) {
	testPageSearch(t, shared(t))
}

// testPageSearch: the whole journey of pages and questions through the module.
func testPageSearch(t *testing.T, n *node) {
	const class = "PageSearch"
	n.create(t, pageCollection(class))
	n.imports(t, pageObjects(t, class))
	documents := n.stored(t, class, pageVector, "")
	require.Len(t, documents, len(samples))

	t.Run("vectors", func(t *testing.T) {
		model := n.model(t)
		for id, document := range documents {
			require.Len(t, document, model.VectorsPerPage, id)
			for _, row := range document {
				require.Len(t, row, model.Dim)
				norm := 0.0
				for _, x := range row {
					norm += float64(x) * float64(x)
				}
				require.InDelta(t, 1, math.Sqrt(norm), 1e-4, "a token vector is not of unit length")
			}
		}
	})
	t.Run("nearText finds the page", func(t *testing.T) {
		n.requireDemoModel(t)
		want, got := map[string]string{}, map[string]string{}
		for _, s := range samples {
			want[s.question] = s.title
			got[s.question] = n.search(t, class, query{nearText: n.text(s.question), limit: 3})[0].Title
		}
		require.Equal(t, want, got)
	})

	question := samples[2].question
	whole := n.search(t, class, query{nearText: n.text(question), limit: len(samples)})
	t.Run("nearText ranks every page", func(t *testing.T) {
		require.Len(t, unique(ids(whole)), len(samples))
		for i := range whole[1:] {
			require.LessOrEqual(t, whole[i].Distance, whole[i+1].Distance)
		}
		require.Equal(t, whole[:3], n.search(t, class, query{nearText: n.text(question), limit: 3}))
	})
	t.Run("nearText and where", func(t *testing.T) {
		where := filters.Where().WithPath([]string{"number"}).WithOperator(filters.GreaterThan).WithValueInt(3)
		hits := n.search(t, class, query{nearText: n.text(question), where: where, limit: len(samples)})
		allowed := []hit{}
		for _, h := range whole {
			for _, s := range samples[4:] {
				if h.Title == s.title {
					allowed = append(allowed, h)
				}
			}
		}
		require.Equal(t, allowed, hits)
	})
	t.Run("nearText and distance", func(t *testing.T) {
		between := float32((whole[2].Distance + whole[3].Distance) / 2)
		hits := n.search(t, class, query{nearText: n.text(question).WithDistance(between), limit: len(samples)})
		require.Equal(t, whole[:3], hits)
	})
	// Of a few pages only: brute force of a whole page against a page takes its time.
	const few = 3
	where := filters.Where().WithPath([]string{"number"}).WithOperator(filters.LessThan).WithValueInt(few)
	fewDocuments := map[string]matrix{}
	for i := range few {
		fewDocuments[uuid(i).String()] = documents[uuid(i).String()]
	}
	t.Run("nearImage", func(t *testing.T) {
		// The same image has the same vectors: the answer is that of the stored page.
		hits := n.search(t, class, query{nearImage: n.image(samplePage(t, 1)), where: where, limit: few})
		require.Equal(t, uuid(1).String(), hits[0].ID)
		requireExact(t, documents[uuid(1).String()], fewDocuments, few, hits)
	})
	t.Run("nearObject", func(t *testing.T) {
		hits := n.search(t, class, query{nearObject: n.object(uuid(2).String()), where: where, limit: few})
		require.Equal(t, uuid(2).String(), hits[0].ID)
		requireExact(t, documents[uuid(2).String()], fewDocuments, few, hits)
	})
	t.Run("nearVector", func(t *testing.T) {
		q := documents[uuid(5).String()][:16]
		requireExact(t, q, documents, 5, n.search(t, class, query{nearVector: n.vector(pageVector, q), limit: 5}))
	})
	t.Run("hybrid", func(t *testing.T) {
		hybrid := func(alpha float32) *graphql.HybridArgumentBuilder {
			return n.rest.GraphQL().HybridArgumentBuilder().WithQuery("museum").WithAlpha(alpha)
		}
		museum := n.search(t, class, query{nearText: n.text("museum"), limit: len(samples)})
		require.Equal(t, ids(museum), ids(n.search(t, class, query{hybrid: hybrid(1), limit: len(samples)})))
		require.Equal(t, []string{"museum"}, titles(n.search(t, class, query{hybrid: hybrid(0), limit: 3})))
		require.Contains(t, titles(n.search(t, class, query{hybrid: hybrid(0.5), limit: 3})), "museum")
	})
	t.Run("aggregate", func(t *testing.T) {
		response, err := n.rest.GraphQL().Aggregate().WithClassName(class).WithNearText(n.text(question)).WithObjectLimit(3).
			WithFields(graphql.Field{Name: "meta{count}"}).Do(t.Context())
		require.NoError(t, err)
		var data struct {
			Aggregate map[string][]struct{ Meta struct{ Count int } }
		}
		require.NoError(t, decode(response, &data))
		require.Equal(t, 3, data.Aggregate[class][0].Meta.Count)
	})
	t.Run("nearText with what has no meaning for MaxSim", func(t *testing.T) {
		move := &graphql.MoveParameters{Concepts: []string{"oil"}, Force: 0.5}
		n.refused(t, class, query{nearText: n.text(question).WithMoveTo(move), limit: 1}, "moveTo")
		n.refused(t, class, query{nearText: n.text(question).WithMoveAwayFrom(move), limit: 1}, "moveAwayFrom")
		n.refused(t, class, query{nearText: n.text(question).WithCertainty(0.7), limit: 1}, "certainty")
		_, err := n.searchGraphQL(t, class, query{nearText: n.text(question).WithAutocorrect(true), limit: 1})
		require.ErrorContains(t, err, "autocorrect")
	})
}

// TestPageMutations: the vectors of a page follow its image, and nothing else.
func TestPageMutations(t *testing.T) {
	n := shared(t)
	const class = "PageMutations"
	n.create(t, pageCollection(class))
	n.imports(t, pageObjects(t, class)[:4])
	before := n.stored(t, class, pageVector, "")
	near := func(i int) hit {
		return n.search(t, class, query{nearImage: n.image(samplePage(t, i)), limit: 1})[0]
	}

	require.NoError(t, n.rest.Data().Updater().WithMerge().WithClassName(class).WithID(uuid(0).String()).
		WithProperties(object{"title": "renamed"}).Do(t.Context()))
	require.Equal(t, before, n.stored(t, class, pageVector, ""), "PATCH of the title")
	require.Equal(t, "renamed", near(0).Title)

	require.NoError(t, n.rest.Data().Updater().WithMerge().WithClassName(class).WithID(uuid(1).String()).
		WithProperties(object{"page": samplePage(t, 6)}).Do(t.Context()))
	require.NotEqual(t, before[uuid(1).String()], n.stored(t, class, pageVector, "")[uuid(1).String()], "PATCH of the page")
	require.Equal(t, uuid(1).String(), near(6).ID)

	require.NoError(t, n.rest.Data().Updater().WithClassName(class).WithID(uuid(2).String()).
		WithProperties(object{"title": "replaced", "page": samplePage(t, 7)}).Do(t.Context()))
	require.Equal(t, uuid(2).String(), near(7).ID, "PUT of another page")

	require.NoError(t, n.rest.Data().Deleter().WithClassName(class).WithID(uuid(2).String()).Do(t.Context()))
	require.NotEqual(t, uuid(2).String(), near(7).ID, "DELETE")

	documents := n.stored(t, class, pageVector, "")
	require.Len(t, documents, 3)
	q := documents[uuid(1).String()][:16]
	requireExact(t, q, documents, 3, n.search(t, class, query{nearVector: n.vector(pageVector, q), limit: 10}))
}

// TestObjectsWithoutPage: an object brings its page or its own vectors.
func TestObjectsWithoutPage(t *testing.T) {
	n := shared(t)
	const class = "PageWithout"
	n.create(t, pageCollection(class))
	own := pageObject(class, 1, "own vectors", "")
	own.Vectors = models.Vectors{pageVector: randomMatrix(seeded(9), 3, n.model(t).Dim)}
	failures := batch(t, n.grpc, pageObject(class, 0, "neither", ""), own, pageObject(class, 2, "page", samplePage(t, 2)))
	require.Contains(t, failures[0], "page")
	require.Empty(t, failures[1])
	require.Empty(t, failures[2])

	documents := n.stored(t, class, pageVector, "")
	require.Len(t, documents, 2)
	require.Equal(t, own.Vectors[pageVector], documents[uuid(1).String()])
	hits := n.search(t, class, query{nearText: n.text("blue whales"), limit: 10})
	require.ElementsMatch(t, []string{"own vectors", "page"}, titles(hits))
}

// TestPageBesideOwnVector: the module's vector and one of the client's live in one collection, and a
// question goes to the one that it names.
func TestPageBesideOwnVector(t *testing.T) {
	n := shared(t)
	const class = "PageBeside"
	c := pageCollection(class)
	c.VectorConfig[ownVector] = matrixCollection(class).VectorConfig[ownVector]
	n.create(t, c)
	objects := pageObjects(t, class)[:3]
	r := seeded(14)
	for _, object := range objects {
		object.Vectors = models.Vectors{ownVector: randomMatrix(r, 3, matrixDim)}
	}
	n.imports(t, objects)

	q := randomMatrix(r, 4, matrixDim)
	own := n.stored(t, class, ownVector, "")
	requireExact(t, q, own, 3, n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: 5}))
	require.Len(t, n.search(t, class, query{nearText: n.text("blue whales").WithTargetVectors(pageVector), limit: 5}), 3)
	n.refused(t, class, query{nearText: n.text("blue whales"), limit: 5}, "vector")
	n.refused(t, class, query{nearText: n.text("blue whales").WithTargetVectors(ownVector), limit: 5}, "vector")
}

// model is what /v1/meta says of the module.
type model struct {
	Version        string `json:"version"`
	Name           string `json:"model"`
	Family         string `json:"family"`
	Manifest       string `json:"manifest"`
	Dim            int    `json:"dimensions"`
	VectorsPerPage int    `json:"vectorsPerPage"`
	Demo           bool   `json:"demo"` // the model that the server embeds
	Provider       string `json:"provider"`
	Runtime        string `json:"onnxruntime"`
	Library        string `json:"library"`
	Kernel         string `json:"maxsim"`
}

func (n *node) model(t *testing.T) model {
	t.Helper()
	var meta struct {
		Modules map[string]model `json:"modules"`
	}
	n.get(t, "/meta", &meta)
	require.Contains(t, meta.Modules, vectorizer)
	return meta.Modules[vectorizer]
}

// requireDemoModel skips a test of what a model understands when the server runs another model.
func (n *node) requireDemoModel(t *testing.T) {
	t.Helper()
	if model := n.model(t); !model.Demo {
		t.Skipf("the server runs the model %q: what a question finds is asserted for the embedded one only", model.Name)
	}
}
