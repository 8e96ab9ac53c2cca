package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A report is what the table and the JSON file say.
type report struct {
	Machine machine
	Rounds  int
	Slice   time.Duration
	Peaks   []peakLine
	Figures []figure
	Times   []timeLine
	Errors  []scoreError
	Peers   []pythonPeer
	Missing []missingPeer
}

// A peakLine is one limit of the machine.
type peakLine struct {
	What, How string
	Median    number
	Best      number
	Unit      string
}

// A timeLine is one contender's time for one document of a shape.
type timeLine struct {
	Name         string
	Rows, Tokens int
	Stream       bool
	Median, Min  number // seconds
	Share        number // % of the peak of its type, where it has one
	Ours         bool
	Memory       memory
}

// newReport works out the figures.
func newReport(o options, b *bench, measured outcome) report {
	return report{
		Machine: thisMachine(), Rounds: o.rounds, Slice: o.slice,
		Peaks: b.peakLines(measured.times), Figures: measured.figures(), Times: measured.timeLines(), Errors: measured.errors,
	}
}

// peakLines are the limits in the units that people know. A peak is measured beside every shape; all of those
// count here.
func (b *bench) peakLines(t times) []peakLine {
	lines := []peakLine{
		rate("float32", b.float32.name, "GFLOPS", t, float32Peak),
		rate("int8", b.int8.name, "Gop/s", t, int8Peak),
	}
	memory := t[key{name: memoryRead}]
	return append(lines, peakLine{
		What: "reading memory", How: "ymm loads, one after another", Unit: "GB/s",
		Median: number(1e-9 / median(memory)), Best: number(1e-9 / least(memory)),
	})
}

// rate is what a peak reached: two operations for each multiplication with addition.
func rate(what, how, unit string, t times, name string) peakLine {
	var seconds []float64 // for one operation
	for k, values := range t {
		if k.name == name {
			for _, perDocument := range values {
				seconds = append(seconds, perDocument/(2*k.shape.macs()))
			}
		}
	}
	return peakLine{What: what, How: how, Unit: unit, Median: number(1e-9 / median(seconds)), Best: number(1e-9 / least(seconds))}
}

// int8Label tells in a figure's name which limit it is about.
func (b *bench) int8Label() string {
	if strings.HasPrefix(b.int8.name, vnni) {
		return "VNNI"
	}
	return "AVX2 int8 (no VNNI here)"
}

// timeLines are all scorers, in the order in which they took turns.
func (o outcome) timeLines() []timeLine {
	var lines []timeLine
	for _, c := range o.contenders {
		if c.name == float32Peak || c.name == int8Peak || c.name == memoryRead {
			continue
		}
		k := key{c.name, c.shape}
		hot := shape{c.shape.rows, c.shape.tokens, false}
		lines = append(lines, timeLine{
			Name: c.name, Rows: c.shape.rows, Tokens: c.shape.tokens, Stream: c.shape.stream,
			Median: number(median(o.times[k])), Min: number(least(o.times[k])),
			Share: number(100 * median(o.times.ratios(key{o.peakOf(c.name), hot}, k))),
			Ours:  c.ours != nil, Memory: c.memory,
		})
	}
	return lines
}

// peakOf is the limit of a contender's arithmetic; numkong mixes two kinds and has none.
func (o outcome) peakOf(name string) string {
	switch {
	case name == ourInt8 || name == ourRefine:
		return int8Peak
	case name == ourFloat16 || slices.Contains(o.exact, name):
		return float32Peak
	default:
		return ""
	}
}

