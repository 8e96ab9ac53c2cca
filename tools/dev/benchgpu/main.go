// Command benchgpu measures a ColPali of full size with random weights on a GPU, through the runtime that the server
// has: pages and queries a second by batch, the share of the device's peak, memory, how far preprocessing and the
// device overlap, and whether the vectors are those of a CPU. `make bench-gpu` makes the model and runs it.
//
//	go run ./tools/dev/benchgpu [-device cuda] [-batches 1,2,4,8,16] [-seconds 10] [-check 2] FOLDER
//
// FOLDER is what `python -m benchgpu.model` wrote; peer.json in it, if it is there, is what PyTorch made of the same
// model on the same device. The exit status is 1 when something cannot be measured or is wrong, 2 when the arguments
// are wrong.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/operator"
)

type flags struct {
	device  string
	batches []int
	seconds float64
	check   int
	folder  string
}

func main() {
	f, err := parseFlags(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchgpu:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err = run(ctx, os.Stdout, f)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchgpu:", err)
		os.Exit(1)
	}
}

func parseFlags(arguments []string) (flags, error) {
	set := flag.NewFlagSet("benchgpu", flag.ContinueOnError)
	device := set.String("device", "cuda", "cuda, webgpu, tensorrt or cpu")
	list := set.String("batches", "1,2,4,8,16", "pages, and queries, in one batch")
	seconds := set.Float64("seconds", 10, "how long each batch size is measured")
	check := set.Int("check", 2, "pages whose vectors are compared with a CPU's, which takes some minutes and 15 GB of memory; 0 for none")
	if err := set.Parse(arguments); err != nil {
		return flags{}, err
	}
	f := flags{device: *device, seconds: *seconds, check: *check, folder: set.Arg(0)}
	for word := range strings.SplitSeq(*list, ",") {
		size, err := strconv.Atoi(word)
		if err != nil || size < 1 || size > maxBatch {
			return flags{}, fmt.Errorf("-batches has %q; each must be a whole number from 1 to %d", word, maxBatch)
		}
		f.batches = append(f.batches, size)
	}
	if set.NArg() != 1 || f.seconds < 0 || f.check < 0 || f.check > maxBatch {
		return flags{}, errors.New("usage: benchgpu [-device cuda] [-batches 1,2,4] [-seconds 10] [-check 2] FOLDER")
	}
	return f, nil
}

// maxBatch bounds what may be asked for: beyond it no card has the memory.
const maxBatch = 64

// figures is bench.json: the arithmetic in a page, in the question and in the products of peak.onnx.
type figures struct {
	Rehearsal       bool    `json:"rehearsal"`
	Question        string  `json:"question"`
	PageOperations  float64 `json:"page_operations"`
	QueryOperations float64 `json:"query_operations"`
	PeakOperations  float64 `json:"peak_operations"`
}

// peer is peer.json, PyTorch's pages a second by batch.
type peer struct {
	Torch  string             `json:"torch"`
	Device string             `json:"device"`
	Pages  map[string]float64 `json:"pages_a_second"`
}

// bench is a run on one device.
type bench struct {
	flags
	figures
	peer
	settings config.Runtime
	peak     float64 // operations a second, measured
	nominal  float64 // the maker's, 0 where it is not known
	w        io.Writer
}

func run(ctx context.Context, w io.Writer, f flags) error {
	settings, err := config.RuntimeFromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	settings.Device = f.device
	b := &bench{flags: f, settings: settings, w: w}
	if err := readJSON(f.folder, "bench.json", &b.figures); err != nil {
		return err
	}
	if err := readJSON(f.folder, "peer.json", &b.peer); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b.describe()
	if b.peak, err = measurePeak(ctx, settings, filepath.Join(f.folder, "peak.onnx"), b.PeakOperations); err != nil {
		return err
	}
	fmt.Fprintf(w, "peak      %.3g Tflop/s measured, float16 products in a row\n", b.peak/1e12)
	reference, err := b.reference(ctx)
	if err != nil {
		return err
	}
	measured := 0
	for _, precision := range []string{"float16", "bfloat16"} {
		err := b.model(ctx, precision, reference)
		if errors.Is(err, vectorizer.ErrModel) {
			fmt.Fprintf(w, "\n%s is left out: %v\n", precision, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", precision, err)
		}
		measured++
	}
	if measured == 0 {
		return errors.New("no model runs on this device")
	}
	return nil
}

func readJSON(folder, name string, into any) error {
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// describe says what is measured.
func (b *bench) describe() {
	if b.Rehearsal {
		fmt.Fprintln(b.w, "A REHEARSAL with a tiny model: its figures say nothing.")
	}
	card := queryCard()
	fmt.Fprintf(b.w, "device    %s, %s\n", b.device, card.name)
	if b.nominal = nominalPeak(card.name); b.nominal > 0 {
		fmt.Fprintf(b.w, "nominal   %.0f Tflop/s, the maker's dense figure in half precision\n", b.nominal/1e12)
	}
	if b.Torch != "" {
		fmt.Fprintf(b.w, "peer      PyTorch %s with scaled_dot_product_attention in bfloat16 on %s\n", b.Torch, b.Device)
	}
}

func (b *bench) open(ctx context.Context, precision, device string, o vectorizer.Observer) (*vectorizer.Vectorizer, error) {
	settings := b.settings
	settings.Device = device
	options := operator.Options(settings, o)
	options.PageBatch = maxBatch
	options.BatchTokens = maxBatch * 2048
	return vectorizer.OpenFolder(ctx, filepath.Join(b.folder, precision), options)
}

// model measures one model.
func (b *bench) model(ctx context.Context, precision string, reference *vectors) (err error) {
	began := time.Now()
	ran := &graphTime{}
	v, err := b.open(ctx, precision, b.device, ran)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	m := v.Model()
	fmt.Fprintf(b.w, "\n%s on %s, ONNX Runtime %s, ready in %.0f s\n", precision, m.Provider, m.RuntimeVersion, time.Since(began).Seconds())
	if err := b.pages(ctx, v, ran); err != nil {
		return err
	}
	if err := b.queries(ctx, v); err != nil {
		return err
	}
	fmt.Fprintf(b.w, "memory    %s\n", queryCard().memory)
	return b.compare(ctx, v, precision, reference)
}
