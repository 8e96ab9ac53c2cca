package acceptance

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate-go-client/v5/weaviate/graphql"

	"weaviate-colpali/test/acceptance/server"
)

const precisionHeader = "X-Colpali-Precision"

// asking is the same server with clients whose every query asks for a precision.
func (n *node) asking(t *testing.T, precision string) *node {
	t.Helper()
	asking, err := newNode(n.Server, map[string]string{precisionHeader: precision})
	require.NoError(t, err)
	return asking
}

// precisions is what the index says to Weaviate's query profile: with which precision it searched,
// for each shard.
func (n *node) precisions(t *testing.T, class string, q matrix) (precisions []string) {
	t.Helper()
	for _, shard := range n.profile(t, class, q) {
		precisions = append(precisions, shard.Searches["vector"].Details["plaid_precision"])
	}
	return precisions
}

type shardProfile struct {
	Node     string
	Searches map[string]struct{ Details map[string]string }
}

func (n *node) profile(t *testing.T, class string, q matrix) (profile []shardProfile) {
	t.Helper()
	response, err := n.rest.GraphQL().Get().WithClassName(class).WithNearVector(n.vector(ownVector, q)).WithLimit(1).
		WithFields(graphql.Field{Name: "_additional", Fields: []graphql.Field{{Name: "queryProfile"}}}).Do(t.Context())
	require.NoError(t, err)
	var data struct {
		Get map[string][]struct {
			Additional struct {
				QueryProfile string `json:"queryProfile"`
			} `json:"_additional"`
		}
	}
	require.NoError(t, decode(response, &data))
	require.Len(t, data.Get[class], 1)
	require.NoError(t, json.Unmarshal([]byte(data.Get[class][0].Additional.QueryProfile), &profile))
	return profile
}

// TestWrongPrecision: a query whose header says nonsense is refused in words that help.
func TestWrongPrecision(t *testing.T) {
	const class = "WrongPrecision"
	n := shared(t)
	n.create(t, matrixCollection(class))
	n.imports(t, matrixObjects(class, 5, 50))
	q := query{nearVector: n.vector(ownVector, randomMatrix(seeded(51), 3, matrixDim)), limit: 5}
	require.Len(t, n.asking(t, "exact").search(t, class, q), 5)
	n.asking(t, "best").refused(t, class, q, precisionHeader, `"best"`, "fast, balanced, exact")
}

// TestPrecisionInACluster: what a query asks for reaches the shards of other nodes, whichever node
// is asked.
func TestPrecisionInACluster(t *testing.T) {
	const class, alone = "ClusterPrecision", "ClusterAlone"
	servers := server.Cluster(t, 3, server.Options{})
	var nodes []*node
	for _, s := range servers {
		n, err := newNode(s, nil)
		require.NoError(t, err)
		nodes = append(nodes, n)
	}
	n := nodes[0]
	for name, shards := range map[string]int{class: 3, alone: 1} {
		collection := matrixCollection(name)
		collection.ShardingConfig = object{"desiredCount": shards}
		n.create(t, collection)
		n.imports(t, matrixObjects(name, 60, 52))
	}
	documents := n.stored(t, class, ownVector, "")
	require.Len(t, documents, 60)

	q := randomMatrix(seeded(53), 4, matrixDim)
	near := query{nearVector: n.vector(ownVector, q), limit: 10}
	for _, n := range nodes {
		requireExact(t, q, documents, 10, n.search(t, class, near))
		require.Equal(t, []string{"balanced", "balanced", "balanced"}, n.precisions(t, class, q))
		for _, precision := range []string{"fast", "exact"} {
			asking := n.asking(t, precision)
			requireExact(t, q, documents, 10, asking.search(t, class, near))
			require.Equal(t, []string{precision, precision, precision}, asking.precisions(t, class, q))
			require.Equal(t, []string{precision}, asking.precisions(t, alone, q))
		}
		for _, name := range []string{class, alone} {
			wrong := n.asking(t, "best")
			wrong.refused(t, name, near, precisionHeader, `"best"`)
			response, err := wrong.rest.GraphQL().Aggregate().WithClassName(name).WithNearVector(near.nearVector).
				WithObjectLimit(5).WithFields(graphql.Field{Name: "meta{count}"}).Do(t.Context())
			require.NoError(t, err)
			require.ErrorContains(t, decode(response, new(any)), precisionHeader)
		}
	}
	var on []string
	for _, shard := range n.profile(t, class, q) {
		on = append(on, shard.Node)
	}
	slices.Sort(on)
	require.Equal(t, []string{"node1", "node2", "node3"}, on, "each node has a shard")

	const pages = "ClusterExplain"
	collection := pageCollection(pages)
	collection.ShardingConfig = object{"desiredCount": 3}
	n.create(t, collection)
	n.imports(t, pageObjects(t, pages))
	results, err := n.explain(t, pages, fmt.Sprintf(`nearText: {concepts: [%q]}`, samples[0].question), "")
	require.NoError(t, err)
	require.Len(t, results, len(samples))
	for _, result := range results {
		require.InDelta(t, -result.Additional.Distance, result.Additional.ColPali.Score, 1e-4)
		require.NotNil(t, result.Additional.ColPali.Map)
		require.Equal(t, len(samples), result.Additional.ColPali.Searched.Candidates, "of the shards of all nodes")
		require.True(t, result.Additional.ColPali.Searched.Certified)
	}
}
