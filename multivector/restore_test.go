package multivector

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/format"
	"weaviate-colpali/multivector/internal/vfs/faultfs"
)

// kept is an index of topics on a disk.
type kept struct {
	topics
	disk     *faultfs.FS
	observed *observed // since it was opened
	readOnly bool
}

// steady is low without trainings but the first.
func steady() limits {
	l := low
	l.retrainGrowth, l.driftShare, l.strangeShare = 1000, 1000, 1000
	return l
}

func newKept(t *testing.T, l limits) *kept {
	t.Helper()
	k := &kept{topics: topics{t: t, source: newMemory(), r: rand.New(rand.NewPCG(101, 102))}, disk: faultfs.New()}
	k.open(l)
	return k
}

// open opens the index as after a start.
func (k *kept) open(l limits) {
	k.t.Helper()
	k.observed = newObserved()
	x, err := Open(Options{
		Source: k.source, Stored: slices.Collect(maps.Keys(k.source.stored)), fs: k.disk, idle: true, limits: &l,
		Observer: k.observed, ReadOnly: func() bool { return k.readOnly },
	})
	require.NoError(k.t, err)
	k.Index, k.observed.index = x, x
}

func (k *kept) reopen() {
	k.t.Helper()
	require.NoError(k.t, k.Close(context.Background()))
	k.open(k.limits)
}

// deleteFirst deletes the n oldest documents.
func (k *kept) deleteFirst(n int) {
	for _, id := range k.ids()[:n] {
		k.source.remove(id)
		k.Delete(id)
	}
}

func (k *kept) margins() margins { return k.Index.margins(DefaultRecall, tuneRows) }

// tunings is the names of the tunings on disk.
func (k *kept) tunings() []string {
	k.t.Helper()
	names, err := k.disk.List(".")
	require.NoError(k.t, err)
	return slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) != "."+string(format.KindTuning) })
}

// requireOneTuning says that the only tuning on disk is a file of the index.
func (k *kept) requireOneTuning() {
	k.t.Helper()
	names := k.tunings()
	require.Len(k.t, names, 1)
	require.Contains(k.t, k.Files(), names[0])
}

// answers is what a few searches answered, and how many documents they looked at.
func (k *kept) answers() (answers []string) {
	k.t.Helper()
	r := rand.New(rand.NewPCG(103, 104))
	for range 20 {
		var trace Trace
		got, err := k.Search(context.Background(), pack(k.t, topic(r, 1)), 3, SearchOptions{Trace: &trace})
		require.NoError(k.t, err)
		answers = append(answers, fmt.Sprint(got, trace.Reranked, trace.Certified))
	}
	return answers
}

func TestAReopenedIndexHasItsMarginsAndDoesNotAskAgain(t *testing.T) {
	k := newKept(t, steady())
	k.add(60, 1)
	want, answers, files := k.margins(), k.answers(), k.Files()
	require.True(t, want.skim(), "it has asked itself")
	require.Equal(t, 1, k.observed.ended[JobTune])
	k.requireOneTuning()
	for range 3 {
		k.reopen()
		require.Equal(t, want, k.margins(), "at once")
		require.NotZero(t, k.Statistics().Margin)
		require.Equal(t, answers, k.answers())
		settle(t, k.Index)
		require.Equal(t, 1, k.observed.ended[JobCompare])
		require.Equal(t, want, k.margins(), "after it has looked back")
		require.Equal(t, answers, k.answers())
		require.Zero(t, k.observed.ended[JobTune])
		require.Equal(t, files, k.Files())
	}
	k.readOnly = true
	k.reopen()
	settle(t, k.Index)
	require.Equal(t, want, k.margins(), "read-only, too")
	require.Equal(t, answers, k.answers())
	require.Equal(t, files, k.Files())
	k.requireOneTuning()
}

