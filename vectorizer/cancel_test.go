package vectorizer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slow is an Observer that makes a stage take as long as it says, in the fake time of a synctest bubble, and
// nothing stops it: as when a large page is decoded, or a provider runs one large node.
type slow struct {
	unobserved
	stage Stage
	takes time.Duration
}

func (s slow) StageRan(stage Stage, _ time.Duration) {
	if stage == s.stage {
		time.Sleep(s.takes)
	}
}

// Whatever a call does when it is cancelled, another can have its place long before a tenth of a second. The
// time is that of the bubble: it stands still while anything runs, and goes on where all wait.
func TestACancelledCallGivesItsPlaceBackAtOnce(t *testing.T) {
	const bound = 100 * time.Millisecond
	for name, c := range map[string]struct {
		kind  Kind
		stage Stage // which is slow; none leaves the device with another, so that the call waits for it
		want  error
	}{
		"a query that waits":         {Queries, "", context.Canceled},
		"a page that waits":          {Pages, "", context.Canceled},
		"a page while it is decoded": {Pages, StageDecode, context.Canceled},
		"a page in the vision graph": {Pages, StageVision, context.Canceled},
		// It ends behind the last graph, with nothing left to stop.
		"a page in the text graph":  {Pages, StageText, nil},
		"a query in the text graph": {Queries, StageText, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const takes = time.Minute
				v := openRandom(t, Options{MaxQueue: 1, Observer: slow{stage: c.stage, takes: takes}})
				release := func() {}
				if c.stage == "" {
					_, give, err := v.queue.turn(t.Context(), c.kind)
					require.NoError(t, err)
					release = give
				}
				ctx, cancel := context.WithCancel(t.Context())
				first := embedInBackground(ctx, v, c.kind)
				synctest.Wait()
				require.Equal(t, 1, v.Queued(c.kind))
				_, err := v.queue.admit(c.kind)
				require.ErrorIs(t, err, ErrBusy, "it has the only place")

				cancelled := time.Now()
				cancel()
				synctest.Wait()
				place, err := v.queue.admit(c.kind)
				require.NoError(t, err)
				require.Less(t, time.Since(cancelled), bound)
				place.leave()

				require.ErrorIs(t, <-first, c.want)
				if c.stage == "" {
					require.Less(t, time.Since(cancelled), bound, "who waits is told at once")
				} else {
					require.Equal(t, takes, time.Since(cancelled), "who runs is told once nothing runs")
				}
				release()
				require.NoError(t, <-embedInBackground(t.Context(), v, c.kind), "the device is free again")
				require.Zero(t, v.Queued(c.kind))
			})
		})
	}
}

// Close must not free a model under a call that gave its place back and still runs.
func TestCloseWaitsForCancelledCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes = time.Minute
		v := openRandom(t, Options{Observer: slow{stage: StageVision, takes: takes}})
		ctx, cancel := context.WithCancel(t.Context())
		first := embedInBackground(ctx, v, Pages)
		synctest.Wait()
		cancelled := time.Now()
		cancel()
		synctest.Wait()
		require.Zero(t, v.Queued(Pages))
		require.NoError(t, v.Close())
		require.Equal(t, takes, time.Since(cancelled))
		require.ErrorIs(t, <-first, context.Canceled)
	})
}

func embedInBackground(ctx context.Context, v *Vectorizer, k Kind) <-chan error {
	outcome := make(chan error, 1)
	go func() {
		if k == Queries {
			outcome <- only(v.EmbedQueries(ctx, []string{"revenue"})).Err
			return
		}
		_, err := v.EmbedPages(ctx, [][]byte{onePixel})
		outcome <- err
	}()
	return outcome
}

// onePixel is a GIF.
var onePixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b")
