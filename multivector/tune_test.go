package multivector

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/workload"
)

// TestAskingScoresWhatCanBeAmongTheBest finds the same shortfalls as scoring every
// document for every question does, down to the largest.
func TestAskingScoresWhatCanBeAmongTheBest(t *testing.T) {
	ctx := context.Background()
	pages := 200
	if testing.Short() {
		pages = 60
	}
	few := usual
	few.rerankAll, few.trainDocuments, few.sampleRows = 10, pages, 20_000
	few.centroids = func(int) int { return 4 * pages }
	source, world := newMemory(), workload.New(1)
	x, err := Open(Options{Source: source, idle: true, limits: &few})
	require.NoError(t, err)
	for id := range uint64(pages) {
		source.put(id, world.Page(int(id)))
		require.NoError(t, x.Add(ctx, source.documents(id)...))
	}
	settle(t, x)
	s := x.acquire()
	defer s.release()
	asked := func(inFull int) (found shortfalls, scored int) {
		questions, err := x.questions(ctx, s.candidates(nil), x.generation)
		require.NoError(t, err)
		require.Len(t, questions, tuneQuestions)
		require.NoError(t, answer(ctx, questions, s.candidates(nil), inFull))
		for _, q := range questions {
			scored += q.looked
		}
		return shortfallsOf(questions), scored
	}
	all, ofAll := asked(tuneQuestions)
	require.Equal(t, tuneQuestions*(pages-1), ofAll, "all but the least promising")
	require.Len(t, all.skimmed, tuneQuestions*tuneResults)
	some, scored := asked(tuneInFull)
	require.Less(t, scored, ofAll*9/10)
	for name, same := range map[string][3][]float32{
		"by centroids": {all.centroids, some.centroids, x.tuning.shortfalls.centroids},
		"skimmed":      {all.skimmed, some.skimmed, x.tuning.shortfalls.skimmed},
	} {
		require.True(t, slices.Equal(same[0], same[1]), name)
		require.True(t, slices.Equal(same[0], same[2]), "%s, as the index did", name)
	}
	for _, recall := range []float64{0.99, 0.999} {
		require.Equal(t, tuning{shortfalls: all}.margins(recall, tuneRows), x.tuning.margins(recall, tuneRows))
		require.Positive(t, x.tuning.margins(recall, tuneRows).centroids)
	}
}

// TestQuestionsDoNotDependOnTheOrderOfDocuments, nor on what the source has lost.
func TestQuestionsDoNotDependOnTheOrderOfDocuments(t *testing.T) {
	x := openTopics(t, rand.New(rand.NewPCG(79, 80)), low)
	x.add(30, 1)
	s := x.acquire()
	defer s.release()
	against := topic(x.r, 1)
	questions := func(c candidates) (scores []float32) {
		asked, err := x.questions(context.Background(), c, x.generation)
		require.NoError(t, err)
		for _, q := range asked {
			scores = append(scores, q.query.Score(against))
		}
		return scores
	}
	forth, back := s.candidates(nil), s.candidates(nil)
	slices.Reverse(back.parts)
	require.Greater(t, len(back.parts), 1)
	require.Len(t, questions(forth), tuneQuestions)
	require.Equal(t, questions(forth), questions(back))
	for id := range uint64(15) {
		x.source.remove(id)
	}
	require.Less(t, len(questions(forth)), tuneQuestions)
	require.NotEmpty(t, questions(forth))
}

// TestCovering compares with a uniform distribution, whose beyond decides, and with the one
// that it expects.
func TestCovering(t *testing.T) {
	shortfalls := make([]float32, 1000)
	for i := range shortfalls {
		shortfalls[i] = float32(i - 100)
	}
	require.InDelta(t, 399, covering(shortfalls, 0.5), 0)
	require.InDelta(t, 799+50.5*math.Log(20), covering(shortfalls, 0.995), 1e-3)
	require.Zero(t, covering(shortfalls[:100], 0.95), "none falls short")
	require.InDelta(t, 7, covering([]float32{7}, 0.999), 0)
	require.InDelta(t, math.Inf(1), covering(nil, 0.99), 0, "nothing is known")

	r := rand.New(rand.NewPCG(99, 1))
	for i := range shortfalls {
		shortfalls[i] = float32(r.ExpFloat64())
	}
	slices.Sort(shortfalls)
	for _, share := range []float64{0.5, 0.8, 0.95, 0.995, 0.9999} {
		require.InEpsilon(t, -math.Log(1-share), covering(shortfalls, share), 0.2, "%g", share)
	}
}

