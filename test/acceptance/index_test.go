package acceptance

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/filters"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/graphql"
	"github.com/weaviate/weaviate/entities/models"

	"weaviate-colpali/test/acceptance/server"
)

// The tests of this file bring their own vectors, so that every answer can be checked against brute
// force over what is stored. They run with synchronous and with asynchronous indexing.

func TestIndex(t *testing.T) {
	testIndex(t, shared(t))
}

func TestIndexAsynchronous(t *testing.T) {
	n := start(t, server.Options{Env: map[string]string{
		"ASYNC_INDEXING": "true",
		// A default that Weaviate would apply to every hnsw collection, and that plaid cannot have.
		"DEFAULT_QUANTIZATION": "rq-8",
	}})
	testIndex(t, n)
	t.Run("pages", func(t *testing.T) { testPageSearch(t, n) })
}

func testIndex(t *testing.T, n *node) {
	t.Run("search", func(t *testing.T) { testIndexSearch(t, n) })
	t.Run("precision", func(t *testing.T) { testPrecision(t, n) })
	t.Run("mutations", func(t *testing.T) { testIndexMutations(t, n) })
	t.Run("two vectors", func(t *testing.T) { testTwoVectors(t, n) })
	t.Run("added vector", func(t *testing.T) { testAddedVector(t, n) })
	t.Run("like stock hnsw", func(t *testing.T) { testLikeStock(t, n) })
}

func testIndexSearch(t *testing.T, n *node) {
	const class, count = "IndexSearch", 150
	n.create(t, matrixCollection(class))
	n.imports(t, matrixObjects(class, count, 1))
	documents := n.stored(t, class, ownVector, "")
	require.Len(t, documents, count)

	r := seeded(2)
	for _, rows := range []int{1, 2, 7, 20} {
		q := randomMatrix(r, rows, matrixDim)
		requireExact(t, q, documents, 10, n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: 10}))
	}
	q := randomMatrix(r, 5, matrixDim)
	ranked := bruteForce(q, documents)
	near := func() *graphql.NearVectorArgumentBuilder { return n.vector(ownVector, q) }

	t.Run("all", func(t *testing.T) {
		requireExact(t, q, documents, count, n.search(t, class, query{nearVector: near(), limit: 2 * count}))
	})
	t.Run("offset", func(t *testing.T) {
		whole := n.search(t, class, query{nearVector: near(), limit: 30})
		require.Equal(t, whole[20:], n.search(t, class, query{nearVector: near(), limit: 10, offset: 20}))
	})
	t.Run("distance", func(t *testing.T) {
		between := float32((ranked[6].Distance + ranked[7].Distance) / 2)
		for _, limit := range []int{0, 100} {
			hits := n.search(t, class, query{nearVector: near().WithDistance(between), limit: limit})
			requireExact(t, q, documents, 7, hits)
		}
	})
	t.Run("where", func(t *testing.T) {
		for _, above := range []int{-1, 75, 140, 148, 149} {
			allowed := maps.Clone(documents)
			for i := range above + 1 {
				delete(allowed, uuid(i).String())
			}
			where := filters.Where().WithPath([]string{"number"}).WithOperator(filters.GreaterThan).WithValueInt(int64(above))
			requireExact(t, q, allowed, 20, n.search(t, class, query{nearVector: near(), where: where, limit: 20}))
		}
	})
	t.Run("nearObject", func(t *testing.T) {
		for _, i := range []int{0, 75, 149} {
			self := documents[uuid(i).String()]
			requireExact(t, self, documents, 10, n.search(t, class, query{nearObject: n.object(uuid(i).String()), limit: 10}))
		}
	})
	t.Run("hybrid", func(t *testing.T) {
		// Over gRPC only: the vector of a GraphQL hybrid search cannot be a matrix.
		hybrid := func(alpha float32) []hit {
			builder := n.grpc.GraphQL().HybridArgumentBuilder().WithQuery("42").
				WithVector(q).WithTargetVectors(ownVector).WithAlpha(alpha)
			hits, err := n.searchGRPC(t, class, query{hybrid: builder, limit: 10})
			require.NoError(t, err)
			return hits
		}
		require.Equal(t, ids(ranked[:10]), ids(hybrid(1)))
		require.Equal(t, "matrix 42", hybrid(0)[0].Title)
		both := hybrid(0.5)
		require.Contains(t, titles(both), "matrix 42")
		require.Contains(t, ids(both), ranked[0].ID)
	})
	t.Run("groupBy", func(t *testing.T) {
		response, err := n.rest.GraphQL().Get().WithClassName(class).WithNearVector(near()).WithLimit(10).
			WithGroupBy(n.rest.GraphQL().GroupByArgBuilder().WithPath([]string{"title"}).WithGroups(3).WithObjectsPerGroup(1)).
			WithFields(graphql.Field{Name: "_additional{group{count minDistance hits{_additional{id}}}}"}).Do(t.Context())
		require.NoError(t, err)
		var data struct {
			Get map[string][]struct {
				Additional struct {
					Group struct {
						Count       int
						MinDistance float64
						Hits        []struct {
							Additional struct{ ID string } `json:"_additional"`
						}
					}
				} `json:"_additional"`
			}
		}
		require.NoError(t, decode(response, &data))
		groups := data.Get[class]
		require.Len(t, groups, 3)
		for i := range groups {
			group := groups[i].Additional.Group
			require.Equal(t, 1, group.Count)
			require.InDelta(t, ranked[i].Distance, group.MinDistance, 1e-4)
			require.Equal(t, ranked[i].ID, group.Hits[0].Additional.ID)
		}
	})
	t.Run("aggregate", func(t *testing.T) {
		response, err := n.rest.GraphQL().Aggregate().WithClassName(class).WithNearVector(near()).WithObjectLimit(7).
			WithFields(graphql.Field{Name: "meta{count} number{minimum maximum}"}).Do(t.Context())
		require.NoError(t, err)
		var data struct {
			Aggregate map[string][]struct {
				Meta   struct{ Count int }
				Number struct{ Minimum, Maximum int }
			}
		}
		require.NoError(t, decode(response, &data))
		numbers := map[string]int{}
		for i := range count {
			numbers[uuid(i).String()] = i
		}
		low, high := count, 0
		for _, h := range ranked[:7] {
			low, high = min(low, numbers[h.ID]), max(high, numbers[h.ID])
		}
		require.Equal(t, 7, data.Aggregate[class][0].Meta.Count)
		require.Equal(t, low, data.Aggregate[class][0].Number.Minimum)
		require.Equal(t, high, data.Aggregate[class][0].Number.Maximum)
	})
	t.Run("certainty", func(t *testing.T) {
		n.refused(t, class, query{nearVector: near().WithCertainty(0.7), limit: 1}, "certainty")
	})
}

