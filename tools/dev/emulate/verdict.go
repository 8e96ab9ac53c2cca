package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"weaviate-colpali/tools/dev/emulate/guest/task"
)

// verdict is what a run of a test binary came to.
type verdict struct {
	features []string // of the emulated CPU, as the guest saw them
	status   int      // exit status of the test binary
	output   string   // what the test binary printed
}

var (
	passLine    = regexp.MustCompile(`(?m)^PASS$`)
	nothingLine = regexp.MustCompile(`(?m)^testing: warning: no tests to run$`)
)

// check says why the run is no success. An exit status of 0 alone is none: that is also how a test
// binary ends that ran no test.
func (v verdict) check(c cpu) error {
	if err := checkFeatures(c, v.features); err != nil {
		return err
	}
	switch {
	case v.status != 0:
		return fmt.Errorf("the tests failed: exit status %d", v.status)
	case nothingLine.MatchString(v.output):
		return errors.New("no test ran: correct -test.run")
	case !passLine.MatchString(v.output):
		return errors.New("the tests ended with exit status 0 and without the line PASS")
	}
	return nil
}

// checkFeatures compares what the guest sees with what the CPU is there for.
func checkFeatures(c cpu, features []string) error {
	for _, f := range c.has {
		if !slices.Contains(features, f) {
			return fmt.Errorf("the emulated %s lacks %s: this version of the emulator or of the guest's kernel is of no use", c.name, f)
		}
	}
	for _, f := range c.lacks {
		if slices.Contains(features, f) {
			return fmt.Errorf("the emulated %s has %s, so it is no test of code that does without", c.name, f)
		}
	}
	return nil
}

// report is what the guest has said so far, in lines with the run's token, which no test knows:
//
//	emulate TOKEN features avx avx2
//	emulate TOKEN exit 0
//	emulate TOKEN error text
type report struct {
	features []string
	status   int
	ended    bool // status is there
	err      error
}

// parseReport finds the complete lines of the guest in what the emulator printed.
func parseReport(console, token string) report {
	var r report
	for line := range strings.Lines(console) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		_, said, found := strings.Cut(line, task.Mark+" "+token+" ")
		if !found {
			continue
		}
		kind, rest, _ := strings.Cut(strings.TrimSpace(said), " ")
		r.add(kind, rest)
	}
	return r
}

func (r *report) add(kind, rest string) {
	switch kind {
	case "features":
		r.features = strings.Fields(rest)
	case "error":
		r.err = fmt.Errorf("the guest could not run the tests: %s", rest)
	case "exit":
		status, err := strconv.Atoi(rest)
		if err != nil {
			r.err = fmt.Errorf("the guest reported no exit status: %w", err)
			return
		}
		r.status, r.ended = status, true
	}
}
