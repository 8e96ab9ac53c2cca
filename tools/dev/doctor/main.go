// Command doctor says the truth about a model folder: whether it is sound, what runs it and how fast, whether it
// gives its reference's vectors, and what a million pages would cost with it.
//
//	go run ./tools/dev/doctor [-batches 1,4] [-runs 5] MODEL_FOLDER
//
// Without a folder it examines the embedded demo model. The device and the library are chosen by the server's
// own variables (COLPALI_DEVICE, COLPALI_ONNXRUNTIME, ...). The exit status is 1 when the folder cannot be used
// or its vectors are not those of its goldens, 2 when the arguments are wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"weaviate-colpali/config"
	"weaviate-colpali/tools/dev/trial"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/operator"
	"weaviate-colpali/vectorizer/tinymodel"
)

// bounds of what may be asked for: beyond them nobody measures a model.
const (
	maxBatch = 64
	maxRuns  = 1000
)

func main() {
	batchList := flag.String("batches", "1,4", "batch sizes to time, separated by commas")
	runs := flag.Int("runs", 5, "times that each batch is timed; the median counts")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: doctor [-batches 1,4] [-runs 5] [MODEL_FOLDER]")
		flag.PrintDefaults()
	}
	flag.Parse()
	batches, err := parseBatches(*batchList)
	if err == nil && (*runs < 1 || *runs > maxRuns || flag.NArg() > 1) {
		err = fmt.Errorf("-runs is %d, from 1 to %d are accepted, before at most one folder", *runs, maxRuns)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, flag.Arg(0), batches, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func parseBatches(list string) ([]int, error) {
	var batches []int
	for word := range strings.SplitSeq(list, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || size < 1 || size > maxBatch {
			return nil, fmt.Errorf("-batches has %q; each must be a whole number from 1 to %d", word, maxBatch)
		}
		batches = append(batches, size)
	}
	return batches, nil
}

// run examines the model in dir, or the embedded one if dir is empty.
func run(ctx context.Context, w io.Writer, dir string, batches []int, runs int) (err error) {
	settings, err := config.RuntimeFromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	files := tinymodel.FS()
	if dir != "" {
		root, err := os.OpenRoot(dir) // goldens are hostile, too: no link leads out
		if err != nil {
			return err
		}
		defer func() { _ = root.Close() }()
		files = root.FS()
	}
	largest := 1
	for _, size := range batches {
		largest = max(largest, size)
	}
	options := operator.Options(settings, nil)
	options.PageBatch = largest
	v, err := vectorizer.Open(ctx, files, dir, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	describe(w, v.Model())
	page, err := trial.Letter()
	if err != nil {
		return err
	}
	embeddings, err := v.EmbedPages(ctx, [][]byte{page})
	if err := trial.Failure(embeddings, err); err != nil {
		return err
	}
	vectors := sizeOf(embeddings[0].Vectors)
	fmt.Fprintf(w, "page      %d vectors of %d for a letter page: %d bytes in float32\n", vectors.vectors, vectors.dim, vectors.bytes())
	pageTime, err := times(ctx, w, v, page, batches, runs)
	if err != nil {
		return err
	}
	cost(w, vectors, pageTime)
	return parity(ctx, w, v, files)
}

func describe(w io.Writer, m vectorizer.Model) {
	fmt.Fprintf(w, "model     %s, family %s, in %s, manifest %.12s\n", m.Name, m.Family, m.Precision, m.ManifestHash)
	fmt.Fprintf(w, "provider  %s, ONNX Runtime %s from %s\n", m.Provider, m.RuntimeVersion, m.Library)
	for _, why := range m.PassedOver {
		fmt.Fprintf(w, "          passed over: %s\n", why)
	}
}