func testIndexMutations(t *testing.T, n *node) {
	const class, count = "IndexMutations", 40
	n.create(t, matrixCollection(class))
	n.imports(t, matrixObjects(class, count, 3))
	r := seeded(4)
	q := randomMatrix(r, 6, matrixDim)

	// check compares the whole ranking with what is stored now.
	check := func(t *testing.T, stored int) map[string]matrix {
		t.Helper()
		n.settle(t)
		documents := n.stored(t, class, ownVector, "")
		require.Len(t, documents, stored)
		requireExact(t, q, documents, count, n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: 2 * count}))
		return documents
	}
	before := check(t, count)

	// In this order: each step works on what the one before has left.
	replacement := randomMatrix(r, 9, matrixDim)
	require.NoError(t, n.rest.Data().Updater().WithClassName(class).WithID(uuid(3).String()).
		WithProperties(object{"title": "replaced", "number": 3}).
		WithVectors(models.Vectors{ownVector: replacement}).Do(t.Context()))
	require.Equal(t, replacement, check(t, count)[uuid(3).String()], "PUT with other vectors")

	require.NoError(t, n.rest.Data().Updater().WithMerge().WithClassName(class).WithID(uuid(4).String()).
		WithProperties(object{"title": "merged"}).Do(t.Context()))
	require.Equal(t, before[uuid(4).String()], check(t, count)[uuid(4).String()], "PATCH of another property")
	require.Equal(t, "merged", n.title(t, class, 4))

	again := matrixObject(class, 5, randomMatrix(r, 2, matrixDim))
	require.Equal(t, []string{""}, batch(t, n.grpc, again))
	require.Equal(t, again.Vectors[ownVector], check(t, count)[uuid(5).String()], "import of the same id")

	require.NoError(t, n.rest.Data().Deleter().WithClassName(class).WithID(uuid(6).String()).Do(t.Context()))
	require.NotContains(t, check(t, count-1), uuid(6).String(), "DELETE")

	deleted, err := n.rest.Batch().ObjectsBatchDeleter().WithClassName(class).
		WithWhere(filters.Where().WithPath([]string{"number"}).WithOperator(filters.LessThan).WithValueInt(6)).Do(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 6, deleted.Results.Successful)
	check(t, count-7)

	require.Equal(t, []string{""}, batch(t, n.rest, matrixObject(class, 6, before[uuid(6).String()])))
	require.Contains(t, check(t, count-6), uuid(6).String(), "import of a deleted id")
}

