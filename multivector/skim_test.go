package multivector

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
)

// TestSkimmedRowsAreThoseOfMarkedCentroids compares what is looked at with what each row's
// centroid says, in codes that were read from a file, too.
func TestSkimmedRowsAreThoseOfMarkedCentroids(t *testing.T) {
	w := newWorld(t, 91)
	w.add(50)
	w.steps(100)
	require.NoError(t, w.index.Close(context.Background()))
	w.open()
	w.add(5)
	some, all := 0, 0
	for range 20 {
		query := pack(t, randomMatrix(w.r, 1+w.r.IntN(40), w.dim))
		tables := tables{}
		for _, p := range w.index.parts {
			c := p.coded.Load()
			require.True(t, c.tellsRows())
			table := tables.of(query, c.generation)
			for i := range p.Documents() {
				doc := p.Document(i)
				assigned, _ := c.generation.codebook.AssignInt8(nil, doc)
				ids := c.ids(i)
				marks := make([]uint8, len(ids))
				c.searchable.Near(marks, table, i, skimMargin)
				var want []uint16
				for j, id := range ids {
					for row, of := range assigned {
						require.NotEqual(t, codebook.None, of)
						if of == id && marks[j] != 0 {
							want = append(want, uint16(row))
						}
					}
				}
				runs := c.near(nil, &marks, table, i)
				require.Equal(t, want, rowsOfRuns(runs))
				var found [1]skimmed
				skim(query, tables, []pick{p.pick(uint32(i), 0, c)}, found[:])
				require.True(t, found[0].sound)
				require.Equal(t, query.ScoreInt8Runs(doc, runs), found[0].score) //nolint:testifylint // the same sums
				require.LessOrEqual(t, found[0].score, query.ScoreInt8(doc))
				some, all = some+len(want), all+doc.Rows()
			}
		}
		tables.release()
	}
	require.Less(t, some, all)
}

func rowsOfRuns(runs []maxsim.Run) (rows []uint16) {
	for _, r := range runs {
		for i := range r.Rows {
			rows = append(rows, uint16(r.First+i))
		}
	}
	return rows
}

// TestSkimmingLeavesOutWhatCannotBeExpected finds what brute force finds, with exact
// scores, and scores fewer documents by all their rows than it skimmed.
func TestSkimmingLeavesOutWhatCannotBeExpected(t *testing.T) {
	few := low
	few.least, few.balanced, few.retrainGrowth = 5, 60, 1000
	x := openTopics(t, rand.New(rand.NewPCG(92, 93)), few)
	x.add(60, 1)
	x.add(5, 1)
	require.True(t, x.tuning.margins(DefaultRecall, tuneRows).skim(), "it has asked itself")
	skimmed, reranked, found := 0, 0, 0
	for range 50 {
		query := pack(t, topic(x.r, 1))
		var trace Trace
		got, err := x.Search(context.Background(), query, 3, SearchOptions{Trace: &trace})
		require.NoError(t, err)
		all := x.source.bruteForce(query, slices.Collect(x.IDs), x.Len(), nil, nil)
		require.Subset(t, all, got, "with their exact scores")
		for _, result := range all[:3] {
			if slices.Contains(got, result) {
				found++
			}
		}
		require.False(t, trace.Certified && trace.Reranked < trace.Candidates)
		require.GreaterOrEqual(t, trace.Reranked, 3)
		skimmed, reranked = skimmed+trace.Skimmed, reranked+trace.Reranked

		got, err = x.Search(context.Background(), query, math.MaxInt, SearchOptions{})
		require.NoError(t, err)
		require.Equal(t, all, got, "whoever asks for all gets all")

		got, err = x.Search(context.Background(), query, 3, SearchOptions{Precision: Exact, Trace: &trace})
		require.NoError(t, err)
		require.Equal(t, all[:3], got)
		require.True(t, trace.Certified)
		require.Zero(t, trace.Skimmed)
	}
	require.Less(t, reranked, skimmed)
	require.GreaterOrEqual(t, found, 50*3*9/10)
}

// TestCodesThatDoNotTellTheRowsAreMadeAnew, as those of version 1 of the files.
func TestCodesThatDoNotTellTheRowsAreMadeAnew(t *testing.T) {
	w := newWorld(t, 94)
	w.add(50)
	w.steps(100)
	for _, p := range w.index.parts {
		c := p.coded.Load()
		old := &coded{generation: c.generation, narrow: c.narrow, wide: c.wide, offsets: c.offsets, file: c.file}
		require.NoError(t, old.check())
		require.False(t, old.tellsRows())
		require.NoError(t, old.fits(p))
		p.coded.Store(old)
	}
	require.Nil(t, oneGeneration(w.index.parts), "a merge cannot copy what is not known")
	w.check()
	var trace Trace
	_, err := w.index.Search(context.Background(), pack(t, randomMatrix(w.r, 3, w.dim)), 3, SearchOptions{Trace: &trace})
	require.NoError(t, err)
	require.NotZero(t, trace.Centroids, "they still tell which documents are promising")
	require.Zero(t, trace.Skimmed)
	w.steps(100)
	for _, p := range w.index.parts {
		require.True(t, p.coded.Load().tellsRows())
	}
	w.check()
	require.NoError(t, w.index.Close(context.Background()))
	w.open()
	require.Zero(t, w.index.Statistics().SetAside)
	w.check()
}

// TestRowsBehindTheEndOfADocumentAreDamage, which only the documents can tell.
func TestRowsBehindTheEndOfADocumentAreDamage(t *testing.T) {
	w := newWorld(t, 95)
	w.add(50)
	w.steps(100)
	for _, p := range w.index.parts {
		c := p.coded.Load()
		require.NoError(t, c.fits(p))
		bad := &coded{generation: c.generation, offsets: c.offsets, narrow: c.narrow, counts: c.counts, rows: slices.Clone(c.rows), firsts: c.firsts}
		bad.rows[len(bad.rows)-1] = uint16(p.Document(p.Documents() - 1).Rows())
		require.ErrorContains(t, bad.fits(p), "a centroid of row")

		last := p.Documents() - 1
		more := p.Document(last).Rows() + 1
		bad.rows = append(slices.Clone(c.rows[:c.firsts[last]]), make([]uint16, more)...)
		bad.firsts = append(slices.Clone(c.firsts[:last+1]), c.firsts[last]+uint64(more))
		require.ErrorContains(t, bad.fits(p), "centroids of")
	}
}

type closer int

func (c *closer) Close() error { *c++; return nil }

func TestAPartClosesWhatItsCodesLieIn(t *testing.T) {
	p := newPart(&inMemory{}, 0)
	var first, second closer
	p.keep(&first)
	p.keep(&second)
	require.NoError(t, p.Close())
	require.NoError(t, p.Close())
	require.Equal(t, []closer{1, 1}, []closer{first, second})
}