// writeJSON leaves the report in a file.
func (r report) writeJSON(name string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// print writes the table.
func (r report) print(w io.Writer) error {
	fmt.Fprintf(w, "MaxSim on one core of %s\n", r.Machine.CPU)
	fmt.Fprintf(w, "features %s; maxsim.Kernel() %s; GOMAXPROCS %d; %s\n",
		strings.Join(r.Machine.Features, " "), r.Machine.Kernel, r.Machine.GOMAXPROCS, r.Machine.Go)
	fmt.Fprintf(w, "%d rounds, in which everybody works for %v of %s in turn; medians over the rounds of times and of the ratios within a round\n\n", r.Rounds, r.Slice, clockName)
	for _, part := range []func(io.Writer){r.printPeaks, r.printFigures, r.printTimes, r.printErrors} {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		part(table)
		fmt.Fprintln(table)
		if err := table.Flush(); err != nil {
			return err
		}
	}
	r.printPeers(w)
	return nil
}

func (r report) printPeaks(w io.Writer) {
	fmt.Fprintf(w, "Limits measured in this run\tmedian\tbest\t\t\n")
	for _, p := range r.Peaks {
		if math.IsNaN(float64(p.Median)) {
			fmt.Fprintf(w, "%s\t%s\t\t\t\n", p.What, notMeasured)
			continue
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%s\t%s\n", p.What, p.Median, p.Best, p.Unit, p.How)
	}
}

func (r report) printFigures(w io.Writer) {
	fmt.Fprintf(w, "\tFigure to reach (1,030 x 128 pages unless said)\tus median\tmin\tvalue\ttarget\tverdict\t\n")
	for _, f := range r.Figures {
		bound := ">="
		if f.AtMost {
			bound = "<="
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s %s\t%s\t%s\n", f.Section, f.What, micros(f.Median), micros(f.Min),
			withUnit(f.Value, f.Unit), bound, withUnit(f.Target, f.Unit), f.Verdict, f.Note)
	}
}

func (r report) printTimes(w io.Writer) {
	fmt.Fprintf(w, "Time of a document\trows\ttokens\t\tus median\tmin\tof its peak\tB/op\tallocs/op\n")
	var last timeLine
	for _, t := range r.Times {
		if last.Name != "" && (t.Rows != last.Rows || t.Tokens != last.Tokens || t.Stream != last.Stream) {
			fmt.Fprintln(w, "\t\t\t\t\t\t\t\t")
		}
		last = t
		share, bytes, allocs := "", "", ""
		if !math.IsNaN(float64(t.Share)) {
			share = fmt.Sprintf("%.1f %%", t.Share)
		}
		if t.Ours {
			bytes, allocs = fmt.Sprint(t.Memory.Bytes), fmt.Sprint(t.Memory.Allocs)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.Rows, t.Tokens, shape{stream: t.Stream}.where(),
			micros(t.Median), micros(t.Min), share, bytes, allocs)
	}
}

func (r report) printErrors(w io.Writer) {
	fmt.Fprintf(w, "Error of a score against float64, relative\tset\tmean\tlargest\n")
	for _, e := range r.Errors {
		fmt.Fprintf(w, "%s\t%s\t%+.1e\t%.1e\n", e.Name, e.Set, e.Mean, e.Max)
	}
}

func (r report) printPeers(w io.Writer) {
	var libraries []string
	for _, p := range r.Peers {
		if len(libraries) == 0 || libraries[len(libraries)-1] != p.Library {
			libraries = append(libraries, p.Library)
		}
	}
	if len(libraries) > 0 {
		fmt.Fprintf(w, "Peers in Python: %s\n", strings.Join(libraries, ", "))
	}
	for _, m := range r.Missing {
		fmt.Fprintf(w, "Missing peer %s: %s\n", m.Name, m.Hint)
	}
}

// micros is a time in microseconds; nothing where there is none.
func micros(seconds number) string {
	if math.IsNaN(float64(seconds)) {
		return ""
	}
	return figured(1e6 * seconds)
}

func withUnit(x number, unit string) string {
	if math.IsNaN(float64(x)) {
		return figured(x)
	}
	return strings.TrimSpace(figured(x) + " " + unit)
}

// figured is a number with three digits that matter; a dash if it is unknown.
func figured(x number) string {
	switch value := float64(x); {
	case math.IsNaN(value):
		return "-"
	case value == 0 || math.Abs(value) >= 100:
		return fmt.Sprintf("%.0f", value)
	case math.Abs(value) < 0.01:
		return fmt.Sprintf("%.1e", value)
	default:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.*f", 2-int(math.Floor(math.Log10(math.Abs(value)))), value), "0"), ".")
	}
}
