//go:build !linux

package main

import "time"

var started = time.Now()

// clock is the time that passed: run the benchmark on an idle machine.
func clock() time.Duration { return time.Since(started) }

// clockName says what a second of clock is.
const clockName = "time on the wall"
