package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Names of the contenders that are no way to score.
const (
	float32Peak = "peak float32"
	int8Peak    = "peak int8"
	memoryRead  = "memory read"
)

// Verdicts on a figure.
const (
	reached     = "reached"
	below       = "below"
	notHere     = "not on this CPU" // no kernel could reach the target: the peak forbids it
	notMeasured = "not measured"
)

// number is a float64 that is null in JSON where it is unknown.
type number float64

// MarshalJSON implements [json.Marshaler].
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// A figure is one of the project's aims for this package, and what came out.
type figure struct {
	Section int // of the list
	What    string
	Median  number // seconds for a document, or what the figure is about
	Min     number
	Value   number
	Unit    string
	Target  number
	AtMost  bool   // the target is an upper bound
	Limit   number // what the value would be at this CPU's peak; unknown where no peak applies
	Note    string
	Verdict string
}

// judge fills in the verdict.
func (f figure) judge() figure {
	value, target, limit := float64(f.Value), float64(f.Target), float64(f.Limit)
	switch {
	case math.IsNaN(value):
		f.Verdict = notMeasured
	case f.AtMost && value <= target, !f.AtMost && value >= target:
		f.Verdict = reached
	case !f.AtMost && limit < target:
		f.Verdict = notHere
		f.Note = joinNotes(f.Note, fmt.Sprintf("the peak allows %.1f", limit))
	default:
		f.Verdict = below
	}
	return f
}

// An outcome is all that was measured.
type outcome struct {
	times      times
	contenders []*contender
	errors     []scoreError
	exact      []string // contenders whose scores are exact, our own included
	missing    []missingPeer
	int8Label  string // what the int8 peak is
}

var unknown = number(math.NaN())

// share is a figure in percent of another contender's speed: a peak's, or our own when hot.
func (o outcome) share(section int, what string, of, subject key, target float64) figure {
	return figure{
		Section: section, What: what,
		Median: number(median(o.times[subject])), Min: number(least(o.times[subject])),
		Value: number(100 * median(o.times.ratios(of, subject))), Unit: "%", Target: number(target), Limit: 100,
	}.judge()
}

// faster is a figure of how many times faster subject is than slower. The limit is what subject would reach at
// the peak.
func (o outcome) faster(section int, what string, slower, subject key, peak string, target float64) figure {
	hot := subject.shape
	hot.stream = false
	return figure{
		Section: section, What: what,
		Median: number(median(o.times[subject])), Min: number(least(o.times[subject])),
		Value: number(median(o.times.ratios(slower, subject))), Unit: "x", Target: number(target),
		Limit: number(median(o.times.ratios(slower, key{peak, hot}))),
	}.judge()
}

// atMost is a figure that should be small.
func atMost(section int, what string, value float64, unit string, target float64) figure {
	return figure{
		Section: section, What: what, Median: unknown, Min: unknown, Limit: unknown,
		Value: number(value), Unit: unit, Target: number(target), AtMost: true,
	}.judge()
}

// figures is the list, section by section.
func (o outcome) figures() []figure {
	return join(o.floatFigures(), o.int8Figures(), o.tableFigures(), o.peerFigures(), o.passageFigures())
}

// tokenCounts are the query lengths of every section: one that fills the kernels' lanes, and one that does not.
var tokenCounts = []int{mostTokens, fewerTokens}

func (o outcome) floatFigures() []figure {
	var all []figure
	for _, tokens := range tokenCounts {
		hot := shape{pageRows, tokens, false}
		all = append(all, o.share(1, fmt.Sprintf("float32, %d tokens, hot: of the FMA peak", tokens),
			key{float32Peak, hot}, key{ourFloat32, hot}, map[int]float64{mostTokens: 95, fewerTokens: 80}[tokens]))
	}
	for _, tokens := range tokenCounts {
		all = append(all, o.share(1, fmt.Sprintf("float32, %d tokens, streaming: of hot", tokens),
			key{ourFloat32, shape{pageRows, tokens, false}}, key{ourFloat32, shape{pageRows, tokens, true}}, 95))
	}
	return all
}

func (o outcome) int8Figures() []figure {
	var all []figure
	for _, tokens := range tokenCounts {
		hot := shape{pageRows, tokens, false}
		all = append(all, o.share(2, fmt.Sprintf("int8, %d tokens, hot: of the %s peak", tokens, o.int8Label),
			key{int8Peak, hot}, key{ourInt8, hot}, map[int]float64{mostTokens: 95, fewerTokens: 78}[tokens]))
	}
	for _, tokens := range tokenCounts {
		hot := shape{pageRows, tokens, false}
		f := o.faster(2, fmt.Sprintf("int8, %d tokens, hot: against our float32", tokens), key{ourFloat32, hot}, key{ourInt8, hot}, int8Peak, 3.8)
		// Our float32 is near its own peak, so the ratio of the peaks is the limit here.
		f.Limit = number(median(o.times.ratios(key{float32Peak, hot}, key{int8Peak, hot})))
		f.Note = ""
		all = append(all, f.judge())
	}
	for _, tokens := range tokenCounts {
		hot := shape{pageRows, tokens, false}
		f := atMost(2, fmt.Sprintf("int8 argmax + refine, %d tokens, hot: time of plain int8's", tokens),
			100*median(o.times.ratios(key{ourRefine, hot}, key{ourInt8, hot})), "%", 110)
		f.Median, f.Min = number(median(o.times[key{ourRefine, hot}])), number(least(o.times[key{ourRefine, hot}]))
		all = append(all, f)
	}
	return append(all, atMost(2, "int8 argmax + refine: largest error of a score", worst(o.errors, ourRefine), "", 1e-3))
}

