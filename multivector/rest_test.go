package multivector

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/multivector/internal/vfs/faultfs"
)

// filesIn is the names of the files in a folder.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// fill stores and adds n more documents.
func fill(t *testing.T, source *memory, x *Index, r *rand.Rand, n int) {
	t.Helper()
	for range n {
		id := uint64(len(source.stored))
		source.put(id, randomMatrix(r, 3, 8))
		require.NoError(t, x.Add(context.Background(), source.documents(id)...))
	}
}

// requireBruteForce compares an exact search with brute force over all documents.
func requireBruteForce(t *testing.T, source *memory, x *Index, r *rand.Rand) {
	t.Helper()
	query := pack(t, randomMatrix(r, 4, 8))
	got, err := x.Search(context.Background(), query, 10, SearchOptions{Precision: Exact})
	require.NoError(t, err)
	require.Equal(t, source.bruteForce(query, slices.Collect(maps.Keys(source.stored)), 10, nil, nil), got)
}

func TestAReadOnlyIndexWritesNothingAndAnswers(t *testing.T) {
	source, r, dir := newMemory(), rand.New(rand.NewPCG(81, 82)), t.TempDir()
	var readOnly atomic.Bool
	var log bytes.Buffer
	open := func() *Index {
		x, err := Open(Options{
			Source: source, Stored: slices.Collect(maps.Keys(source.stored)), Dir: dir, idle: true, limits: &low,
			ReadOnly: readOnly.Load, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		require.NoError(t, err)
		return x
	}
	x := open()
	fill(t, source, x, r, 30)
	settle(t, x)
	before := filesIn(t, dir)
	require.NotEmpty(t, before)

	readOnly.Store(true)
	fill(t, source, x, r, 60)
	x.Delete(slices.Collect(x.IDs)[:20]...) // enough for files to be written anew
	for id := range uint64(20) {
		source.remove(id)
	}
	settle(t, x)
	require.NotContains(t, log.String(), "read-only", "which it may be for an instant")
	settle(t, x)
	settle(t, x)
	require.Equal(t, before, filesIn(t, dir))
	require.Equal(t, 1, strings.Count(log.String(), "read-only"), "it says so once")
	requireBruteForce(t, source, x, r)
	require.NoError(t, x.Close(context.Background()))
	require.Equal(t, before, filesIn(t, dir), "nor when it closes")

	x = open()
	requireBruteForce(t, source, x, r)
	readOnly.Store(false)
	settle(t, x)
	require.NotEqual(t, before, filesIn(t, dir))
	requireBruteForce(t, source, x, r)
	require.NoError(t, x.Close(context.Background()))
}

// Nobody tells the index that it may write again.
func TestTheBackgroundLooksWhetherItMayGoOn(t *testing.T) {
	source, r, dir := newMemory(), rand.New(rand.NewPCG(83, 84)), t.TempDir()
	var readOnly atomic.Bool
	var asked atomic.Int64
	readOnly.Store(true)
	x, err := Open(Options{Source: source, Dir: dir, limits: &low, ReadOnly: func() bool {
		asked.Add(1)
		return readOnly.Load()
	}})
	require.NoError(t, err)
	fill(t, source, x, r, 30)
	after := asked.Load()
	require.Eventually(t, func() bool { return asked.Load() > after+3 }, time.Minute, time.Millisecond, "it asks again and again")
	require.Empty(t, filesIn(t, dir))
	readOnly.Store(false)
	require.Eventually(t, func() bool { return len(x.Files()) > 0 }, time.Minute, time.Millisecond)
	requireBruteForce(t, source, x, r)
	require.NoError(t, x.Close(context.Background()))
}

func TestPausesGrowAfterFailuresAndHaveALimit(t *testing.T) {
	l := limits{rest: 5, longestRest: 40}
	for failures, want := range []time.Duration{5, 5, 10, 20, 40, 40} {
		require.Equal(t, want, l.pause(failures), failures)
	}
	require.Equal(t, usual.longestRest, usual.pause(1_000_000))
}

// Nobody tells the index that the disk is well again.
func TestWhatFailedIsTriedAgainLaterAndNotAtEachWrite(t *testing.T) {
	source, r, disk := newMemory(), rand.New(rand.NewPCG(89, 90)), faultfs.New()
	slow := low
	slow.rest, slow.longestRest = 50*time.Millisecond, 50*time.Millisecond
	failed := make(chan error, 1000)
	x, err := Open(Options{Source: source, fs: disk, limits: &slow, Observer: failures(failed)})
	require.NoError(t, err)
	disk.SetDiskFull(true)
	fill(t, source, x, r, 40)
	require.ErrorIs(t, <-failed, syscall.ENOSPC)
	require.ErrorIs(t, <-failed, syscall.ENOSPC, "tried again without a write")
	x.worker.turn.Lock()
	require.NotZero(t, x.worker.failures)
	require.Nil(t, x.worker.awaited(), "a write does not wake it")
	x.worker.turn.Unlock()
	disk.SetDiskFull(false)
	require.Eventually(t, func() bool { return len(x.Files()) > 0 }, time.Minute, time.Millisecond)
	requireBruteForce(t, source, x, r)
	require.NoError(t, x.Close(context.Background()))
	require.Zero(t, x.worker.failures)
}

// failures is told of what failed.
type failures chan error

func (failures) DocumentsDamaged(int) {}

func (f failures) JobEnded(_ Job, _ time.Duration, err error) {
	if err != nil {
		f <- err
	}
}

func TestATrainingThatMemoryRefusesIsPutOff(t *testing.T) {
	source, r := newMemory(), rand.New(rand.NewPCG(85, 86))
	full := errors.New("not enough memory")
	refusal := full
	var asked int64
	var log bytes.Buffer
	x, err := Open(Options{
		Source: source, Dir: t.TempDir(), idle: true, limits: &low, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Memory: func(bytes int64) error {
			if bytes < 5*3*8+1 { // what one of these documents takes
				return nil
			}
			asked = bytes
			return refusal
		},
	})
	require.NoError(t, err)
	fill(t, source, x, r, 40)
	settle(t, x)
	settle(t, x)
	require.Nil(t, x.generation)
	require.NotEmpty(t, x.Files(), "what takes little memory goes on")
	require.EqualValues(t, 4*8*(40*3+2*16), asked, "120 rows and 16 centroids twice, of 8 numbers")
	require.Contains(t, log.String(), full.Error())
	require.NotContains(t, log.String(), "ERROR")
	requireBruteForce(t, source, x, r)

	refusal = nil
	settle(t, x)
	require.NotNil(t, x.generation)
	requireBruteForce(t, source, x, r)
	require.NoError(t, x.Close(context.Background()))
}

func TestDocumentsThatMemoryRefusesAreFoundAllTheSame(t *testing.T) {
	source, r := newMemory(), rand.New(rand.NewPCG(87, 88))
	full := errors.New("not enough memory")
	var refusal error
	x, err := Open(Options{Source: source, idle: true, limits: &low, Memory: func(int64) error { return refusal }})
	require.NoError(t, err)
	fill(t, source, x, r, 5)
	refusal = full
	for id := uint64(5); id < 10; id++ {
		source.put(id, randomMatrix(r, 3, 8))
	}
	for range 2 { // a queue tries again
		require.ErrorIs(t, x.Add(context.Background(), source.documents(4, 5, 6, 7, 8, 9)...), full)
	}
	require.Equal(t, 10, x.Len())
	settle(t, x)
	require.Equal(t, 5, x.pending.left(), "they wait")
	requireBruteForce(t, source, x, r)

	refusal = nil
	require.NoError(t, x.Add(context.Background(), source.documents(5)...))
	settle(t, x)
	require.Zero(t, x.pending.left())
	require.Len(t, x.where, 10)
	requireBruteForce(t, source, x, r)
	require.NoError(t, x.Close(context.Background()))
	require.ErrorIs(t, x.readLater(documentsOf(8, 1)), ErrClosed)
}
