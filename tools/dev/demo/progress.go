package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const barCells = 30

// newProgress returns a function that adds n finished pages to a bar drawn on w.
func newProgress(w io.Writer, total int) func(n int) {
	started, finished := time.Now(), 0
	return func(n int) {
		finished += n
		filled := finished * barCells / total
		elapsed := time.Since(started).Seconds()
		fmt.Fprintf(w, "\r   [%s%s] %d/%d pages, %.1f pages/s",
			strings.Repeat("#", filled), strings.Repeat(".", barCells-filled), finished, total, float64(finished)/elapsed)
		if finished == total {
			fmt.Fprintf(w, ", %.1f s\n", elapsed)
		}
	}
}
