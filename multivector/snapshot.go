package multivector

import (
	"slices"
	"sync/atomic"
)

// snapshot is what a search works on. It never changes, but for documents of its
// parts that are deleted or turn out to be damaged.
type snapshot struct {
	parts []*part

	// pending is documents that the source holds and no part does: they are scored
	// with what the source has of them.
	pending backlogs

	refs atomic.Int64
}

// acquire is the current snapshot, to be released.
func (x *Index) acquire() *snapshot {
	for {
		s := x.current.Load()
		// A snapshot that nobody holds any more has given its parts back.
		for refs := s.refs.Load(); refs > 0; refs = s.refs.Load() {
			if s.refs.CompareAndSwap(refs, refs+1) {
				return s
			}
		}
	}
}

func (s *snapshot) release() {
	if s.refs.Add(-1) > 0 {
		return
	}
	for _, p := range s.parts {
		if p.refs.Add(-1) == 0 {
			// Nobody is left to tell of an error. Whoever comes last, often a search, does not
			// wait: to unmap 274 MB whose file was removed gives back all of it, which took 0.2 to
			// 0.4 s on a busy machine, and was the longest search beside a merge.
			go func() { _ = p.Close() }()
		}
	}
}

// publish makes the state what searches work on, x.mu held.
func (x *Index) publish() {
	s := &snapshot{parts: slices.Clone(x.parts), pending: slices.Clone(x.pending)}
	s.refs.Store(1)
	for _, p := range s.parts {
		p.refs.Add(1)
	}
	if before := x.current.Swap(s); before != nil {
		before.release()
	}
}
