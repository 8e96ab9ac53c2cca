package multivector

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/format"
)

// observed counts what an index tells.
type observed struct {
	index   *Index
	ended   map[Job]int
	failed  map[Job]error
	damaged int
}

func newObserved() *observed { return &observed{ended: map[Job]int{}, failed: map[Job]error{}} }

func (o *observed) JobEnded(job Job, took time.Duration, err error) {
	if took < 0 {
		panic("work ended before it began")
	}
	o.index.Statistics() // is allowed
	if err != nil {
		o.failed[job] = err
		return
	}
	o.ended[job]++
}

func (o *observed) DocumentsDamaged(n int) {
	o.index.Statistics()
	o.damaged += n
}

// onDisk is what of the index's files lies in the folder.
func (w *world) onDisk() (files int, bytes int64, setAside int) {
	w.t.Helper()
	names, err := w.disk.List(".")
	require.NoError(w.t, err)
	for _, name := range names {
		if _, _, ok := format.ParseFileName(name); !ok {
			setAside++
			continue
		}
		r, err := w.disk.Open(name)
		require.NoError(w.t, err)
		files, bytes = files+1, bytes+r.Size()
		require.NoError(w.t, r.Close())
	}
	return files, bytes, setAside
}

func TestStatisticsAreWhatIsThere(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, 1000+seed)
		for i := range 200 {
			switch w.r.IntN(8) {
			case 0, 1, 2:
				w.add(1 + w.r.IntN(4))
			case 3:
				w.delete()
			case 4, 5:
				w.steps(1 + w.r.IntN(3))
			case 6:
				require.NoError(t, w.index.Close(context.Background()))
				w.open()
			case 7: // codes and their file are lost
				w.disk = w.disk.Crash(w.r)
				w.open()
			}
			s := w.index.Statistics()
			require.Equal(t, w.index.Len(), s.Documents)
			require.Equal(t, w.index.pending.left(), s.Waiting)
			files, bytes, setAside := w.onDisk()
			require.Equal(t, []any{files, bytes, setAside}, []any{s.Files, s.FileBytes, s.SetAside}, "seed %d, step %d", seed, i)
			require.Equal(t, w.index.generation == nil, s.Centroids == 0 && s.Trained == 0)
		}
		w.steps(100)
		s := w.index.Statistics()
		require.Zero(t, s.Waiting)
		require.Zero(t, s.Uncoded, "everything has the newest centroids")
		require.Less(t, s.InMemory, low.headDocuments)
		require.Equal(t, 16, s.Centroids)
		require.NotZero(t, s.Margin)
		require.NoError(t, w.index.Close(context.Background()))
		require.Zero(t, w.index.Statistics().Documents)
		w.open()
		require.Zero(t, w.index.Statistics().InMemory, "closing writes everything")
	}
}

func TestDeletedDocumentsCountUntilTheirFileIsWrittenAnew(t *testing.T) {
	w := newWorld(t, 21)
	w.add(30)
	w.steps(100)
	ids := slices.Collect(w.index.IDs)
	w.index.Delete(ids[:3]...)
	w.index.Delete(ids[:3]...)
	require.Equal(t, 3, w.index.Statistics().Deleted)
	w.index.Delete(ids[:20]...)
	w.steps(100)
	require.Zero(t, w.index.Statistics().Deleted)
	require.Equal(t, 10, w.index.Statistics().Documents)
}

func TestDriftIsHowMuchFartherNewDocumentsAre(t *testing.T) {
	never := low
	never.retrainGrowth, never.driftShare, never.strangeShare = 1000, 1000, 1000
	x := openTopics(t, rand.New(rand.NewPCG(75, 76)), never)
	x.add(40, 1)
	require.Zero(t, x.Statistics().Drift)
	x.add(30, 1)
	require.InDelta(t, 0, x.Statistics().Drift, 0.02, "more of the same")
	x.add(30, 2)
	require.Greater(t, x.Statistics().Drift, 0.1)
}

func TestTheObserverIsToldOfEveryKindOfWork(t *testing.T) {
	w := newWorld(t, 22)
	o := newObserved()
	w.observer = o
	w.add(3)
	w.disk = w.disk.Crash(w.r) // what was in memory has to be read again
	w.open()
	o.index = w.index
	for range 20 {
		w.add(4)
		w.steps(3)
	}
	w.steps(100)
	require.Zero(t, o.ended[JobCompare], "no centroids are of before the index was opened")
	require.NoError(t, w.index.Close(context.Background()))
	w.open()
	o.index = w.index
	w.steps(100)
	require.Equal(t, 1, o.ended[JobCompare])
	require.Empty(t, o.failed)
	for _, job := range Jobs {
		require.Positive(t, o.ended[job], job)
	}
	require.Len(t, o.ended, len(Jobs))

	before := o.ended[JobWrite]
	w.steps(3)
	require.Equal(t, before, o.ended[JobWrite], "nothing to do is no work")
	w.disk.FailFrom(1, errDisk)
	w.add(low.headDocuments)
	w.steps(1)
	require.ErrorIs(t, o.failed[JobWrite], errDisk)
}

func TestTheObserverIsToldOfDamage(t *testing.T) {
	w := newWorld(t, 23)
	w.add(low.headDocuments)
	w.steps(100)
	document, _ := w.index.parts[0].documents.(*mapped).Range(2)
	require.NoError(t, w.index.Close(context.Background()))
	names, err := w.disk.List(".")
	require.NoError(t, err)
	require.Len(t, names, 1)
	require.NoError(t, w.disk.Flip(names[0], int64(document), 3))

	o := newObserved()
	w.observer = o
	w.open()
	o.index = w.index
	require.Zero(t, o.damaged)
	_, err = w.index.Search(context.Background(), pack(t, randomMatrix(w.r, 2, w.dim)), 3, SearchOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, o.damaged)
	require.Equal(t, 1, w.index.Statistics().Waiting)

	require.NoError(t, w.disk.Truncate(names[0], 10))
	w.open()
	require.Equal(t, 1, w.index.Statistics().SetAside)
	w.open()
	require.Equal(t, 1, w.index.Statistics().SetAside, "it lies there until somebody removes it")
}

// Plus forgets no field: all of them count on both sides.
func TestPlusIsOfAllFields(t *testing.T) {
	fields := reflect.TypeFor[Statistics]()
	for i := range fields.NumField() {
		var one Statistics
		field := reflect.ValueOf(&one).Elem().Field(i)
		field.Set(reflect.ValueOf(7).Convert(field.Type()))
		require.Equal(t, one, one.Plus(Statistics{}), fields.Field(i).Name)
		require.Equal(t, one, Statistics{}.Plus(one), fields.Field(i).Name)
	}
	require.Equal(t, 14, Statistics{Documents: 7}.Plus(Statistics{Documents: 7}).Documents)
}
