package multivector

import (
	"context"
	"runtime"
	"sync/atomic"
)

// spread calls do with 0 to n-1 on as many cores as Go may use, and returns when the
// calls have ended. Once ctx is done it makes no more of them.
//
// It does not wait for a goroutine that has got no processor yet: beside a training
// that can take 10 ms, Go's time slice, and the others have done the work by then.
func spread(ctx context.Context, n int, do func(i int)) {
	if n == 0 {
		return
	}
	var next, ended atomic.Int64
	all := make(chan struct{})
	work := func() {
		for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
			if ctx.Err() == nil {
				do(int(i))
			}
			if ended.Add(1) == int64(n) {
				close(all)
			}
		}
	}
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		go work()
	}
	work()
	<-all
}
