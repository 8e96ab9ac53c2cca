package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// lineEvery is the time between two lines of progress where there is no terminal.
const lineEvery = 10 * time.Second

// progress shows how far something is: as a bar on a terminal, as a line now and then elsewhere. Both say how many a
// second, how long it still takes, and how many failed.
type progress struct {
	what string // is counted
	w    io.Writer

	mu            sync.Mutex
	bar           *progressbar.ProgressBar // nil: lines
	started, said time.Time
	total         int
	done, failed  int // failed are done, too
}

func newProgress(w io.Writer, total int, what string) *progress {
	now := time.Now()
	p := &progress{what: what, w: w, started: now, said: now, total: total}
	if f, ok := w.(*os.File); ok && total > 0 && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetDescription(p.line(now)),
			// The library's own speed is that of the last moments, which batches make jump by a hundred times.
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionFullWidth(),
			progressbar.OptionClearOnFinish(),
		)
		_ = p.bar.RenderBlank() // a bar that cannot be drawn stops no import
	}
	return p
}

// add counts what is done, some of it failed.
func (p *progress) add(done, failed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += done
	p.failed += failed
	now := time.Now()
	if p.bar != nil {
		p.bar.Describe(p.line(now))
		_ = p.bar.Add(done)
		return
	}
	if now.Sub(p.said) >= lineEvery {
		p.said = now
		fmt.Fprintln(p.w, p.line(now))
	}
}

// drop takes out what need not be done, so that it counts neither for the speed nor for the time left.
func (p *progress) drop(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total -= n
	if p.bar != nil && p.total > 0 {
		p.bar.ChangeMax(p.total)
	}
}

// end says how it went.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	if p.done > 0 {
		fmt.Fprintln(p.w, p.line(time.Now()))
	}
}

func (p *progress) line(now time.Time) string {
	elapsed := now.Sub(p.started)
	rate := float64(p.done) / max(elapsed.Seconds(), 1e-3)
	line := fmt.Sprintf("%d of %d %s, %.1f a second", p.done, p.total, p.what, rate)
	if left := p.total - p.done; left > 0 && p.done > 0 {
		line += fmt.Sprintf(", %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	} else {
		line += fmt.Sprintf(", %s", elapsed.Round(100*time.Millisecond))
	}
	if p.failed > 0 {
		line += fmt.Sprintf(", %d failed", p.failed)
	}
	return line
}
