package multivector

import (
	"context"
	"errors"
	"sync"
	"time"

	"weaviate-colpali/multivector/internal/vfs"
)

// worker does in the background what makes searches fast and files few. Nothing
// waits for it: a search is as right before it ran as after.
type worker struct {
	work    chan struct{} // of capacity 1: something may be to do
	cancel  context.CancelFunc
	stopped sync.WaitGroup

	// turn is held while the worker changes files, and by who wants them to hold
	// still.
	turn sync.Mutex

	// putOffs is how many times what is due was put off since nothing was left to do,
	// failures how many times in a row something failed. Nobody wakes the worker when the reason is gone: it looks again
	// itself.
	putOffs  int
	failures int
}

var (
	errPutOff   = errors.New("put off")
	errReadOnly = errors.New("the index is read-only for now")
)

func (w *worker) wake() {
	select {
	case w.work <- struct{}{}:
	default:
	}
}

// stopWorker ends the background. Who holds the files need not resume before.
func (x *Index) stopWorker() {
	if x.worker.cancel != nil {
		x.worker.cancel()
	}
	x.holding.Lock()
	if x.holds > 0 {
		x.holds = 0
		x.worker.turn.Unlock()
	}
	x.holding.Unlock()
	x.worker.stopped.Wait()
}

// startWorker lets the worker begin.
func (x *Index) startWorker() {
	ctx, cancel := context.WithCancel(context.Background())
	x.worker.work, x.worker.cancel = make(chan struct{}, 1), cancel
	x.worker.stopped.Go(func() {
		var again <-chan time.Time
		for {
			select {
			case <-ctx.Done():
				return
			case <-x.worker.awaited():
			case <-again:
			}
			for x.step(ctx) && ctx.Err() == nil {
			}
			again = nil
			if x.worker.putOffs > 0 || x.worker.failures > 0 {
				again = time.After(x.limits.pause(x.worker.failures))
			}
		}
	})
}

// awaited is who wakes the worker: nobody, while something fails. A full disk would
// otherwise be tried, and complained of, at each write.
func (w *worker) awaited() <-chan struct{} {
	if w.failures > 0 {
		return nil
	}
	return w.work
}

// step does one thing that is due, and reports whether there may be another.
func (x *Index) step(ctx context.Context) bool {
	x.worker.turn.Lock()
	defer x.worker.turn.Unlock()
	if ctx.Err() != nil { // it ended while somebody else had the turn
		return false
	}
	if x.readOnly() {
		x.putOff(errReadOnly)
		return false
	}
	for _, task := range []struct {
		job  Job
		name string
		do   func(context.Context) (done bool, err error)
	}{
		{JobCompare, "compare documents with its centroids", x.lookBack},
		{JobRead, "read documents from the object store", x.catchUp},
		{JobWrite, "write documents to a file", x.flushHead},
		{JobMerge, "merge files", x.merge},
		{JobTrain, "train centroids", x.train},
		{JobCode, "code documents by the newest centroids", x.recodeNext},
		{JobList, "list documents by their centroids", x.listNext},
		{JobTune, "tune its searches", x.tune},
	} {
		var done bool
		var err error
		began := time.Now()
		// A disk that cannot read a file is an error of this task, not the end of the
		// process.
		if fault := vfs.Guard(func() { done, err = task.do(ctx) }); fault != nil {
			err = fault
		}
		if ctx.Err() != nil {
			return false
		}
		if errors.Is(err, errPutOff) {
			x.putOff(err)
			return false
		}
		if done || err != nil {
			x.observer.JobEnded(task.job, time.Since(began), err)
		}
		switch {
		case err != nil:
			x.worker.failures++
			x.logger.Error("the index could not "+task.name+"; searches stay exact and are slower",
				"error", err, "again_in", x.limits.pause(x.worker.failures))
			return false
		case done:
			x.worker.failures = 0
			return true
		}
	}
	x.worker.putOffs, x.worker.failures = 0, 0
	return false
}

// putOff lets the worker rest, and says so the second time: while a collection's settings are
// changed its shards are read-only for an instant, and nobody need look after that.
func (x *Index) putOff(why error) {
	x.worker.putOffs++
	if x.worker.putOffs == 2 {
		x.logger.Warn("the index's background rests; searches stay as right and may be slower", "reason", why)
	}
}
