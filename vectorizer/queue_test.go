package vectorizer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wait starts a call that wants a turn and returns once it stands in the queue. The call writes its
// name into the order when its turn comes.
func (r *rehearsal) wait(ctx context.Context, k Kind, name string) {
	before := r.queued(k)
	r.calls.Go(func() {
		_, release, err := r.queue.turn(ctx, k)
		if err != nil {
			r.order <- name + ": " + err.Error()
			return
		}
		r.order <- name
		release()
	})
	for r.queued(k) == before {
		time.Sleep(time.Millisecond)
	}
}

// rehearsal is a queue whose device the test occupies, so that calls line up in a known order.
type rehearsal struct {
	queue *queue
	calls sync.WaitGroup
	order chan string
	// release lets them go.
	release func()
}

func rehearse(t *testing.T) *rehearsal {
	t.Helper()
	r := &rehearsal{queue: newQueue(100, 1), order: make(chan string, 100)}
	var err error
	_, r.release, err = r.queue.turn(t.Context(), Pages)
	require.NoError(t, err)
	return r
}

func (r *rehearsal) queued(k Kind) int {
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	return len(r.queue.waiting[k])
}

func (r *rehearsal) outcome() []string {
	r.calls.Wait()
	close(r.order)
	var order []string
	for name := range r.order {
		order = append(order, name)
	}
	return order
}

func TestQueriesGoBeforePagesOldestFirst(t *testing.T) {
	r := rehearse(t)
	r.wait(t.Context(), Pages, "page 1")
	r.wait(t.Context(), Pages, "page 2")
	r.wait(t.Context(), Queries, "query 1")
	r.wait(t.Context(), Queries, "query 2")
	r.release()
	require.Equal(t, []string{"query 1", "query 2", "page 1", "page 2"}, r.outcome())
}

func TestPagesDoNotStarve(t *testing.T) {
	r := rehearse(t)
	r.wait(t.Context(), Pages, "page")
	var want []string
	for range patience + 1 {
		r.wait(t.Context(), Queries, "query")
		want = append(want, "query")
	}
	want[patience], want = "page", append(want, "query")
	r.release()
	require.Equal(t, want, r.outcome())
}

func TestOneWhoGivesUpLosesHisTurnOnly(t *testing.T) {
	r := rehearse(t)
	reason := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	r.wait(t.Context(), Queries, "first")
	r.wait(ctx, Queries, "second")
	r.wait(t.Context(), Queries, "third")
	cancel(reason)
	require.Equal(t, "second: gone", <-r.order)
	r.release()
	require.Equal(t, []string{"first", "third"}, r.outcome())
}

func TestATurnThatComesToOneWhoGaveUpIsPassedOn(t *testing.T) {
	r := rehearse(t)
	mine := make(chan int, 1)
	r.queue.waiting[Queries] = append(r.queue.waiting[Queries], mine)
	r.wait(t.Context(), Pages, "page")
	r.release()
	r.queue.abandon(Queries, mine)
	require.Equal(t, []string{"page"}, r.outcome())
}

func TestPlacesAreCountedByKind(t *testing.T) {
	q := newQueue(2, 1)
	first, err := q.admit(Pages)
	require.NoError(t, err)
	second, err := q.admit(Pages)
	require.NoError(t, err)

	_, err = q.admit(Pages)
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorContains(t, err, "2 calls for pages are waiting, which is the limit; try again later")

	query, err := q.admit(Queries)
	require.NoError(t, err, "imports must not shut searches out")
	query.leave()

	first.leave()
	third, err := q.admit(Pages)
	require.NoError(t, err, "a call that left makes room")
	second.leave()
	third.leave()
}

func TestCloseWaitsForAdmittedCalls(t *testing.T) {
	q := newQueue(1, 1)
	call, err := q.admit(Pages)
	require.NoError(t, err)
	call.giveBack()
	another, err := q.admit(Pages)
	require.NoError(t, err, "the place is free, though the call runs")
	another.leave()
	var left atomic.Bool
	time.AfterFunc(10*time.Millisecond, func() {
		left.Store(true)
		call.leave()
	})
	q.close()
	require.True(t, left.Load())
	_, err = q.admit(Queries)
	require.ErrorIs(t, err, ErrClosed)
}

// Many calls: at no time two of them on one device, and all devices are used.
func TestOneAtATimeOnEachDevice(t *testing.T) {
	const devices = 3
	q := newQueue(100, devices)
	var onDevice [devices]atomic.Int32
	var used [devices]atomic.Int32
	var calls sync.WaitGroup
	for i := range 60 {
		calls.Go(func() {
			device, release, err := q.turn(t.Context(), Kind(i%int(kinds)))
			if err != nil {
				t.Error(err)
				return
			}
			if onDevice[device].Add(1) > 1 {
				t.Errorf("two calls on device %d", device)
			}
			used[device].Add(1)
			time.Sleep(100 * time.Microsecond)
			onDevice[device].Add(-1)
			release()
		})
	}
	calls.Wait()
	require.ElementsMatch(t, []int{0, 1, 2}, q.free)
	for device := range used {
		require.Positive(t, used[device].Load())
	}
}