// TestMarginsOfShorterQuestionsAreWider by the root of how much shorter they are, longer
// ones' are not narrower, and every margin has a floor, which a higher recall lifts.
func TestMarginsOfShorterQuestionsAreWider(t *testing.T) {
	asked := tuning{shortfalls: shortfalls{centroids: []float32{0.2}, skimmed: []float32{0.1}}}
	sentence := asked.margins(DefaultRecall, tuneRows)
	require.InDelta(t, 0.2*questionMargin, sentence.centroids, 1e-6)
	require.InDelta(t, 0.1*skimmedMargin, sentence.skimmed, 1e-6)
	require.Equal(t, sentence, asked.margins(DefaultRecall, 4*tuneRows))
	require.Equal(t, sentence.times(2), asked.margins(DefaultRecall, tuneRows/4))
	require.Equal(t, asked.margins(DefaultRecall, 1), asked.margins(DefaultRecall, 0))

	near := tuning{shortfalls: shortfalls{centroids: []float32{-0.1}, skimmed: []float32{-0.1}}}
	for recall, share := range map[float64]float64{0.9: 0.75, DefaultRecall: 1, 0.999: 1.25} {
		least := near.margins(recall, tuneRows)
		require.InDelta(t, share*leastCentroids, least.centroids, 1e-6, "%g", recall)
		require.InDelta(t, share*leastSkimmed, least.skimmed, 1e-6, "%g", recall)
	}
}

// TestMarginsGrowAsDocumentsDrift from the centroids, and begin anew with a training.
func TestMarginsGrowAsDocumentsDrift(t *testing.T) {
	steady := low
	steady.retrainGrowth, steady.driftShare, steady.strangeShare = 1000, 1000, 1000
	x := openTopics(t, rand.New(rand.NewPCG(94, 95)), steady)
	x.add(60, 1)
	before, g := x.margins(DefaultRecall, tuneRows), x.generation
	require.Same(t, g, x.tuning.generation, "it has asked itself")
	g.since.add(nearness{documents: 40, sum: 40 * (float64(g.codebook.MeanCosine()) - 0.5)})
	require.Greater(t, g.drift(), x.tuning.drift)
	farther := g.drift() - x.tuning.drift
	after := x.margins(DefaultRecall, tuneRows)
	require.InDelta(t, float64(before.centroids)+farther, after.centroids, 1e-6)
	require.InDelta(t, before.skimmed, after.skimmed, 0)

	g.since.add(nearness{documents: 1_000_000, sum: 1_000_000})
	require.Equal(t, before, x.margins(DefaultRecall, tuneRows), "nearer documents make it no smaller")
	x.generation = newGeneration(g.codebook, 1, 0)
	require.Equal(t, before, x.margins(DefaultRecall, tuneRows))
}

// TestManyChangesMakeTheIndexAskItselfAnew, be they additions, deletions or both, and few
// do not.
func TestManyChangesMakeTheIndexAskItselfAnew(t *testing.T) {
	steady := low
	steady.retrainGrowth, steady.driftShare, steady.strangeShare = 1000, 1000, 1000
	for name, change := range map[string]func(x *topics, n int){
		"added": func(x *topics, n int) { x.add(n, 1) },
		"deleted": func(x *topics, n int) {
			for id := range x.IDs {
				if n--; n < 0 {
					break
				}
				x.Delete(id)
				x.Delete(id) // again is no change
			}
			settle(x.t, x.Index)
		},
		"updated": func(x *topics, n int) {
			for range n / 2 {
				x.Delete(x.ids()[0])
				x.add(1, 1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := openTopics(t, rand.New(rand.NewPCG(77, 78)), steady)
			x.add(20, 1) // trains
			x.tuning = tuning{}
			x.add(20, 1)
			first := x.tuning
			require.Equal(t, 40, first.changes)
			change(x, 18)
			require.Equal(t, first, x.tuning)
			require.Same(t, first.generation, x.generation)
			change(x, 2)
			require.Equal(t, 60, x.tuning.changes)
			require.Same(t, first.generation, x.generation)
		})
	}
}