// TestChangesCountAcrossRestarts, be they additions, deletions or both, merged or not, in as many sessions as there may
// be. Each is of 60 documents first.
func TestChangesCountAcrossRestarts(t *testing.T) {
	for name, change := range map[string]func(k *kept){ // five documents
		"added": func(k *kept) { k.add(5, 1) },
		"deleted": func(k *kept) {
			k.deleteFirst(5)
			settle(k.t, k.Index)
		},
		"deleted from the object store while the index was closed": func(k *kept) {
			for _, id := range k.ids()[:5] {
				k.source.remove(id)
			}
		},
		"updated, and one added": func(k *kept) {
			k.deleteFirst(2)
			k.add(3, 1)
		},
		"read again after a crash": func(k *kept) {
			k.add(5, 1)
			k.disk = k.disk.Crash(k.r) // these were in memory
			k.open(k.limits)
			settle(k.t, k.Index)
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t, steady())
			k.add(60, 1)
			require.Equal(t, 60, k.tuning.documents)
			before := k.tunings()
			for range 5 {
				change(k)
				k.reopen()
				settle(t, k.Index)
				require.Equal(t, before, k.tunings(), "25 of 60 are too few")
				require.Zero(t, k.observed.ended[JobTune])
			}
			change(k)
			settle(t, k.Index)
			k.reopen()
			settle(t, k.Index)
			require.NotEqual(t, before, k.tunings(), "30 of 60 are not")
			require.Equal(t, k.Len(), k.tuning.documents)
			k.requireOneTuning()
		})
	}
}

// TestDocumentsThatDriftedSinceTheTuningWidenMarginsAfterARestart, and those that it knew do
// not.
func TestDocumentsThatDriftedSinceTheTuningWidenMarginsAfterARestart(t *testing.T) {
	k := newKept(t, steady())
	k.add(40, 1)
	k.add(20, 2) // asks itself with these
	require.Equal(t, 60, k.tuning.documents)
	tuned := k.margins()
	k.reopen()
	settle(t, k.Index)
	require.Greater(t, k.Statistics().Drift, 0.1)
	require.Equal(t, tuned, k.margins())
	k.add(10, 3)
	k.reopen()
	require.Equal(t, tuned, k.margins(), "until it has looked back")
	settle(t, k.Index)
	require.Zero(t, k.observed.ended[JobTune])
	require.Greater(t, k.margins().centroids, tuned.centroids+0.01)
	require.InDelta(t, tuned.skimmed, k.margins().skimmed, 0)
}

func TestATrainingMakesATuningVoid(t *testing.T) {
	k := newKept(t, low)
	k.add(60, 1)
	trained := k.generation
	k.requireOneTuning()
	for range 40 { // of a new topic, until it trains anew
		k.source.put(k.next, topic(k.r, 2))
		require.NoError(t, k.Add(context.Background(), k.source.documents(k.next)...))
		k.next++
		for k.step(context.Background()) {
			if k.generation != trained && k.tuning.generation == trained {
				require.Empty(t, k.tunings(), "between the training and the next questions")
				require.NotEmpty(t, k.tuning.shortfalls.centroids, "whose margins it uses meanwhile")
			}
			for _, name := range k.tunings() {
				require.Contains(t, k.Files(), name)
			}
		}
	}
	require.NotSame(t, trained, k.generation)
	k.requireOneTuning()
}

