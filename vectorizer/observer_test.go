package vectorizer

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// notes is an Observer that keeps what it is told, without durations.
type notes struct {
	mu   sync.Mutex
	told []any
}

func (n *notes) tell(words ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, words...)
}

func (n *notes) Waited(of Kind, _ time.Duration)       { n.tell("waited " + of.String()) }
func (n *notes) BatchRan(of Kind, items, tokens int)   { n.tell([3]any{of, items, tokens}) }
func (n *notes) StageRan(stage Stage, _ time.Duration) { n.tell(stage) }
func (n *notes) OutOfMemory(stage Stage)               { n.tell("no memory for " + string(stage)) }

func TestTheObserverIsToldOfEachStageOnce(t *testing.T) {
	n := &notes{}
	v := openRandom(t, Options{Observer: n})
	require.Empty(t, n.told, "a model that warms up is not observed")

	require.NoError(t, only(v.EmbedPages(t.Context(), [][]byte{goldenIn(randomModel).file(t, "letter.png")})).Err)
	tokens := v.Model().VectorsPerPage
	require.Equal(t, []any{StageDecode, "waited pages", StageVision, StageText, [3]any{Pages, 1, tokens}}, n.told)

	n.told = nil
	query := only(v.EmbedQueries(t.Context(), []string{"revenue"}))
	require.NoError(t, query.Err)
	require.Equal(t, []any{"waited queries", StageText, [3]any{Queries, 1, len(query.Vectors)}}, n.told)
	require.False(t, slices.ContainsFunc(Kinds, func(k Kind) bool { return v.Queued(k) != 0 }))
}
