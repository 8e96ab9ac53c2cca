package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"
)

// A shape is the task that contenders share: documents of so many rows against so many query tokens.
type shape struct {
	rows, tokens int
	stream       bool // over documents that no cache can hold; else the same document again and again
}

// macs is how many multiplications with addition one document needs.
func (s shape) macs() float64 { return float64(s.rows) * float64(s.tokens) * dim }

func (s shape) String() string {
	return fmt.Sprintf("%d rows, %d tokens, %s", s.rows, s.tokens, s.where())
}

// where the documents come from.
func (s shape) where() string {
	if s.stream {
		return "streaming"
	}
	return "hot"
}

// A contender scores documents of one shape in its own way.
type contender struct {
	name  string
	shape shape

	// time works for about as long as slice and returns the seconds that one document took.
	time func(slice time.Duration) (float64, error)

	// ours is a call that must not allocate, and memory is what it did; nil for the others.
	ours func()
	memory
}

// memory is what one call allocates.
type memory struct {
	Bytes, Allocs float64
}

// ourContender is a goContender that may not allocate.
func ourContender(name string, s shape, documents float64, call func()) *contender {
	c := goContender(name, s, documents, call)
	c.ours = call
	return c
}

// goContender runs call, which scores a number of documents, over and over.
func goContender(name string, s shape, documents float64, call func()) *contender {
	batch := 0 // calls between two looks at the clock
	return &contender{name: name, shape: s, time: func(slice time.Duration) (float64, error) {
		if batch == 0 {
			batch = calibrate(call)
		}
		start := clock()
		for calls := batch; ; calls += batch {
			for range batch {
				call()
			}
			if took := clock() - start; took >= slice {
				return took.Seconds() / (float64(calls) * documents), nil
			}
		}
	}}
}

// calibrate returns how many calls take at least 200 microseconds: reading the clock then costs less than a
// hundredth of that. It also warms up the caches.
func calibrate(call func()) int {
	for batch := 1; ; batch *= 2 {
		start := clock()
		for range batch {
			call()
		}
		if clock()-start >= 200*time.Microsecond {
			return batch
		}
	}
}

// allocated is what one call of many allocates on average. What the runtime itself allocates now and then,
// less than one in each call, does not count.
func allocated(call func()) memory {
	const calls = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		call()
	}
	runtime.ReadMemStats(&after)
	return memory{
		Bytes:  float64((after.TotalAlloc - before.TotalAlloc) / calls),
		Allocs: float64((after.Mallocs - before.Mallocs) / calls),
	}
}

// A key names a contender.
type key struct {
	name  string
	shape shape
}

// times are the seconds that each contender took for one document, by round.
type times map[key][]float64

// contest lets all contenders work in turn, round after round: what disturbs the machine for a while disturbs
// all of them, and a ratio within one round hardly at all.
func contest(contenders []*contender, rounds int, slice time.Duration, progress io.Writer) (times, error) {
	fmt.Fprintf(progress, "bench: warming up %d contenders\n", len(contenders))
	for _, c := range contenders {
		if err := c.warmUp(); err != nil {
			return nil, err
		}
	}
	results := times{}
	for round := range rounds {
		fmt.Fprintf(progress, "bench: round %d of %d\n", round+1, rounds)
		for _, c := range contenders {
			seconds, err := c.time(slice)
			if err != nil {
				return nil, fmt.Errorf("%s, %v: %w", c.name, c.shape, err)
			}
			k := key{c.name, c.shape}
			results[k] = append(results[k], seconds)
		}
	}
	return results, nil
}

// warmUp calibrates the contender and, if it is ours, counts what it allocates.
func (c *contender) warmUp() error {
	if _, err := c.time(time.Millisecond); err != nil {
		return fmt.Errorf("%s, %v: %w", c.name, c.shape, err)
	}
	if c.ours != nil {
		c.memory = allocated(c.ours)
	}
	return nil
}

// ratios are how many times longer a took than b, by round; nil if either is missing.
func (t times) ratios(a, b key) []float64 {
	if len(t[a]) == 0 || len(t[b]) == 0 {
		return nil
	}
	ratios := make([]float64, len(t[a]))
	for i := range ratios {
		ratios[i] = t[a][i] / t[b][i]
	}
	return ratios
}

// fastest is the contender with the least median time for the shape, among those named; ok is false if none
// of them ran.
func (t times) fastest(s shape, names []string) (winner key, ok bool) {
	for _, name := range names {
		k := key{name, s}
		if len(t[k]) > 0 && (!ok || median(t[k]) < median(t[winner])) {
			winner, ok = k, true
		}
	}
	return winner, ok
}

// median of no values is NaN.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// least of no values is NaN.
func least(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return slices.Min(values)
}
