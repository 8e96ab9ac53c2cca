package multivector

import (
	"slices"
	"sync/atomic"
)

// backlog is live documents that no part holds yet: ids in ascending order, of
// which more and more are done.
type backlog struct {
	ids   []uint64
	done  bitset
	left  atomic.Int64
	first atomic.Int64 // those before are done
}

func newBacklog(ids []uint64) *backlog {
	b := &backlog{ids: ids, done: newBitset(len(ids))}
	b.left.Store(int64(len(ids)))
	return b
}

// clone is a backlog of the same that changes by itself.
func (b *backlog) clone() *backlog {
	c := &backlog{ids: b.ids, done: b.done.clone()}
	c.left.Store(b.left.Load())
	c.first.Store(b.first.Load())
	return c
}

// remove takes an id out and reports whether it was there.
func (b *backlog) remove(id uint64) bool {
	i, found := slices.BinarySearch(b.ids, id)
	if found && b.done.set(i) {
		b.left.Add(-1)
		return true
	}
	return false
}

func (b *backlog) has(id uint64) bool {
	i, found := slices.BinarySearch(b.ids, id)
	return found && !b.done.has(i)
}

// each calls yield with every id that is left, in ascending order.
func (b *backlog) each(yield func(id uint64) bool) {
	begun := false
	for i := int(b.first.Load()); i < len(b.ids); i++ {
		if b.done.has(i) {
			continue
		}
		if !begun {
			b.first.Store(int64(i)) // done stays done
			begun = true
		}
		if !yield(b.ids[i]) {
			return
		}
	}
}

// backlogs is everything that waits.
type backlogs []*backlog

func (bs backlogs) has(id uint64) bool {
	return slices.ContainsFunc(bs, func(b *backlog) bool { return b.has(id) })
}

func (bs backlogs) remove(id uint64) {
	for _, b := range bs {
		b.remove(id)
	}
}

// without is the backlogs but for ids that are in a part now. Snapshots without that
// part go on to find them in theirs. To copy what is done of a million documents
// takes some microseconds, once for each 32 of them.
func (bs backlogs) without(ids []uint64) backlogs {
	left := slices.Clone(bs)
	for i, b := range left {
		if slices.ContainsFunc(ids, b.has) {
			left[i] = b.clone()
		}
	}
	for _, id := range ids {
		left.remove(id)
	}
	return left
}

func (bs backlogs) left() int {
	n := 0
	for _, b := range bs {
		n += int(b.left.Load())
	}
	return n
}

// each calls yield with every id that is left.
func (bs backlogs) each(yield func(id uint64) bool) {
	for _, b := range bs {
		for id := range b.each {
			if !yield(id) {
				return
			}
		}
	}
}