// testPrecision has as many documents as make the index train its centroids.
func testPrecision(t *testing.T, n *node) {
	const class, count = "IndexPrecision", 2600
	n.create(t, with(matrixCollection(class), func(v *models.VectorConfig) {
		v.VectorIndexConfig.(object)["multivector"].(object)["plaid"].(object)["precision"] = "exact"
	}))
	objects := matrixObjects(class, count, 7)
	for part := range slices.Chunk(objects, 650) {
		n.imports(t, part)
	}
	documents := map[string]matrix{}
	for _, o := range objects {
		documents[o.ID.String()] = o.Vectors[ownVector].(matrix)
	}
	r := seeded(8)
	for range 5 {
		q := randomMatrix(r, 6, matrixDim)
		requireExact(t, q, documents, 10, n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: 10}))
		require.Equal(t, []string{"exact"}, n.precisions(t, class, q))
		require.Equal(t, "true", n.profile(t, class, q)[0].Searches["vector"].Details["plaid_certified"])
		require.Equal(t, []string{"fast"}, n.asking(t, "fast").precisions(t, class, q))
	}

	for _, precision := range []string{"fast", "balanced"} {
		n.setPrecision(t, class, precision)
		config := n.schema(t, class).VectorConfig[ownVector].VectorIndexConfig
		require.Equal(t, precision, config["multivector"].(object)["plaid"].(object)["precision"])

		// Made-up matrices have no neighbours that centroids could tell: what is found is
		// another matter (see the benchmark of multivector), that it has its own score is not.
		q := randomMatrix(r, 6, matrixDim)
		hits := n.search(t, class, query{nearVector: n.vector(ownVector, q), limit: 10})
		require.Len(t, hits, 10)
		for _, h := range hits {
			require.InDelta(t, -maxSim(q, documents[h.ID]), h.Distance, 1e-4)
		}
		require.Equal(t, []string{precision}, n.precisions(t, class, q))
		requireExact(t, q, documents, 10,
			n.asking(t, "exact").search(t, class, query{nearVector: n.vector(ownVector, q), limit: 10}))
		require.Equal(t, []string{"exact"}, n.asking(t, "exact").precisions(t, class, q))
	}
}

// setPrecision changes the precision of a collection's searches. Weaviate makes its shards read-only
// while it does, and a little longer.
func (n *node) setPrecision(t *testing.T, class, precision string) {
	t.Helper()
	var updated models.Class
	n.get(t, "/schema/"+class, &updated)
	with(&updated, func(v *models.VectorConfig) {
		v.VectorIndexConfig.(object)["multivector"].(object)["plaid"].(object)["precision"] = precision
	})
	status, text := n.call(t, http.MethodPut, "/schema/"+class, &updated)
	require.Equal(t, http.StatusOK, status, text)
	require.Eventually(t, func() bool {
		var shards models.ShardStatusList
		n.get(t, "/schema/"+class+"/shards", &shards)
		return !slices.ContainsFunc(shards, func(s *models.ShardStatusGetResponse) bool { return s.Status != "READY" })
	}, time.Minute, 5*time.Millisecond, "a shard stays read-only")
}

