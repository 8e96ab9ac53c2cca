package vectorizer

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Kind of work. Queries come first: a person waits for them, and they take a hundredth of the time
// of a page.
type Kind int

// The two kinds: texts, and images.
const (
	Queries Kind = iota
	Pages
	kinds
)

// Kinds is all of them.
var Kinds = []Kind{Queries, Pages}

func (k Kind) String() string { return [kinds]string{"queries", "pages"}[k] }

// patience is how many queries in a row may go before a batch of pages that waits: enough that a
// search hardly waits for imports, few enough that imports never stop.
const patience = 16

// queue lets one call at a time use each device, and a bounded number of calls wait for one.
//
// A call first asks to be admitted, which either works at once or never, and then takes a turn for
// each batch.
type queue struct {
	mu    sync.Mutex
	limit int // places of each kind
	// taken are the places that calls have, and calls is how many have not left: those too whose place was
	// given back and whose work has not ended yet.
	taken  [kinds]int
	calls  int
	closed bool
	// left is signalled when a call leaves.
	left *sync.Cond

	// free are the devices that nobody uses. All batches are of about one size, so the next goes to
	// the one that has been free for longest.
	free []int
	// waiting has a channel for each call that wants a turn, oldest first. It gets the device when its
	// turn comes.
	waiting [kinds][]chan int
	// passed is how many queries went before the pages that wait.
	passed int
}

func newQueue(limit, devices int) *queue {
	q := &queue{limit: limit}
	for device := range devices {
		q.free = append(q.free, device)
	}
	q.left = sync.NewCond(&q.mu)
	return q
}

// place is what an admitted call has.
type place struct {
	queue *queue
	kind  Kind
	// given is whether it was given back. The queue's lock guards it.
	given bool
}

// admit takes one of the places of its kind, until leave is called.
func (q *queue) admit(k Kind) (*place, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if q.taken[k] >= q.limit {
		return nil, fmt.Errorf("%w: %d calls for %s are waiting, which is the limit; try again later, or raise COLPALI_MAX_QUEUE",
			ErrBusy, q.limit, k)
	}
	q.taken[k]++
	q.calls++
	return &place{queue: q, kind: k}, nil
}

// giveBack lets another call have the place. One that was cancelled does so at once, whatever it has not
// ended: a page of 67 million pixels is decoded for a second, and a graph stops between its nodes only.
// That stays bounded, by the devices and the decoders.
func (p *place) giveBack() {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	if !p.given {
		p.given = true
		p.queue.taken[p.kind]--
	}
}

// leave is for when nothing of the call runs any more. It gives back the place if that was not done.
func (p *place) leave() {
	p.giveBack()
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	p.queue.calls--
	p.queue.left.Broadcast()
}

// length is how many calls of a kind have a place.
func (q *queue) length(k Kind) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken[k]
}

// turn waits until a device is free for the caller, who must call release.
func (q *queue) turn(ctx context.Context, k Kind) (device int, release func(), err error) {
	q.mu.Lock()
	if len(q.free) > 0 {
		device, q.free = q.free[0], q.free[1:]
		q.mu.Unlock()
		return device, func() { q.next(device) }, nil
	}
	mine := make(chan int, 1)
	q.waiting[k] = append(q.waiting[k], mine)
	q.mu.Unlock()

	select {
	case device := <-mine:
		return device, func() { q.next(device) }, nil
	case <-ctx.Done():
		q.abandon(k, mine)
		return 0, nil, context.Cause(ctx)
	}
}

// next hands a device to whoever is to have it.
func (q *queue) next(device int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.choose()
	if len(q.waiting[k]) == 0 {
		q.free = append(q.free, device)
		return
	}
	q.waiting[k][0] <- device
	q.waiting[k] = slices.Delete(q.waiting[k], 0, 1)
}

func (q *queue) choose() Kind {
	queries, pages := len(q.waiting[Queries]) > 0, len(q.waiting[Pages]) > 0
	if queries && pages && q.passed < patience {
		q.passed++
		return Queries
	}
	q.passed = 0
	if pages {
		return Pages
	}
	return Queries
}

// abandon withdraws a call that waits. Its turn may have come meanwhile; then it passes it on.
func (q *queue) abandon(k Kind, mine chan int) {
	q.mu.Lock()
	place := slices.Index(q.waiting[k], mine)
	if place >= 0 {
		q.waiting[k] = slices.Delete(q.waiting[k], place, place+1)
	}
	q.mu.Unlock()
	if place < 0 {
		q.next(<-mine)
	}
}

// close refuses new calls and waits until the admitted ones have left.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.calls > 0 {
		q.left.Wait()
	}
}