// TestTuningsOfOtherCentroidsAndOlderOnesAreRemoved, as a power cut may leave them.
func TestTuningsOfOtherCentroidsAndOlderOnesAreRemoved(t *testing.T) {
	k := newKept(t, steady())
	k.add(60, 1)
	want, live := k.margins(), k.tunings()
	older := k.tuning
	older.unwritten, older.shortfalls = k.ids(), shortfalls{centroids: []float32{1}}
	foreign := older
	foreign.generation = &generation{file: k.generation.file + 1000}
	for _, t := range []tuning{older, foreign} {
		_, err := k.files.writeTuning(t)
		require.NoError(k.t, err)
	}
	numbers, _, err := k.files.list()
	require.NoError(t, err)
	mine := numbers[format.KindTuning][0]
	// The newest wins: that of the index is made so.
	require.NoError(t, k.disk.Rename(live[0], format.FileName(mine+1000, format.KindTuning)))
	k.reopen()
	require.Equal(t, []string{format.FileName(mine+1000, format.KindTuning)}, k.tunings())
	require.Equal(t, want, k.margins())
	require.Zero(t, k.Statistics().SetAside)

	_, err = k.files.writeTuning(foreign)
	require.NoError(t, err)
	require.NoError(t, k.disk.Remove(k.tunings()[0]))
	k.reopen()
	require.Empty(t, k.tunings(), "none of its own is left")
	require.Zero(t, k.Statistics().Margin)
	settle(t, k.Index)
	require.Equal(t, want, k.margins())
	k.requireOneTuning()
}

func TestADamagedTuningIsSetAsideAndTheIndexAsksAnew(t *testing.T) {
	k := newKept(t, steady())
	k.add(60, 1)
	want, name, sound := k.margins(), k.tunings()[0], k.disk
	require.NoError(t, k.Close(context.Background()))
	r, err := k.disk.Open(name)
	require.NoError(t, err)
	every := int64(40)
	if testing.Short() {
		every = 400
	}
	for at := int64(0); at < r.Size(); at += every {
		for damage, harm := range map[string]func() error{
			"flipped": func() error { return k.disk.Flip(name, at, int(at%8)) },
			"cut":     func() error { return k.disk.Truncate(name, at) },
		} {
			k.disk = sound.Crash(k.r) // all is synced: a plain copy
			require.NoError(t, harm())
			k.open(steady())
			require.Equal(t, 1, k.Statistics().SetAside, "%s at %d", damage, at)
			require.Zero(t, k.Statistics().Margin)
			settle(t, k.Index)
			require.Equal(t, 1, k.observed.ended[JobTune])
			require.Equal(t, want, k.margins())
			k.requireOneTuning()
			require.NoError(t, k.Close(context.Background()))
		}
	}
}

// TestAPowerCutWhileATuningIsReplaced leaves the one or the other.
func TestAPowerCutWhileATuningIsReplaced(t *testing.T) {
	k := newKept(t, steady())
	k.add(60, 1)
	require.NoError(t, k.Close(context.Background()))
	before := k.disk
	left := map[int]int{} // of questions that the index asked after so many were lost
	for n := 1; n < 20; n++ {
		for cut := range uint64(5) {
			k.disk = before.Crash(rand.New(rand.NewPCG(cut, 1)))
			k.open(steady())
			settle(t, k.Index)
			k.tuning.changes -= 60 // it is outdated
			k.disk.FailFrom(n, errDisk)
			settle(t, k.Index)
			k.disk = k.disk.Crash(rand.New(rand.NewPCG(cut, 2)))
			k.open(steady())
			require.NotZero(t, k.Statistics().Margin)
			settle(t, k.Index)
			require.Zero(t, k.Statistics().SetAside)
			k.requireOneTuning()
			left[k.observed.ended[JobTune]]++
		}
	}
	require.Equal(t, map[int]int{0: 95}, left)
}

// TestATuningThatCannotBeWrittenIsOfUseAndWrittenLater, without asking again.
func TestATuningThatCannotBeWrittenIsOfUseAndWrittenLater(t *testing.T) {
	k := newKept(t, steady())
	k.add(60, 1)
	want, before := k.margins(), k.tunings()
	k.tuning.shortfalls, k.tuning.changes = shortfalls{}, k.tuning.changes-60
	k.disk.FailAt(1, errDisk)
	settle(t, k.Index)
	require.ErrorIs(t, k.observed.failed[JobTune], errDisk)
	require.Equal(t, want, k.margins())
	require.Equal(t, before, k.tunings())
	k.requireOneTuning()
	k.source.stored = nil // nothing can be asked
	settle(t, k.Index)
	require.NotEqual(t, before, k.tunings())
	k.requireOneTuning()
}
