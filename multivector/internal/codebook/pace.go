package codebook

import (
	"context"
	"fmt"
	"runtime"
)

// pace is how training makes way for others and learns that it is not wanted any
// more: it rests between chunks of work.
type pace struct {
	ctx   context.Context
	pause func() // nil: let others run
}

// chunkRows is the rows between two rests. The kernels cannot be interrupted, so a
// chunk decides how long a search may have to wait for a core: of 8,777 chunks of a
// training of 32,768 centroids, 94 % took less than 2 ms and 99.8 % less than 12, on
// two cores shared with others.
const chunkRows = 512

// rest must be called between chunks.
func (p pace) rest() error {
	if p.pause == nil {
		runtime.Gosched()
	} else {
		p.pause()
	}
	if p.ctx.Err() != nil {
		return fmt.Errorf("train centroids: %w", context.Cause(p.ctx))
	}
	return nil
}
