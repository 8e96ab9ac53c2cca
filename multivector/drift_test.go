package multivector

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

// topic is a document of vectors near one of a few directions of its topic.
func topic(r *rand.Rand, seed uint64) maxsim.Matrix {
	directions := randomMatrix(rand.New(rand.NewPCG(seed, 1)), 6, 16)
	m := randomMatrix(r, 8, 16)
	for i := range m.Rows() {
		direction := directions.Row(r.IntN(6))
		for d, x := range direction {
			m.Row(i)[d] = x + 0.1*m.Row(i)[d]
		}
	}
	return m
}

// topics is an index that is given documents of topics.
type topics struct {
	*Index
	t      *testing.T
	source *memory
	r      *rand.Rand
	next   uint64 // id
}

func openTopics(t *testing.T, r *rand.Rand, l limits) *topics {
	t.Helper()
	source := newMemory()
	x, err := Open(Options{Source: source, idle: true, limits: &l})
	require.NoError(t, err)
	return &topics{Index: x, t: t, source: source, r: r}
}

// add adds n documents of a topic, and lets the background come to its end.
func (x *topics) add(n int, of uint64) {
	x.t.Helper()
	for range n {
		x.source.put(x.next, topic(x.r, of))
		require.NoError(x.t, x.Add(context.Background(), x.source.documents(x.next)...))
		x.next++
	}
	settle(x.t, x.Index)
}

func TestDocumentsOfANewTopicMakeTheIndexTrainAnew(t *testing.T) {
	few := low
	few.retrainGrowth = 1000
	x := openTopics(t, rand.New(rand.NewPCG(71, 72)), few)
	x.add(40, 1)
	first := x.generation
	require.NotNil(t, first)
	x.add(30, 1)
	require.Same(t, first, x.generation, "more of the same is no reason")
	x.add(30, 2)
	require.NotSame(t, first, x.generation)
	for _, p := range x.parts {
		require.Same(t, x.generation, p.coded.Load().generation, "all have the new centroids")
	}
	second := x.generation
	x.add(10, 2)
	require.Same(t, second, x.generation)
}

// What the centroids say nothing of is found all the same.
func TestStrangersAreLookedAtClosely(t *testing.T) {
	ctx := context.Background()
	never := low
	never.retrainGrowth, never.driftShare, never.strangeShare = 1000, 1000, 1000
	source, r := newMemory(), rand.New(rand.NewPCG(73, 74))
	x, err := Open(Options{Source: source, idle: true, limits: &never})
	require.NoError(t, err)
	for id := range uint64(60) {
		source.put(id, topic(r, 1+id/50)) // 10 of a new topic
		require.NoError(t, x.Add(ctx, source.documents(id)...))
		settle(t, x)
	}
	asked := 0
	for range 20 {
		query := pack(t, topic(r, 2))
		var trace Trace
		got, err := x.Search(ctx, query, 3, SearchOptions{Precision: Fast, Trace: &trace})
		require.NoError(t, err)
		require.NotZero(t, trace.Centroids)
		require.Equal(t, source.bruteForce(query, slices.Collect(x.IDs), 3, nil, nil), got)
		asked += trace.Reranked
	}
	require.Less(t, asked, 20*60, "the others are not all looked at")
}

// A restart forgets how far documents have drifted, and finds out again.
func TestDriftOfBeforeARestart(t *testing.T) {
	ctx := context.Background()
	few := low
	few.retrainGrowth = 1000
	for name, later := range map[string]struct {
		topic  uint64
		trains bool
	}{"of the same topic": {1, false}, "of a new topic": {2, true}} {
		t.Run(name, func(t *testing.T) {
			source, r := newMemory(), rand.New(rand.NewPCG(75, 76))
			o := Options{Source: source, Dir: t.TempDir(), idle: true, limits: &few}
			x, err := Open(o)
			require.NoError(t, err)
			add := func(n int, of uint64) {
				for range n {
					id := uint64(len(o.Stored))
					o.Stored = append(o.Stored, id)
					source.put(id, topic(r, of))
					require.NoError(t, x.Add(ctx, source.documents(id)...))
				}
			}
			add(40, 1)
			settle(t, x)
			first := x.generation.file
			require.NotZero(t, first)
			for range 3 { // too few each time
				add(7, later.topic)
				require.NoError(t, x.Close(ctx))
				x, err = Open(o)
				require.NoError(t, err)
			}
			settle(t, x)
			require.Equal(t, later.trains, x.generation.file != first)
			require.NoError(t, x.Close(ctx))
		})
	}
}

func TestTuningOfAnIndexThatCannotBeRead(t *testing.T) {
	source, r := newMemory(), rand.New(rand.NewPCG(73, 74))
	x, err := Open(Options{Source: source, idle: true, limits: &low})
	require.NoError(t, err)
	for id := range uint64(40) {
		source.put(id, topic(r, 1))
		require.NoError(t, x.Add(context.Background(), source.documents(id)...))
	}
	settle(t, x)
	require.NotNil(t, x.tuning.generation)
	x.tuning = tuning{}
	for _, p := range x.parts {
		for row := range p.Documents() {
			p.checked.set(row)
			p.damaged.set(row)
		}
	}
	done, err := x.tune(context.Background())
	require.NoError(t, err)
	require.False(t, done)
}