// testTwoVectors: two of our indexes in one collection are two indexes, and a search over both adds
// their distances.
func testTwoVectors(t *testing.T, n *node) {
	const class, count = "IndexTwoVectors", 30
	collection := matrixCollection(class)
	collection.VectorConfig["other"] = collection.VectorConfig[ownVector]
	n.create(t, collection)
	r := seeded(5)
	objects := matrixObjects(class, count, 6)
	const otherDim = 8
	for _, object := range objects {
		object.Vectors["other"] = randomMatrix(r, 1+r.IntN(5), otherDim)
	}
	n.imports(t, objects)

	own, other := n.stored(t, class, ownVector, ""), n.stored(t, class, "other", "")
	qOwn, qOther := randomMatrix(r, 4, matrixDim), randomMatrix(r, 3, otherDim)
	requireExact(t, qOwn, own, 10, n.search(t, class, query{nearVector: n.vector(ownVector, qOwn), limit: 10}))
	requireExact(t, qOther, other, 10, n.search(t, class, query{nearVector: n.vector("other", qOther), limit: 10}))

	sum := n.rest.GraphQL().NearVectorArgBuilder().
		WithVectorPerTarget(map[string]models.Vector{ownVector: qOwn, "other": qOther}).
		WithTargets(n.rest.GraphQL().MultiTargetArgumentBuilder().Sum(ownVector, "other"))
	hits := n.search(t, class, query{nearVector: sum, limit: count})
	require.Len(t, hits, count)
	for i, h := range hits {
		require.InDelta(t, -maxSim(qOwn, own[h.ID])-maxSim(qOther, other[h.ID]), h.Distance, 1e-4)
		if i > 0 {
			require.LessOrEqual(t, hits[i-1].Distance, h.Distance)
		}
	}
}

// testAddedVector: an index that is added to a collection with objects serves those that come later.
func testAddedVector(t *testing.T, n *node) {
	const class, count, dim = "IndexAddedVector", 20, 8
	n.create(t, matrixCollection(class))
	n.imports(t, matrixObjects(class, count, 9))
	added := models.VectorConfig{Vectorizer: object{"none": object{}}, VectorIndexType: "hnsw", VectorIndexConfig: plaid()}
	require.NoError(t, n.rest.Schema().VectorAdder().WithClassName(class).
		WithVectors(map[string]models.VectorConfig{"added": added}).Do(t.Context()))

	r := seeded(10)
	later := make([]*models.Object, count)
	for i := range later {
		later[i] = matrixObject(class, count+i, randomMatrix(r, 2, matrixDim))
		later[i].Vectors["added"] = randomMatrix(r, 3, dim)
	}
	n.imports(t, later)
	qOwn, qAdded := randomMatrix(r, 4, matrixDim), randomMatrix(r, 3, dim)
	own, stored := n.stored(t, class, ownVector, ""), n.stored(t, class, "added", "")
	require.Len(t, own, 2*count)
	require.Len(t, stored, count)
	requireExact(t, qOwn, own, 2*count, n.search(t, class, query{nearVector: n.vector(ownVector, qOwn), limit: 50}))
	requireExact(t, qAdded, stored, count, n.search(t, class, query{nearVector: n.vector("added", qAdded), limit: 50}))
}

// testLikeStock: the same objects in Weaviate's own multi-vector index have the same distances. This
// also shows that the patched server still has that index.
func testLikeStock(t *testing.T, n *node) {
	const ours, stock, count = "IndexOurs", "IndexStock", 60
	n.create(t, matrixCollection(ours))
	n.create(t, with(matrixCollection(stock), func(v *models.VectorConfig) {
		v.VectorIndexConfig = object{
			"multivector": object{"enabled": true}, "rq": object{"enabled": false},
			"distance": "dot", // the default, cosine, would normalise the rows
		}
	}))
	n.imports(t, matrixObjects(ours, count, 7))
	n.imports(t, matrixObjects(stock, count, 7))
	q := randomMatrix(seeded(8), 5, matrixDim)
	want := n.search(t, stock, query{nearVector: n.vector(ownVector, q), limit: 10})
	got := n.search(t, ours, query{nearVector: n.vector(ownVector, q), limit: 10})
	require.Equal(t, ids(want), ids(got))
	for i := range want {
		require.InDelta(t, want[i].Distance, got[i].Distance, 1e-4)
	}
}
