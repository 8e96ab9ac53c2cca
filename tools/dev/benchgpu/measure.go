package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"weaviate-colpali/tools/dev/trial"
	"weaviate-colpali/vectorizer"
)

// callers is how many calls are under way at once: one on the device, two that decode.
const callers = 3

// graphTime adds up how long graphs ran, in nanoseconds.
type graphTime struct{ atomic.Int64 }

func (g *graphTime) StageRan(stage vectorizer.Stage, took time.Duration) {
	if stage != vectorizer.StageDecode {
		g.Add(int64(took))
	}
}

func (*graphTime) Waited(vectorizer.Kind, time.Duration) {}
func (*graphTime) BatchRan(vectorizer.Kind, int, int)    {}
func (*graphTime) OutOfMemory(vectorizer.Stage)          {}

// pages prints, by batch, pages a second of one caller and of several, whose decoding overlaps with the device.
func (b *bench) pages(ctx context.Context, v *vectorizer.Vectorizer, ran *graphTime) error {
	page, err := trial.Letter()
	if err != nil {
		return err
	}
	fmt.Fprintln(b.w, "pages     batch   a second   % of peak, measured and nominal   device busy   one caller   of PyTorch")
	for _, size := range b.batches {
		batch := slices.Repeat([][]byte{page}, size)
		embed := func(ctx context.Context) error { return trial.Failure(v.EmbedPages(ctx, batch)) }
		// Not counted: memory is allocated and code compiled for a shape.
		if err := embed(ctx); err != nil {
			return err
		}
		alone, _, err := rate(ctx, 1, b.seconds, embed)
		if err != nil {
			return err
		}
		ran.Store(0)
		calls, wall, err := rate(ctx, callers, b.seconds, embed)
		if err != nil {
			return err
		}
		busy := float64(ran.Load()) / float64(wall)
		each := calls * float64(size)
		fmt.Fprintf(b.w, "          %5d %10.2f %33s %12.0f%% %12.2f   %s\n",
			size, each, b.ofPeak(each*b.PageOperations), 100*busy, alone*float64(size), b.ofPeer(size, each))
	}
	return nil
}

// ofPeak is the share of what the products reached, and of what the maker says.
func (b *bench) ofPeak(flops float64) string {
	share := fmt.Sprintf("%.1f%%", 100*flops/b.peak)
	if b.nominal > 0 {
		share += fmt.Sprintf(" %.1f%%", 100*flops/b.nominal)
	}
	return share
}

func (b *bench) ofPeer(size int, rate float64) string {
	theirs := b.Pages[strconv.Itoa(size)]
	if theirs == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.2f (%.2f a second)", rate/theirs, theirs)
}

func (b *bench) queries(ctx context.Context, v *vectorizer.Vectorizer) error {
	fmt.Fprintln(b.w, "queries   batch   a second   ms for a batch alone")
	for _, size := range b.batches {
		batch := slices.Repeat([]string{b.Question}, size)
		embed := func(ctx context.Context) error { return trial.Failure(v.EmbedQueries(ctx, batch)) }
		// Not counted: memory is allocated and code compiled for a shape.
		if err := embed(ctx); err != nil {
			return err
		}
		alone, _, err := rate(ctx, 1, b.seconds, embed)
		if err != nil {
			return err
		}
		calls, _, err := rate(ctx, callers, b.seconds, embed)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.w, "          %5d %10.1f %22.2f\n", size, calls*float64(size), 1000/alone)
	}
	return nil
}

// rate is how many calls a second several goroutines make of f, and how long they were measured.
func rate(ctx context.Context, goroutines int, seconds float64, f func(context.Context) error) (float64, time.Duration, error) {
	var calls atomic.Int64
	began := time.Now()
	end := began.Add(time.Duration(seconds * float64(time.Second)))
	group, ctx := errgroup.WithContext(ctx)
	for range goroutines {
		group.Go(func() error {
			for first := true; first || time.Now().Before(end); first = false {
				if err := f(ctx); err != nil {
					return err
				}
				calls.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	wall := time.Since(began)
	return float64(calls.Load()) / wall.Seconds(), wall, err
}