func (o outcome) tableFigures() []figure {
	var all []figure
	for _, tokens := range tokenCounts {
		k := key{ourTable, shape{pageRows, tokens, true}}
		f := atMost(3, fmt.Sprintf("u8 table of %d centroids, %d tokens: a document token", manyCentroids, tokens),
			1e9*median(o.times[k])/pageRows, "ns", 0.8)
		f.Median, f.Min = number(median(o.times[k])), number(least(o.times[k]))
		all = append(all, f)
	}
	for _, ids := range []struct{ name, how string }{{ourTable, "all alike"}, {ourSkewed, "skewed as words are"}} {
		k := key{ids.name, shape{distinct, fewerTokens, true}}
		f := atMost(3, fmt.Sprintf("u8 table of %d centroids, %d tokens: a page of %d ids, %s", fewerCentroids, fewerTokens, distinct, ids.how),
			1e9*median(o.times[k]), "ns", 60)
		f.Median, f.Min = number(median(o.times[k])), number(least(o.times[k]))
		all = append(all, f)
	}
	return all
}

func (o outcome) peerFigures() []figure {
	var all []figure
	for _, tokens := range tokenCounts {
		hot := shape{pageRows, tokens, false}
		all = append(all,
			o.faster(4, fmt.Sprintf("float32, %d tokens, hot: against Weaviate's loop", tokens), key{weaviate, hot}, key{ourFloat32, hot}, float32Peak, 4),
			o.faster(4, fmt.Sprintf("int8, %d tokens, hot: against Weaviate's loop", tokens), key{weaviate, hot}, key{ourInt8, hot}, int8Peak, 15))
	}
	for _, tokens := range tokenCounts {
		for _, stream := range []bool{false, true} {
			s := shape{pageRows, tokens, stream}
			all = append(all, o.againstExact(s), o.againstNumkong(s))
		}
	}
	return all
}

// againstExact compares with the fastest peer that computes MaxSim in float32.
func (o outcome) againstExact(s shape) figure {
	peer := key{}
	if len(o.exact) > len(exactNames) { // else no peer in Python ran, and being faster than those in Go proves little
		peer, _ = o.times.fastest(s, o.exact[1:]) // the first is ourselves
	}
	target := 1.5
	if s.stream {
		target = 2
	}
	f := o.faster(4, fmt.Sprintf("float32, %d tokens, %s: against the best exact peer", s.tokens, s.where()), peer, key{ourFloat32, s}, float32Peak, target)
	f.Note = joinNotes(peer.name, f.Note)
	for _, missing := range o.missing {
		f.Note = joinNotes(f.Note, "without "+missing.Name)
	}
	return f
}

func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(note string) bool { return note == "" }), "; ")
}

// numkongs are the ways of numkong to score.
var numkongs = []string{"numkong f32", "numkong f16"}

// againstNumkong compares what does the same: an argmax in int8 and the winners' dot products in full.
func (o outcome) againstNumkong(s shape) figure {
	peer, _ := o.times.fastest(s, numkongs)
	f := o.faster(4, fmt.Sprintf("int8 argmax + refine, %d tokens, %s: against numkong", s.tokens, s.where()), peer, key{ourRefine, s}, int8Peak, 2)
	f.Note = joinNotes(peer.name, f.Note)
	return f
}

func (o outcome) passageFigures() []figure {
	var all []figure
	for _, tokens := range tokenCounts {
		hot := shape{passageRows, tokens, false}
		all = append(all,
			o.share(5, fmt.Sprintf("float32, %d-token passages, %d tokens, hot: of the FMA peak", passageRows, tokens),
				key{float32Peak, hot}, key{ourFloat32, hot}, 80),
			o.share(5, fmt.Sprintf("int8, %d-token passages, %d tokens, hot: of the %s peak", passageRows, tokens, o.int8Label),
				key{int8Peak, hot}, key{ourInt8, hot}, 75))
	}
	var most memory
	for _, c := range o.contenders {
		most.Bytes, most.Allocs = max(most.Bytes, c.Bytes), max(most.Allocs, c.Allocs)
	}
	return append(all,
		atMost(5, "memory allocated by a call, the most of all our ways", most.Bytes, "B", 0),
		atMost(5, "allocations of a call, the most of all our ways", most.Allocs, "", 0))
}

func join(lists ...[]figure) []figure {
	var all []figure
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
